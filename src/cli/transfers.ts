/** Pulls and pushes what commands on artifacts are about: artifacts of elements, and those that are named. */
import { parseRef } from "../artifact/refs.ts";
import type { ElementView, PipelineStarted } from "../base/messages.ts";
import { configurationHeading, runPipeline, runTasks } from "../build/pipeline.ts";
import type { Further, Task } from "../build/scheduler.ts";
import { elementPull, elementPush, hasBuildTrees, isPullPending, pullTask, pushTask } from "../build/transfers.ts";
import {
  type ArtifactBench,
  artifactSubject,
  elementSubject,
  nameOf,
  type Subject,
  transferSubject,
} from "./artifacts.ts";

/** Whether a server is to be asked for an artifact, or for what of it is not here. */
export function isPending({ tools, workbench }: ArtifactBench, subject: Subject): boolean {
  const { element, record, refs } = subject;
  if (element !== undefined) return workbench !== undefined && isPullPending(workbench, element);
  const project = parseRef(refs[0] ?? "")?.project ?? "";
  if (tools.remotes?.artifacts.forPulling(project) === undefined) return false;
  return record === undefined || (tools.config.cache.pullBuildtrees && !hasBuildTrees(tools, record));
}

/** What is known of a subject after something was pulled. */
export function refreshed({ workbench, caches }: ArtifactBench, subject: Subject): Subject {
  const { element, refs } = subject;
  if (element !== undefined) return workbench === undefined ? subject : elementSubject(workbench, element);
  const name = parseRef(refs[0] ?? "");
  return name === undefined ? subject : artifactSubject(caches.artifacts, name);
}

/** Pulls artifacts that are not in the cache. @throws BstError domain stream, where a job failed */
export async function pullSubjects(bench: ArtifactBench, subjects: readonly Subject[]): Promise<void> {
  await runSubjects(bench, ["pull"], subjects, (subject) => {
    if (isPending(bench, subject)) return [pullOf(bench, subject)];
    skip(bench, subject, "pull");
    return [];
  });
}

/** Pushes artifacts, once what is missing of them is pulled. @throws BstError domain stream, where a job failed */
export async function pushSubjects(bench: ArtifactBench, subjects: readonly Subject[]): Promise<void> {
  await runSubjects(bench, ["pull", "push"], subjects, (subject) => {
    const { project } = identityOf(subject);
    const isServed = bench.tools.remotes?.artifacts.forPushing(project) !== undefined;
    if (!isServed) skip(bench, subject, "push");
    const push = isServed ? [pushOf(bench, subject)] : [];
    if (isPending(bench, subject)) {
      const further = (): Further => ({
        instead: [],
        others: isServed ? [pushOf(bench, refreshed(bench, subject))] : [],
      });
      return [{ ...pullOf(bench, subject), further }];
    }
    skip(bench, subject, "pull");
    return push;
  });
}

/** Pulls what a command needs, and tells why. @returns the subjects as they are then */
export async function pullMissing(bench: ArtifactBench, subjects: readonly Subject[]): Promise<readonly Subject[]> {
  const missing = subjects.filter((subject) => isPending(bench, subject));
  if (missing.length === 0) return subjects;
  bench.tools.events.emit({
    type: "info",
    text: "Some artifacts are not here, or not all of them: pulling what can be had",
  });
  await pullSubjects(bench, missing);
  return subjects.map((subject) => refreshed(bench, subject));
}

function pullOf({ tools, workbench }: ArtifactBench, subject: Subject): Task {
  const { element } = subject;
  if (element === undefined || workbench === undefined) return pullTask(tools, transferSubject(tools, subject));
  return pullTask(workbench, elementPull(workbench, element));
}

function pushOf({ tools, workbench }: ArtifactBench, subject: Subject): Task {
  const { element } = subject;
  if (element === undefined || workbench === undefined) return pushTask(tools, transferSubject(tools, subject));
  return pushTask(workbench, elementPush(workbench, element));
}

function identityOf({ element, refs }: Subject): { project: string } {
  return { project: element?.projectName ?? parseRef(refs[0] ?? "")?.project ?? "" };
}

function skip({ tools }: ArtifactBench, { about }: Subject, action: string): void {
  tools.events.emit({ type: "job-not-needed", action, element: about.element });
}

async function runSubjects(
  bench: ArtifactBench,
  queues: readonly string[],
  subjects: readonly Subject[],
  tasksOf: (subject: Subject) => readonly Task[],
): Promise<void> {
  const { tools, workbench, targets } = bench;
  const tasks = () => subjects.flatMap(tasksOf);
  const elements = subjects.flatMap(({ element }) => element ?? []);
  if (workbench !== undefined) {
    await runPipeline(workbench, { queues, targets: workbench.targets, elements }, tasks);
    return;
  }
  const started: PipelineStarted = {
    type: "pipeline-started",
    queues,
    targets: targets.map(nameOf),
    configuration: configurationHeading(tools.config, true),
    projects: [],
    elements: subjects.map((subject) => viewOf(bench, subject)),
  };
  const count = subjects.length;
  await runTasks(tools, started, tasks, () => ({ total: count, session: count, changed: [] }));
}

/** An artifact without an element, as formats show it. */
function viewOf({ tools }: ArtifactBench, subject: Subject): ElementView {
  const { key } = transferSubject(tools, subject);
  return {
    strictKey: true,
    value: (symbol) => {
      if (symbol === "name") return subject.about.element;
      if (symbol === "key") return key().brief;
      if (symbol === "full-key") return key().full;
      if (symbol === "state") return subject.record === undefined ? "waiting" : "cached";
      return "";
    },
  };
}
