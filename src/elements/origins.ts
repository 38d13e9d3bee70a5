/**
 * Which element each file of a composition comes from, and what elements declare for their files. Kinds whose artifact is
 * made of others' files record both in their public data, so that whoever builds on them can see through them.
 */
import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import { attribute, type Leaf } from "../cas/attribution.ts";
import type { Digest } from "../cas/digest.ts";
import { nodesOf, type TreeNode } from "../cas/directory.ts";
import { Tree } from "../cas/tree.ts";
import {
  type Declarations,
  type Declared,
  declarationsOf,
  formatDeclarations,
  parseDeclarations,
  type Unfit,
} from "../oci/declared.ts";
import type { BuildIo, DependencyFacts } from "../project/element-kind.ts";
import { MappingNode, mappingFrom } from "../yaml/node.ts";

/** The public data that hold the record. */
const RECORD = "bst-ts-origins";
/** The public data of what elements declare for images. */
export const DECLARED = "oci";

/**
 * An element that files come from. As in keys, junctions don't matter: what is recorded of a composition is the same,
 * whichever project builds it.
 */
export interface Origin {
  /** Name of the project that declares it. */
  readonly project: string;
  /** Name within that. */
  readonly name: string;
  /** How often its files change from one release to the next, where that is declared. */
  readonly changes: Changes;
}

/** What tells origins apart. */
export function originId({ project, name }: Pick<Origin, "project" | "name">): string {
  return `${project}:${name}`;
}

/** The same of an element. */
export function originIdOf({ projectName, name }: DependencyFacts): string {
  return originId({ project: projectName, name });
}

/** By such ids; of elements that have the same, the first. */
export function elementsByOrigin<T extends DependencyFacts>(elements: Iterable<T>): Map<string, T> {
  const found = new Map<string, T>();
  for (const element of elements) {
    const id = originIdOf(element);
    if (!found.has(id)) found.set(id, element);
  }
  return found;
}

/** Whether an element's artifact records where its files come from. */
export function recordsOrigins({ kind }: DependencyFacts): boolean {
  return kind === "compose" || kind === "filter";
}

export type Changes = "rarely" | "sometimes" | "often";

/** Where the files of one tree come from. */
export interface Origins {
  readonly elements: readonly Origin[];
  /** Index in {@link elements}, by the path of a file, a symlink or an empty directory; without what commands made. */
  readonly of: ReadonlyMap<string, number>;
}

/** What is needed of those that build, or of a cache. */
export type OriginIo = Pick<BuildIo, "cas" | "artifactTree" | "publicData">;

/** The origins of a tree that elements were staged into, in order. */
export function originsOfStaged(io: OriginIo, tree: Digest, elements: readonly DependencyFacts[]): Origins {
  const parts = elements.filter(({ hasArtifact }) => hasArtifact);
  const all = parts.map((element) => originsOf(io, element));
  const trees = parts.map((element) => io.artifactTree(element));
  const origins: Origin[] = [];
  const places = new Map<string, number>();
  const of = new Map<string, number>();
  for (const { path, source } of attribute(io.cas, tree, trees)) {
    const theirs = all[source];
    const origin = theirs?.elements[theirs.of.get(path) ?? -1];
    if (origin === undefined) continue;
    const id = originId(origin);
    let place = places.get(id);
    if (place === undefined) {
      place = origins.push(origin) - 1;
      places.set(id, place);
    }
    of.set(path, place);
  }
  return { elements: origins, of };
}

/** The origins of what one element's artifact holds: those that it recorded, or else itself. */
export function originsOf(io: OriginIo, element: DependencyFacts): Origins {
  const record = io.publicData(element, RECORD);
  if (record !== undefined) return readRecord(io, element, record);
  const of = new Map<string, number>();
  for (const { path } of leaves(io, io.artifactTree(element))) of.set(path, 0);
  const changes = used(element, () => changesOf(io.publicData(element, DECLARED) ?? MappingNode.empty));
  return { elements: [{ project: element.projectName, name: element.name, changes }], of };
}

/** Elements that are staged one over the other, in order. */
export interface StagedAt {
  readonly elements: readonly DependencyFacts[];
  /** The folder below that of the others, as paths in trees are; default the same. */
  readonly at?: string;
}

