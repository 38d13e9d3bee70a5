/** Staging of artifacts one over the other, and what is to be told of files that get in each other's way. */
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import { type ImportResult, Tree } from "../cas/tree.ts";
import type { MappingNode } from "../yaml/node.ts";
import { overlapWhitelist } from "./splits.ts";

/** What happens where files replace others of an earlier call. */
export type OverlapAction = "warning" | "error" | "ignore";

export interface StagedElement {
  /** As messages have it. */
  readonly name: string;
  readonly files: Digest;
  /** Has the whitelist of the files that may replace others'. */
  readonly publicData: MappingNode;
  /** Paths relative to the artifact; all are staged where there is none. */
  readonly filter?: (path: string) => boolean;
}

export interface StagingWarning {
  readonly text: string;
  readonly detail: string;
  readonly token: "overlaps" | "unstaged-files";
}

interface Staged {
  readonly element: StagedElement;
  readonly result: ImportResult;
}

interface Session {
  readonly location: string;
  readonly staged: readonly Staged[];
}

/** A sandbox's root while artifacts are staged into it, by one or more calls. Costs something only where files overlap. */
export class StagingArea {
  readonly #root: () => Tree;
  readonly #sessions: Session[] = [];

  /** @param root gives what the root is now: commands between two calls may make another object of it */
  constructor(root: () => Tree) {
    this.#root = root;
  }

  /**
   * Stages elements in order.
   * @param location absolute path of an existing or new folder
   * @param action what follows where a file replaces one of an earlier call
   * @throws BstError in domain "element", reason `overlaps`, if that is an error
   */
  stage(elements: readonly StagedElement[], location = "/", action: OverlapAction = "warning"): StagingWarning[] {
    const folder = this.#root().openDirectory(location.replace(/^\/+/, ""), { create: true });
    const staged = stageEach(folder, elements, location);
    const overwriters = collectOverwriters(staged);
    const { internal, external } = sortOverlaps(staged, overwriters);
    const warnings = [...warnOfOverlaps(internal, location), ...warnOfIgnored(staged, location)];
    if (action !== "ignore") warnings.push(...this.#warnOfEarlier(external, location, action));
    this.#sessions.push({ location, staged });
    return warnings;
  }

  #warnOfEarlier(
    overlaps: ReadonlyMap<string, StagedElement>,
    location: string,
    action: Exclude<OverlapAction, "ignore">,
  ): StagingWarning[] {
    const lines: string[] = [];
    const origins = this.#findOrigins(new Set([...overlaps.keys()].map((path) => join(location, path))));
    for (const [path, element] of overlaps) {
      const absolute = join(location, path);
      const origin = origins.get(absolute);
      if (origin === undefined) continue;
      lines.push(`${absolute}: of ${element.name}, replaces that of ${origin.name}, staged into ${origin.location}`);
    }
    if (lines.length === 0) return [];
    const text = "Files replace files that were staged before";
    const detail = `Staged into ${location}:\n${lines.join("\n")}`;
    if (action === "error") throw new BstError("element", text, { detail, reason: "overlaps" });
    return [{ text, detail, token: "overlaps" }];
  }

  /** Which element of an earlier call, the latest first, staged these absolute paths. */
  #findOrigins(wanted: ReadonlySet<string>): Map<string, { readonly name: string; readonly location: string }> {
    const origins = new Map<string, { name: string; location: string }>();
    for (const { location, staged } of this.#sessions.toReversed()) {
      for (const { element, result } of staged) {
        if (origins.size === wanted.size) return origins;
        for (const path of result.filesWritten()) {
          const absolute = join(location, path);
          if (wanted.has(absolute) && !origins.has(absolute)) origins.set(absolute, { name: element.name, location });
        }
      }
    }
    return origins;
  }
}

/** The elements that replaced a file or symlink, by its path, in the order of staging. */
function collectOverwriters(staged: readonly Staged[]): Map<string, StagedElement[]> {
  const overwriters = new Map<string, StagedElement[]>();
  for (const { element, result } of staged) {
    for (const path of result.overwritten) {
      const elements = overwriters.get(path);
      if (elements === undefined) overwriters.set(path, [element]);
      else elements.push(element);
    }
  }
  return overwriters;
}

interface Overlaps {
  /** By path, the elements that staged it in this call, the lowest first; at least two. */
  readonly internal: ReadonlyMap<string, readonly StagedElement[]>;
  /** By path, the only element that staged it in this call, over a file that was there before. */
  readonly external: ReadonlyMap<string, StagedElement>;
}

