/** The rule on packages that compile what belongs to all packages of an image. */
import type { Element } from "../../project/element.ts";
import { isScratch } from "../images.ts";
import { ownCalls } from "../scripts.ts";
import type { Call } from "../shell.ts";
import { type Rule, warningAt } from "./finding.ts";
import { isPackage } from "./layer-rules.ts";

/** Programs that compile what all packages of an image have installed, with the words that make them do it. */
const COMPILERS = new Map<string, RegExp>(
  Object.entries({
    "glib-compile-schemas": /^/,
    "update-mime-database": /^/,
    "gio-querymodules": /^/,
    "update-desktop-database": /^/,
    "gtk-update-icon-cache": /^/,
    "gtk4-update-icon-cache": /^/,
    "gdk-pixbuf-query-loaders": /^/,
    "fc-cache": /^/,
    "systemd-hwdb": /^update$/,
    dconf: /^(?:update|compile)$/,
  }),
);

export const compiledInPackage: Rule = {
  id: "compiled-in-package",
  summary: "A package compiles what belongs to all packages, such as schemas, of its own files alone",
  *check({ elements }) {
    for (const element of elements) {
      if (!isPackage(element)) continue;
      const call = ownCalls(element).find((each) => compiles(element, each));
      if (call === undefined) continue;
      yield {
        ...warningAt(this, element, call),
        message: `${call.program} sees the files of this package only, and its result replaces those of others`,
        advice: "Run it once over all files: in the script that assembles the image, or as an integration command",
      };
    }
  },
};

/** Whether a call does it for what is installed: not for a test, and not to see whether it could. */
function compiles(element: Element, { program, operands, words, paths, outputs }: Call): boolean {
  const how = COMPILERS.get(program);
  if (how === undefined || !how.test(operands[0] ?? "") || words.includes("--dry-run")) return false;
  return [...paths.flat(), ...outputs].some((path) => !isScratch(element, path));
}