/**
 * What elements declare for the files that are theirs once all are staged in this order. A file is of the element that
 * is staged last of those that have it; a directory is of all that have it, and the last declaration counts.
 */
export function declaredByStaged(io: BuildIo, ...staged: readonly StagedAt[]): Declarations {
  const parts = staged.flatMap(({ elements, at = "" }) =>
    elements.filter(({ hasArtifact }) => hasArtifact).map((element) => declaringPart(io, element, at)),
  );
  const names = new Map<string, Set<string>>();
  for (const path of parts.flatMap(({ declared }) => [...declared.keys()])) {
    const { dir, base } = posix.parse(path);
    names.set(dir, (names.get(dir) ?? new Set()).add(base));
  }
  const found = new Map<string, Declared>();
  const lost = new Map<string, string[]>();
  for (const [folder, wanted] of names) {
    const holders = new Map<string, Holder>();
    for (const part of parts) {
      for (const node of childrenOf(part.files, folder)) {
        if (wanted.has(node.name)) hold(io, holders, part, folder === "" ? node.name : `${folder}/${node.name}`, node);
      }
    }
    for (const [path, { its, by, without }] of holders) {
      if (its !== undefined) found.set(path, its);
      else if (without !== undefined) {
        const pair = `${by} replaces files that ${without} declares attributes for, and declares none`;
        lost.set(pair, [...(lost.get(pair) ?? []), `/${path}`]);
      }
    }
  }
  for (const [text, paths] of lost) io.warn(text, { detail: `They are as usual: ${paths.sort().join(", ")}` });
  return found;
}

interface DeclaringPart {
  readonly name: string;
  readonly files: Tree;
  readonly declared: Declarations;
}

/** Whose a path is, of those that were looked at so far. */
interface Holder {
  readonly isFile: boolean;
  readonly isEmpty: boolean;
  /** Who declared what for it; undefined where the element that has it says nothing. */
  readonly its: Declared | undefined;
  readonly by: string;
  /** Who had declared something for the file that this one replaced. */
  readonly without?: string | undefined;
}

function declaringPart(io: BuildIo, element: DependencyFacts, at: string): DeclaringPart {
  const [name, declared] = [element.fullName, declaredBy(io, element)];
  const files = new Tree(io.cas, io.artifactTree(element));
  if (at === "") return { name, files, declared };
  const all = new Tree(io.cas);
  all.openDirectory(at, { create: true }).importTree(files);
  return { name, files: all, declared: new Map([...declared].map(([path, its]) => [`${at}/${path}`, its])) };
}

function childrenOf(files: Tree, folder: string): Iterable<TreeNode> {
  if (folder === "") return nodesOf(files.cas.readDirectory(files.digest()));
  const node = files.lookup(folder);
  return node?.kind === "directory" ? nodesOf(files.cas.readDirectory(node.digest)) : [];
}

function hold(io: BuildIo, holders: Map<string, Holder>, part: DeclaringPart, path: string, node: TreeNode): void {
  const isFile = node.kind !== "directory";
  const isEmpty = !isFile && node.digest.size === 0;
  const earlier = holders.get(path);
  // As staging has it: a file does not come in the place of a folder with content.
  if (isFile && earlier !== undefined && !earlier.isFile && !earlier.isEmpty) return;
  const [its, by] = [part.declared.get(path), part.name];
  if (earlier?.its !== undefined && its !== undefined && !sameDeclared(earlier.its, its)) {
    io.warn(`${earlier.by} and ${by} declare different attributes for /${path}`, {
      detail: `Those of ${by} count, as it is staged later.`,
    });
  }
  if (isFile) {
    const without = earlier?.its === undefined ? earlier?.without : earlier.by;
    holders.set(path, { isFile, isEmpty, its, by, without });
  } else {
    const stays = its === undefined && earlier !== undefined;
    holders.set(path, {
      isFile,
      isEmpty: isEmpty && earlier?.isEmpty !== false,
      its: stays ? earlier.its : its,
      by: stays ? earlier.by : by,
    });
  }
}

