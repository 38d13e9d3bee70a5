/** `shell`: runs a command where an element runs, is built, or was built. */
import { resolve } from "node:path";
import { parseRef } from "../../artifact/refs.ts";
import { activity } from "../../base/activity.ts";
import { BstError } from "../../base/errors.ts";
import type { JobMessenger } from "../../base/messages.ts";
import { buildTools } from "../../build/build.ts";
import { ElementBuild } from "../../build/build-io.ts";
import { assertFetched } from "../../build/consistency.ts";
import { fetchElements, isFetched } from "../../build/fetch.ts";
import type { ShellRoot } from "../../build/shell.ts";
import { dependencies, type Scope } from "../../graph/scopes.ts";
import type { Element } from "../../project/element.ts";
import { shellMount } from "../../project/shell-config.ts";
import { detectSandbox, type SandboxHost } from "../../sandbox/sandbox.ts";
import type { CommandContext, Run } from "../app.ts";
import { artifactSubject, elementSubject, type Subject } from "../artifacts.ts";
import { buildTreeRoot, openShell } from "../open-shell.ts";
import { STDERR } from "../output.ts";
import { artifactServers, sourceServers } from "../servers.ts";
import type { OptionsOf } from "../spec/commands.ts";
import { integrateSubjects, requireCached, stageSubjects } from "../staging.ts";
import { classifyTargets } from "../targets.ts";
import { pullMissing, refreshed } from "../transfers.ts";
import { findProject, openWorkbench, type Workbench } from "../workbench.ts";

export const run: Run<"shell"> = async (context, options) => {
  const target = options.target ?? findProject(context.directory).workspaceElement;
  if (target === undefined) throw new BstError("app", 'Missing argument "TARGET".');
  try {
    return await enterShell(context, target, options);
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    const { message, reason, detail } = error;
    throw new BstError("app", `Error launching shell: ${message}`, { reason, detail, cause: error });
  }
};

async function enterShell(context: CommandContext, target: string, options: OptionsOf<"shell">): Promise<number> {
  const isElement = classifyTargets([target]).elements.length > 0;
  if (!isElement && !options.useBuildtree) {
    throw new BstError("stream", "Of an artifact named by its key, only the build tree can be entered", {
      reason: "only-buildtrees-supported",
      detail: "Use --build with --use-buildtree, or name the element.",
    });
  }
  // The project says what shells are like, also for those of an artifact.
  const bench = await openWorkbench(context, {
    targets: isElement ? [target] : [],
    withoutDefaults: true,
    servers: { artifacts: artifactServers(options), sources: sourceServers(options) },
    furtherProjects: isElement ? [] : [target.split("/")[0] ?? ""],
  });
  const subject = await pulledSubject(bench, subjectOf(bench, target), options);
  const host = detectSandbox(bench.caches.cas);
  const root = await shellRoot(context, bench, subject, host, options);
  const { command, isolate, mount } = options;
  const mounts = mount.map(([hostPath, path]) => shellMount(path, resolve(context.cwd, hostPath)));
  const takeBack = context.lendTerminal();
  try {
    return await openShell(context, bench, subject, root, host, { command, isolate, mounts });
  } finally {
    takeBack();
  }
}

function subjectOf(bench: Workbench, target: string): Subject {
  const [element, ...others] = bench.targets;
  const ref = parseRef(target);
  if (element !== undefined && others.length === 0) return elementSubject(bench, element);
  if (ref !== undefined) return artifactSubject(bench.caches.artifacts, ref);
  throw new BstError("stream", `A shell is opened on one element or artifact, and '${target}' names none or several`);
}

/** The subject, once what of it and of its dependencies is missing was pulled, as far as it can be. */
async function pulledSubject(
  bench: Workbench,
  subject: Subject,
  { build, useBuildtree }: OptionsOf<"shell">,
): Promise<Subject> {
  const { element } = subject;
  const scope = build ? "build" : "run";
  const others = element === undefined || useBuildtree ? [] : dependencies(element, scope);
  const needed = [subject, ...others.filter((each) => each !== element).map((each) => elementSubject(bench, each))];
  const artifacts = { caches: bench.caches, tools: bench, workbench: bench, targets: [subject], subjects: needed };
  await pullMissing(artifacts, needed);
  return refreshed(artifacts, subject);
}

async function shellRoot(
  context: CommandContext,
  bench: Workbench,
  subject: Subject,
  host: SandboxHost,
  { build, useBuildtree }: OptionsOf<"shell">,
): Promise<ShellRoot> {
  const { element } = subject;
  if (useBuildtree || element === undefined) return buildTreeRoot(bench, subject);
  return build ? buildRoot(bench, element, host) : runtimeRoot(context, bench, element);
}

/** An element with what it needs to run, integrated. */
async function runtimeRoot(context: CommandContext, bench: Workbench, element: Element): Promise<ShellRoot> {
  const { cas } = bench.caches;
  const target = elementSubject(bench, element);
  assertCached(bench, element, "run");
  const subjects = requireCached(dependencies(element, "run").map((each) => elementSubject(bench, each)));
  const stage = () => stageSubjects(context, cas, target, subjects);
  const staged = activity(context.reporter, "Staging dependencies", stage, target.about);
  const integrate = () => integrateSubjects(context, staged, target, subjects);
  const root = await activity(context.reporter, "Integrating sandbox", integrate, target.about);
  const { environment, sandbox } = element;
  return { root: root.digest(), environment, workDirectory: "/", writable: [], sandbox };
}

/** What the element's build begins with. */
async function buildRoot(bench: Workbench, element: Element, host: SandboxHost): Promise<ShellRoot> {
  assertCached(bench, element, "build");
  await fetchElements(bench, [element], [element], { announce: false });
  assertFetched([element], (each) => isFetched(bench, each));
  const { events, signal } = bench;
  // What the commands of the staging print is no result of the shell.
  const job = { id: 0, action: "main", element: element.fullName };
  const messenger: JobMessenger = {
    job,
    logFd: STDERR,
    emit: (message) => events.emit(message),
    progress: () => {},
    end: () => {},
  };
  await using build = new ElementBuild(
    element,
    buildTools(bench, messenger, () => host, signal),
  );
  await element.behaviour.stage?.(build);
  const { workDirectory = "/", writable = [] } = build.layout;
  return {
    root: build.root.digest(),
    environment: build.environment,
    workDirectory,
    writable,
    sandbox: element.sandbox,
  };
}

function assertCached({ states }: Workbench, element: Element, scope: Scope): void {
  const missing = dependencies(element, scope).filter((each) => states.of(each).artifact === undefined);
  if (missing.length === 0) return;
  throw new BstError("stream", "A shell needs these elements to be built first", {
    reason: "shell-missing-deps",
    detail: missing.map(({ fullName }) => fullName).join("\n"),
  });
}
