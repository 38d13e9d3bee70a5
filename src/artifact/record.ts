/** The records that stand for artifacts and staged sources: BuildStream's Artifact and Source messages. */
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import type { Digest } from "../cas/digest.ts";
import { readDigest, writeDigest } from "../cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../cas/protobuf.ts";

/** An element that was staged, at the time of the build, to build the artifact. */
export interface BuildDependency {
  readonly projectName: string;
  /** Name within its project, such as `base/zlib.bst`. */
  readonly elementName: string;
  /** The key of the artifact that was staged. */
  readonly cacheKey: string;
  readonly wasWorkspaced: boolean;
}

export interface BuildLog {
  /** Base name of the log file. */
  readonly name: string;
  readonly digest: Digest;
}

/** What is needed besides the build root to open a shell where the build left off. */
export interface SandboxState {
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Trees of further sandboxes that were used by the build. */
  readonly subsandboxes: readonly Digest[];
  /** Absolute paths of the folders that commands could write to. */
  readonly markedDirectories: readonly string[];
}

export interface ArtifactRecord {
  /** Of the message: 2. */
  readonly version: number;
  readonly buildSuccess: boolean;
  readonly buildError: string;
  readonly buildErrorDetails: string;
  /** Made of what was really staged; in strict builds the same as the strict key. */
  readonly strongKey: string;
  readonly strictKey: string;
  readonly weakKey: string;
  readonly wasWorkspaced: boolean;
  /** The tree of the files; undefined where the build failed before there were any. */
  readonly files: Digest | undefined;
  readonly buildDeps: readonly BuildDependency[];
  /** YAML. */
  readonly publicData: Digest;
  readonly logs: readonly BuildLog[];
  /** The tree of the folder in which the build ran. */
  readonly buildTree: Digest | undefined;
  /** The tree of the sources as they were staged. */
  readonly sources: Digest | undefined;
  /** YAML of what many artifacts of a project have in common: environment and sandbox. */
  readonly lowDiversityMeta: Digest;
  /** YAML of what few have in common: variables. */
  readonly highDiversityMeta: Digest;
  /** The tree of the whole sandbox after the build. */
  readonly buildRoot: Digest | undefined;
  readonly buildSandbox: SandboxState | undefined;
}

/** The bytes that BuildStream writes for the same artifact. */
export function encodeArtifact(record: ArtifactRecord): Buffer {
  const writer = new ProtoWriter()
    .int(1, record.version)
    .bool(2, record.buildSuccess)
    .string(3, record.buildError)
    .string(4, record.buildErrorDetails)
    .string(5, record.strongKey)
    .string(6, record.weakKey)
    .bool(7, record.wasWorkspaced);
  const tree = (field: number, digest: Digest | undefined) => {
    if (digest !== undefined) writeDigest(writer, field, digest);
  };
  tree(8, record.files);
  for (const { projectName, elementName, cacheKey, wasWorkspaced } of record.buildDeps) {
    writer.message(9, () =>
      writer.string(1, projectName).string(2, elementName).string(3, cacheKey).bool(4, wasWorkspaced),
    );
  }
  writeDigest(writer, 10, record.publicData);
  for (const { name, digest } of record.logs) {
    writer.message(11, () => writeDigest(writer.string(1, name), 2, digest));
  }
  tree(12, record.buildTree);
  tree(13, record.sources);
  writeDigest(writer, 14, record.lowDiversityMeta);
  writeDigest(writer, 15, record.highDiversityMeta);
  writer.string(16, record.strictKey);
  tree(17, record.buildRoot);
  const { buildSandbox } = record;
  if (buildSandbox !== undefined) writer.message(18, () => writeSandbox(writer, buildSandbox));
  return writer.finish();
}

function writeSandbox(writer: ProtoWriter, state: SandboxState): void {
  for (const name of Object.keys(state.environment).sort(compareCodePoints)) {
    writer.message(1, () => writer.string(1, name).string(2, state.environment[name] ?? ""));
  }
  writer.string(2, state.workingDirectory);
  for (const digest of state.subsandboxes) writeDigest(writer, 3, digest);
  for (const directory of state.markedDirectories) writer.string(4, directory, true);
}

const TEXTS = new Map([
  [3, "buildError"],
  [4, "buildErrorDetails"],
  [5, "strongKey"],
  [6, "weakKey"],
  [16, "strictKey"],
] as const);

