/** What a repository on a server has, and which of its refs a source tracks. */
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { fnmatch } from "./fnmatch.ts";
import { git, notOption } from "./git-command.ts";

const PEELED = "^{}";

/** From refs to objects; that of an annotated tag's commit is under its name with `^{}`. */
export type RemoteRefs = ReadonlyMap<string, string>;

/** @throws BstError domain source, temporary, where the server can't be asked */
export async function remoteRefs(
  url: string,
  signal: AbortSignal,
  patterns: readonly string[] = [],
): Promise<RemoteRefs> {
  const args = ["ls-remote", "--quiet", "--", notOption(url, "The URL"), ...patterns];
  // Somewhere that is no repository, whose configuration would count.
  const output = await git(args, { cwd: "/", network: true, signal, failure: `Cannot list the refs of ${url}` });
  const refs = new Map<string, string>();
  for (const line of output.toString().split("\n")) {
    const tab = line.indexOf("\t");
    if (tab === 40) refs.set(line.slice(41), line.slice(0, 40));
  }
  return refs;
}

/** The commit that a ref leads to. */
export function peeled(refs: RemoteRefs, ref: string): string | undefined {
  return refs.get(ref + PEELED) ?? refs.get(ref);
}

/** Tags that may be in a history: from commits to names of tags, the last by name where there are several. */
export function tagsByCommit(refs: RemoteRefs): Map<string, string> {
  const tags = new Map<string, string>();
  const names = [...refs.keys()].filter((ref) => ref.startsWith("refs/tags/") && !ref.endsWith(PEELED));
  for (const ref of names.sort(compareCodePoints)) tags.set(peeled(refs, ref) ?? "", ref.slice("refs/tags/".length));
  return tags;
}

export interface TrackPatterns {
  /** A glob of names of branches and tags, or of refs where it begins with `refs/`. */
  readonly track: string;
  readonly exclude: readonly string[];
}

export function matchingRefs(refs: RemoteRefs, { track, exclude }: TrackPatterns): string[] {
  return [...refs.keys()].filter(
    (ref) => !ref.endsWith(PEELED) && matches(ref, track) && !exclude.some((pattern) => matches(ref, pattern)),
  );
}

function matches(ref: string, pattern: string): boolean {
  if (pattern.startsWith("refs/")) return fnmatch(ref, pattern);
  const [, name] = /^refs\/(?:heads|tags)\/(.*)$/s.exec(ref) ?? [];
  return name !== undefined && fnmatch(name, pattern);
}

/**
 * The ref of the highest version.
 * @throws BstError domain source, where no ref matches
 */
export function newestRef(refs: readonly string[]): string {
  const [first, ...others] = refs;
  if (first === undefined) throw new BstError("source", "No matching refs");
  return others.reduce((best, ref) => (compareVersions(ref, best) > 0 ? ref : best), first);
}

/** Numbers by value, above words; what separates them does not count. */
function compareVersions(a: string, b: string): number {
  const left = a.match(/[a-zA-Z]+|[0-9]+/g) ?? [];
  const right = b.match(/[a-zA-Z]+|[0-9]+/g) ?? [];
  for (const [i, part] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return left.length - right.length || compareCodePoints(a, b);
}

function compareParts(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d/.test(a), /^\d/.test(b)];
  if (isNumber !== isOtherNumber) return isNumber ? 1 : -1;
  if (!isNumber) return compareCodePoints(a, b);
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
