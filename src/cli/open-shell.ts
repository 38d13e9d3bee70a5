/** Opens shells at the terminal, on what an element was or is to be built in. */
import { isatty } from "node:tty";
import { readEnvironment, readSandbox } from "../artifact/metadata.ts";
import { BstError } from "../base/errors.ts";
import { runShell, type ShellOptions, type ShellRoot } from "../build/shell.ts";
import { sandboxConfig } from "../project/sandbox-config.ts";
import { createStyles } from "../report/style.ts";
import type { SandboxHost } from "../sandbox/sandbox.ts";
import type { CommandContext } from "./app.ts";
import type { Subject } from "./artifacts.ts";
import type { Workbench } from "./workbench.ts";

const STDIN = 0;

/**
 * Runs a shell, to which the caller has lent the terminal.
 * @returns its exit status
 */
export function openShell(
  context: CommandContext,
  bench: Workbench,
  subject: Subject,
  root: ShellRoot,
  host: SandboxHost,
  options: Omit<ShellOptions, "prompt">,
): Promise<number> {
  const { reporter, signal } = context;
  return runShell(
    root,
    bench.graph.project.resolved.shell,
    { ...options, prompt: prompt(context, subject) },
    {
      host,
      messenger: { emit: (message) => reporter.emit({ ...subject.about, ...message }) },
      // At a terminal, what interrupts the command is for the command alone.
      signal: isatty(STDIN) ? undefined : signal,
    },
  );
}

/**
 * What the element's build ended with.
 * @throws BstError domain stream, reasons missing-buildtree-…
 */
export function buildTreeRoot({ caches, events }: Workbench, { element, record }: Subject): ShellRoot {
  const { cas } = caches;
  if (record === undefined) {
    throw new BstError("stream", "The artifact is not in the cache", {
      reason: "missing-buildtree-artifact-not-cached",
    });
  }
  const { buildRoot: root, buildSandbox, buildSuccess } = record;
  if (root === undefined) {
    throw new BstError("stream", "The artifact was built without keeping its build tree", {
      reason: "missing-buildtree-artifact-created-without-buildtree",
      detail: "With --cache-buildtrees always, builds keep it.",
    });
  }
  if (!cas.hasTree(root)) {
    throw new BstError("stream", "The artifact is in the cache, but not its build tree", {
      reason: "missing-buildtree-artifact-buildtree-not-cached",
    });
  }
  if (!buildSuccess) events.emit({ type: "warn", text: "using a buildtree from a failed build." });
  const environment = buildSandbox?.environment ?? {};
  return {
    root,
    environment: Object.keys(environment).length > 0 ? environment : readEnvironment(cas, record),
    workDirectory: buildSandbox?.workingDirectory || "/",
    writable: buildSandbox?.markedDirectories ?? [],
    sandbox: element?.sandbox ?? sandboxConfig(readSandbox(cas, record)),
  };
}

/** For PS1. */
function prompt({ colors }: CommandContext, { about, record }: Subject): string {
  const { paint, content, frame } = createStyles(colors);
  const { brief, strict } = about.key ?? { brief: record?.strongKey.slice(0, 8) ?? "", strict: true };
  const key = paint(strict ? "yellow" : ["yellow", "dim"], brief);
  return `${frame("[")}${key}${frame("@")}${content(about.element)}${frame(":")}${content("${PWD}")}${frame("]$")} `;
}