function declaredBy(io: BuildIo, element: DependencyFacts): Declarations {
  const record = io.publicData(element, RECORD);
  if (record !== undefined) return parseDeclarations(record.sequence("declared")?.mappings() ?? []);
  const data = io.publicData(element, DECLARED);
  if (data === undefined) return new Map();
  const unused = warnOfUnused(io, element.fullName);
  return used(element, () => declarationsOf(io.cas, io.artifactTree(element), data, unused));
}

const UNFIT = {
  links: "links have owners, and no modes or capabilities",
  folders: "capabilities are for files",
} as const;

function warnOfUnused(io: BuildIo, name: string): (globs: readonly string[], only: Unfit | undefined) => void {
  return (globs, only) => {
    const which = `that it declares attributes for: ${globs.join(", ")}`;
    io.warn(
      only === undefined
        ? `No file of ${name} is among those ${which}`
        : `Only ${only} of ${name} are among those ${which}; ${UNFIT[only]}`,
    );
  };
}

/**
 * Adds to an artifact's public data where its files come from, and what is declared for them: by the elements, and over
 * that by the artifact's own element.
 */
export function recordOrigins(io: BuildIo, tree: Digest, elements: readonly DependencyFacts[]): void {
  const origins = originsOfStaged(io, tree, elements);
  const declared = new Map(declaredByStaged(io, { elements }));
  const own = io.ownPublicData(DECLARED);
  if (own !== undefined) {
    const unused = warnOfUnused(io, "this element");
    for (const [path, its] of declarationsOf(io.cas, tree, own, unused))
      declared.set(path, { ...declared.get(path), ...its });
  }
  const data = {
    elements: origins.elements.map(({ project, name, changes }) => ({
      project,
      name,
      ...(changes !== "sometimes" && { changes }),
    })),
    files: formatRuns(leaves(io, tree).map(({ path }) => origins.of.get(path) ?? -1)),
    ...(declared.size > 0 && { declared: formatDeclarations(declared) }),
  };
  io.setPublicData(RECORD, mappingFrom(data));
}

function readRecord(io: OriginIo, element: DependencyFacts, record: MappingNode): Origins {
  const elements = (record.sequence("elements")?.mappings() ?? []).map((node) => ({
    project: node.string("project") ?? element.projectName,
    name: node.string("name") ?? "",
    changes: changesOf(node),
  }));
  const indexes = parseRuns(record.string("files") ?? "");
  const of = new Map<string, number>();
  for (const [i, { path }] of leaves(io, io.artifactTree(element)).entries()) {
    const index = indexes[i] ?? -1;
    if (index >= 0) of.set(path, index);
  }
  return { elements, of };
}

function leaves(io: Pick<BuildIo, "cas">, tree: Digest): Leaf[] {
  return [...attribute(io.cas, tree, [])];
}

/** `3*2 7` for 3, 3, 7: neighbours are mostly of one element. */
function formatRuns(numbers: readonly number[]): string {
  const runs: string[] = [];
  for (let start = 0; start < numbers.length; ) {
    let end = start + 1;
    while (numbers[end] === numbers[start]) end++;
    runs.push(end - start === 1 ? `${numbers[start]}` : `${numbers[start]}*${end - start}`);
    start = end;
  }
  return runs.join(" ");
}

function parseRuns(text: string): number[] {
  const numbers: number[] = [];
  for (const run of text.split(" ")) {
    const [number, count = 1] = run.split("*").map(Number);
    for (let i = 0; i < count; i++) numbers.push(number ?? -1);
  }
  return numbers;
}

/** @throws LoadError invalid-data */
export function changesOf(data: MappingNode): Changes {
  return data.enum("changes", ["rarely", "sometimes", "often"]) ?? "sometimes";
}

/** Says of which element the data are that can't be used: in an artifact they have no place any more. */
function used<T>(element: DependencyFacts, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    throw element.error(`Its public data '${DECLARED}' can't be used: ${error.message}`, {
      reason: "oci-invalid-files",
    });
  }
}

function sameDeclared(a: Declared, b: Declared): boolean {
  const text = ({ xattrs = {}, ...rest }: Declared) =>
    JSON.stringify([Object.entries(rest).sort(), Object.entries(xattrs).sort()]);
  return text(a) === text(b);
}
