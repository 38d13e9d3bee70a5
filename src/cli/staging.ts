/** A sandbox's root outside of a build: artifacts staged over each other, and their integration commands run. */
import { readEnvironment, readPublicMetadata, readSandbox } from "../artifact/metadata.ts";
import { StagingArea } from "../artifact/overlaps.ts";
import type { ArtifactRecord } from "../artifact/record.ts";
import { BstError } from "../base/errors.ts";
import { type BatchCommand, batchScript } from "../build/command-script.ts";
import { remoteApisSocket } from "../build/remote-apis.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { type SandboxConfig, sandboxConfig } from "../project/sandbox-config.ts";
import { warn } from "../project/sources.ts";
import { detectSandbox, openSandbox } from "../sandbox/sandbox.ts";
import { MappingNode } from "../yaml/node.ts";
import type { CommandContext } from "./app.ts";
import { nameOf, type Subject } from "./artifacts.ts";
import { STDERR } from "./output.ts";

/** A subject whose artifact is in the cache. */
interface Cached extends Subject {
  readonly record: ArtifactRecord;
}

/** @throws BstError in domain "element", reason `uncached-checkout-attempt`, for the first that is not in the cache */
export function requireCached(subjects: readonly Subject[]): readonly Cached[] {
  return subjects.map((subject) => {
    const { record } = subject;
    if (record !== undefined) return { ...subject, record };
    const name = nameOf(subject);
    throw new BstError("element", `The artifact of ${name} is not in the cache`, {
      reason: "uncached-checkout-attempt",
      detail: subject.element === undefined ? undefined : `Build it first: bst-ts build ${name}`,
    });
  });
}

/** Stages artifacts in order; overlaps that nobody allows are warnings about the target. */
export function stageSubjects(
  { reporter }: CommandContext,
  cas: Cas,
  target: Subject,
  subjects: readonly Cached[],
): Tree {
  const root = new Tree(cas);
  const staged = subjects.map((subject) => ({
    name: nameOf(subject),
    files: subject.record.files ?? EMPTY_DIRECTORY_DIGEST,
    publicData: readPublicMetadata(cas, subject.record),
  }));
  for (const { text, detail, token } of new StagingArea(() => root).stage(staged)) {
    if (target.element !== undefined) warn(target.element, text, { detail, token }, reporter);
    else reporter.emit({ type: "warn", text: `[${token}]: ${text}`, detail });
  }
  return root;
}

/**
 * Runs the integration commands of artifacts, in order, in a sandbox as the target's builds have it.
 * @returns the root as they left it
 * @throws BstError in domain "sandbox"
 */
export async function integrateSubjects(
  { reporter, signal }: CommandContext,
  root: Tree,
  target: Subject,
  subjects: readonly Cached[],
): Promise<Tree> {
  const { cas } = root;
  const commands = subjects.flatMap((subject) => integrationCommands(cas, subject));
  const [first] = commands;
  if (first === undefined) return root;
  const user = sandboxOf(cas, target);
  await using sandbox = await openSandbox(detectSandbox(cas), {
    root: root.digest(),
    writableDirectories: [],
    uid: user.buildUid,
    gid: user.buildGid,
    os: user.buildOs,
    arch: user.buildArch,
    network: false,
    hostMounts: [],
    socket: remoteApisSocket(cas, user),
  });
  reporter.flush();
  const command = {
    argv: ["sh", "-c", "-e", batchScript(commands)],
    env: first.environment,
    cwd: first.workDirectory,
    rootReadOnly: false,
  };
  const status = await sandbox.run(command, { stdout: STDERR, stderr: STDERR }, signal);
  if (status !== 0) throw new BstError("sandbox", "An integration command failed", { reason: "command-failed" });
  return new Tree(cas, sandbox.capture());
}

function integrationCommands(cas: Cas, { element, record }: Cached): BatchCommand[] {
  const commands = readPublicMetadata(cas, record).mapping("bst")?.strings("integration-commands") ?? [];
  const environment = element?.environment ?? readEnvironment(cas, record);
  return commands.map((command) => ({
    argv: ["sh", "-e", "-c", command],
    environment,
    workDirectory: "/",
    label: command,
  }));
}

function sandboxOf(cas: Cas, { element, record }: Subject): SandboxConfig {
  return element?.sandbox ?? sandboxConfig(record === undefined ? MappingNode.empty : readSandbox(cas, record));
}