const DIGESTS = new Map([
  [8, "files"],
  [10, "publicData"],
  [12, "buildTree"],
  [13, "sources"],
  [14, "lowDiversityMeta"],
  [15, "highDiversityMeta"],
  [17, "buildRoot"],
] as const);

/** Throws BstError in domain "artifact" for a record without metadata, and in domain "cas" for malformed bytes. */
export function decodeArtifact(bytes: Uint8Array): ArtifactRecord {
  let version = 0;
  const flags = { buildSuccess: false, wasWorkspaced: false };
  const texts: Record<MapValue<typeof TEXTS>, string> = {
    buildError: "",
    buildErrorDetails: "",
    strongKey: "",
    weakKey: "",
    strictKey: "",
  };
  const digests: Partial<Record<MapValue<typeof DIGESTS>, Digest>> = {};
  const buildDeps: BuildDependency[] = [];
  const logs: BuildLog[] = [];
  let buildSandbox: SandboxState | undefined;

  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    const text = TEXTS.get(reader.field as MapKey<typeof TEXTS>);
    const digest = DIGESTS.get(reader.field as MapKey<typeof DIGESTS>);
    if (text !== undefined) texts[text] = reader.string();
    else if (digest !== undefined) digests[digest] = readDigest(reader.message());
    else if (reader.field === 1) version = reader.int();
    else if (reader.field === 2) flags.buildSuccess = reader.bool();
    else if (reader.field === 7) flags.wasWorkspaced = reader.bool();
    else if (reader.field === 9) buildDeps.push(readDependency(reader.message()));
    else if (reader.field === 11) logs.push(readLog(reader.message()));
    else if (reader.field === 18) buildSandbox = readSandbox(reader.message());
    else reader.skip();
  }

  const { files, publicData, buildTree, sources, lowDiversityMeta, highDiversityMeta, buildRoot } = digests;
  if (publicData === undefined || lowDiversityMeta === undefined || highDiversityMeta === undefined) {
    throw new BstError("artifact", "A record in the artifact cache has no metadata");
  }
  const metadata = { publicData, lowDiversityMeta, highDiversityMeta };
  return {
    version,
    ...flags,
    ...texts,
    ...metadata,
    files,
    buildTree,
    sources,
    buildRoot,
    buildDeps,
    logs,
    buildSandbox,
  };
}

type MapKey<M> = M extends Map<infer K, unknown> ? K : never;
type MapValue<M> = M extends Map<unknown, infer V> ? V : never;

function readDependency(reader: ProtoReader): BuildDependency {
  let projectName = "";
  let elementName = "";
  let cacheKey = "";
  let wasWorkspaced = false;
  while (reader.next()) {
    if (reader.field === 1) projectName = reader.string();
    else if (reader.field === 2) elementName = reader.string();
    else if (reader.field === 3) cacheKey = reader.string();
    else if (reader.field === 4) wasWorkspaced = reader.bool();
    else reader.skip();
  }
  return { projectName, elementName, cacheKey, wasWorkspaced };
}

function readLog(reader: ProtoReader): BuildLog {
  let name = "";
  let digest: Digest | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) digest = readDigest(reader.message());
    else reader.skip();
  }
  if (digest === undefined) throw new BstError("artifact", `A record in the artifact cache lacks its log '${name}'`);
  return { name, digest };
}

function readSandbox(reader: ProtoReader): SandboxState {
  const environment: Record<string, string> = {};
  let workingDirectory = "";
  const subsandboxes: Digest[] = [];
  const markedDirectories: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) {
      const [name, value] = reader.message().pair();
      environment[name] = value;
    } else if (reader.field === 2) workingDirectory = reader.string();
    else if (reader.field === 3) subsandboxes.push(readDigest(reader.message()));
    else if (reader.field === 4) markedDirectories.push(reader.string());
    else reader.skip();
  }
  return { environment, workingDirectory, subsandboxes, markedDirectories };
}

/** BuildStream's Source message, which names the tree of staged sources. */
export function encodeSource(files: Digest): Buffer {
  const writer = new ProtoWriter();
  writeDigest(writer, 2, files);
  return writer.finish();
}

/** Throws BstError in domain "cas" for malformed bytes. */
export function decodeSource(bytes: Uint8Array): Digest {
  const reader = new ProtoReader(bytes);
  let files: Digest | undefined;
  while (reader.next()) {
    if (reader.field === 2) files = readDigest(reader.message());
    else reader.skip();
  }
  if (files === undefined) throw new BstError("cas", "A record of staged sources names no tree");
  return files;
}
