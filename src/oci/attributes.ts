/** What a file of an image has besides its content: owner, mode, extended attributes. Most have the usual ones. */
import type { TreeNode } from "../cas/directory.ts";

export interface Attributes {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits with setuid, setgid and sticky; of symlinks 0o777. */
  readonly mode: number;
  /** By full name, such as `security.capability`; the value as latin1, a character for each byte. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** By path without slashes at either end; what has the usual ones is not in it. */
export type AttributeMap = ReadonlyMap<string, Attributes>;

const NONE: Readonly<Record<string, string>> = {};
const FILE: Attributes = { uid: 0, gid: 0, mode: 0o644, xattrs: NONE };
const EXECUTABLE: Attributes = { ...FILE, mode: 0o755 };
const DIRECTORY: Attributes = EXECUTABLE;
const SYMLINK: Attributes = { ...FILE, mode: 0o777 };

export function usualAttributes(node: { readonly kind: TreeNode["kind"]; readonly executable?: boolean }): Attributes {
  if (node.kind === "directory") return DIRECTORY;
  if (node.kind === "symlink") return SYMLINK;
  return node.executable === true ? EXECUTABLE : FILE;
}

export function sameAttributes(a: Attributes, b: Attributes): boolean {
  if (a.uid !== b.uid || a.gid !== b.gid || a.mode !== b.mode) return false;
  if (a.xattrs === b.xattrs) return true;
  const [names, others] = [Object.keys(a.xattrs), Object.keys(b.xattrs)];
  return names.length === others.length && names.every((name) => a.xattrs[name] === b.xattrs[name]);
}

/** Text that is the same for equal maps; empty for an empty one. */
export function formatAttributes(map: AttributeMap): string {
  if (map.size === 0) return "";
  const lines = [...map].map(([path, { uid, gid, mode, xattrs }]) =>
    JSON.stringify([path, uid, gid, mode, Object.entries(xattrs).sort(byName)]),
  );
  return lines.sort().join("\n");
}

/** The reverse of {@link formatAttributes}; undefined for anything else. */
export function parseAttributes(text: string): AttributeMap | undefined {
  const map = new Map<string, Attributes>();
  if (text === "") return map;
  try {
    for (const line of text.split("\n")) {
      const [path, uid, gid, mode, xattrs] = JSON.parse(line);
      map.set(path, { uid, gid, mode, xattrs: Object.fromEntries(xattrs) });
    }
  } catch {
    return undefined;
  }
  return map;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
