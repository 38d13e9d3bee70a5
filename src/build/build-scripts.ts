/** Shell scripts that build elements on the machine itself, from sources that were checked out. */

import { quote } from "../base/quote.ts";
import type { Element } from "../project/element.ts";

/** An element that commands build. */
export interface ScriptedElement {
  readonly element: Element;
  readonly commands: readonly string[];
  /** Of its sources, relative to the scripts' folder. */
  readonly directory: string;
}

/** Builds one element, and installs it to the machine. */
export function elementScript({ element, commands, directory }: ScriptedElement): string {
  const [buildRoot, installRoot] = ["build-root", "install-root"].map((name) => quote(element.variable(name) ?? "/"));
  const variables = Object.entries(element.environment).map(([name, value]) => `export ${name}=${quote(value)}`);
  return lines(
    "#!/bin/sh",
    `# Builds ${element.name}, and installs it to this machine.`,
    "set -e",
    `sources=$(cd "$(dirname "$0")" && pwd)/${quote(directory)}`,
    `rm -rf ${buildRoot} ${installRoot}`,
    `mkdir -p ${buildRoot} ${installRoot}`,
    `if [ -d "$sources" ]; then cp -a "$sources/." ${buildRoot}; fi`,
    `cd ${buildRoot}`,
    ...variables,
    `export PREFIX=${installRoot}`,
    ...commands.map((command) => `(set -ex; ${command}\n) || exit 1`),
    "cd /",
    `rm -rf ${buildRoot}`,
    `(cd ${installRoot} && find . | cpio -umdp /)`,
  );
}

/** Builds elements one after the other by their scripts. */
export function allScript(elements: readonly ScriptedElement[]): string {
  const names = elements.map(({ element }) => quote(element.normalName));
  return lines(
    "#!/bin/sh",
    "# Builds each element by its own script, and installs it to this machine.",
    "set -eu",
    'scripts=$(cd "$(dirname "$0")" && pwd)',
    `for name in ${names.join(" ")}; do`,
    '  echo "Building $name"',
    '  "$scripts/build-$name"',
    "  if [ -e /sbin/ldconfig ]; then /sbin/ldconfig || true; fi",
    "done",
  );
}

function lines(...all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}