function sortOverlaps(staged: readonly Staged[], overwriters: ReadonlyMap<string, readonly StagedElement[]>): Overlaps {
  const internal = new Map<string, readonly StagedElement[]>();
  const external = new Map<string, StagedElement>();
  if (overwriters.size === 0) return { internal, external };
  const firsts = new Map<string, StagedElement>();
  for (const { element, result } of staged) {
    if (firsts.size === overwriters.size) break;
    for (const path of result.filesWritten()) {
      if (overwriters.has(path) && !firsts.has(path)) firsts.set(path, element);
    }
  }
  for (const [path, elements] of overwriters) {
    const first = firsts.get(path);
    const [lowest, ...others] = elements;
    if (first !== undefined && first !== lowest) internal.set(path, [first, ...elements]);
    else if (others.length > 0) internal.set(path, elements);
    else if (lowest !== undefined) external.set(path, lowest);
  }
  return { internal, external };
}

/** A file that several elements stage. */
export interface Overlap {
  /** Relative to where they are staged. */
  readonly path: string;
  /** The lowest first; at least two. */
  readonly elements: readonly StagedElement[];
  /** Those of them whose whitelist does not allow it. */
  readonly offenders: readonly StagedElement[];
}

/** The overlaps of elements that are staged in this order into an empty tree, which no whitelist allows. */
export function findOverlaps(root: Tree, elements: readonly StagedElement[]): Overlap[] {
  const staged = stageEach(root, elements);
  return [...unlisted(sortOverlaps(staged, collectOverwriters(staged)).internal)];
}

function stageEach(folder: Tree, elements: readonly StagedElement[], location = "/"): Staged[] {
  const staged: Staged[] = [];
  for (const element of elements) {
    const options = element.filter === undefined ? {} : { filter: element.filter };
    try {
      staged.push({ element, result: folder.importTree(element.files, options) });
    } catch (error) {
      if (!(error instanceof BstError) || error.domain !== "virtual-fs") throw error;
      throw conflictOf(folder, element, staged, location) ?? error;
    }
  }
  return staged;
}

/** Which folder of an element is where another one has something else. */
function conflictOf(
  folder: Tree,
  { name, files }: StagedElement,
  staged: readonly Staged[],
  location: string,
): BstError | undefined {
  for (const path of foldersOf(new Tree(folder.cas, files))) {
    const kind = folder.lookup(path)?.kind;
    if (kind === undefined || kind === "directory") continue;
    const has = ({ element }: Staged) => new Tree(folder.cas, element.files).lookup(path)?.kind === kind;
    const other = staged.findLast(has)?.element.name;
    const where = other === undefined ? `there is a ${kind}` : `${other} has a ${kind}`;
    return new BstError("virtual-fs", `${name} has a folder at ${join(location, path)}, where ${where}`, {
      detail: "A folder takes the place of nothing else: one of the two must have another name, or be left out.",
    });
  }
  return undefined;
}

function* foldersOf(files: Tree): Generator<string> {
  for (const { path, node } of files.entries()) {
    for (let end = path.indexOf("/"); end > 0; end = path.indexOf("/", end + 1)) yield path.slice(0, end);
    if (node.kind === "directory") yield path;
  }
}

function* unlisted(overlaps: Overlaps["internal"]): Generator<Overlap> {
  const whitelists = new Map<StagedElement, (path: string) => boolean>();
  const isAllowed = (element: StagedElement, path: string) => {
    let whitelist = whitelists.get(element);
    if (whitelist === undefined) {
      whitelist = overlapWhitelist(element.publicData);
      whitelists.set(element, whitelist);
    }
    return whitelist(path);
  };
  for (const [path, elements] of overlaps) {
    const [, ...upper] = elements;
    const offenders = upper.filter((element) => !isAllowed(element, path));
    if (offenders.length > 0) yield { path, elements, offenders };
  }
}

function* warnOfOverlaps(overlaps: Overlaps["internal"], location: string): Generator<StagingWarning> {
  const lines: string[] = [];
  for (const { path, elements, offenders } of unlisted(overlaps)) {
    const order = elements.map(({ name }) => name).reverse();
    const names = offenders.map(({ name }) => name).join(" and ");
    lines.push(`${join(location, path)}: ${names} may not replace it, in the order ${order.join(" above ")}`);
  }
  if (lines.length === 0) return;
  yield {
    text: "Files replace those of other elements, and no whitelist allows it",
    detail: `Staged into ${location}:\n${lines.join("\n")}`,
    token: "overlaps",
  };
}

function* warnOfIgnored(staged: readonly Staged[], location: string): Generator<StagingWarning> {
  const parts: string[] = [];
  for (const { element, result } of staged) {
    if (result.ignored.length === 0) continue;
    parts.push(`\nFrom ${element.name}:`, ...result.ignored.map((path) => `  ${join(location, path)}`));
  }
  if (parts.length === 0) return;
  yield {
    text: "Files were left out where there are folders with content",
    detail: `Staged into ${location}:\n${parts.join("\n")}`,
    token: "unstaged-files",
  };
}

function join(location: string, path: string): string {
  return location.endsWith("/") ? location + path : `${location}/${path}`;
}
