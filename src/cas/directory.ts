/** REAPI's Directory message: its types, and a codec whose bytes equal those of BuildStream and buildbox-casd. */
import { BstError } from "../base/errors.ts";
import { type Digest, digestOf, isHash } from "./digest.ts";
import { ProtoReader, ProtoWriter } from "./protobuf.ts";

export interface Timestamp {
  /** Since 1970, UTC. */
  readonly seconds: number;
  readonly nanos: number;
}

export interface FileNode {
  readonly name: string;
  readonly digest: Digest;
  readonly executable: boolean;
  readonly mtime?: Timestamp;
}

export interface DirectoryNode {
  readonly name: string;
  readonly digest: Digest;
}

export interface SymlinkNode {
  readonly name: string;
  readonly target: string;
}

export interface Directory {
  readonly files: readonly FileNode[];
  readonly directories: readonly DirectoryNode[];
  readonly symlinks: readonly SymlinkNode[];
  /** The directory's own; set below workspaces only. */
  readonly mtime?: Timestamp;
  /** BuildStream's mark for the input roots of remote sandboxes. */
  readonly subtreeReadOnly?: boolean;
}

/** Any entry of a directory. */
export type TreeNode =
  | ({ readonly kind: "file" } & FileNode)
  | ({ readonly kind: "directory" } & DirectoryNode)
  | ({ readonly kind: "symlink" } & SymlinkNode);

/** All entries, by name. */
export function nodesOf(directory: Directory): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (const node of directory.files) nodes.push({ kind: "file", ...node });
  for (const node of directory.directories) nodes.push({ kind: "directory", ...node });
  for (const node of directory.symlinks) nodes.push({ kind: "symlink", ...node });
  return nodes.sort((a, b) => compareNames(a.name, b.name));
}

export const EMPTY_DIRECTORY_DIGEST: Digest = digestOf("");

/** The order of names in a Directory: by code points, which is also that of the UTF-8 bytes. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates, thus all code points from U+10000 on, before U+E000..U+FFFF: swap the two ranges. */
function codePointRank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** The canonical bytes; the nodes may be in any order. */
export function encodeDirectory(directory: Directory): Buffer {
  const writer = new ProtoWriter();
  for (const node of sortedByName(directory.files)) {
    writer.message(1, () => {
      writer.string(1, node.name);
      writeDigest(writer, 2, node.digest);
      writer.bool(4, node.executable);
      const { mtime } = node;
      if (mtime !== undefined) writer.message(6, () => writeMtime(writer, mtime));
    });
  }
  for (const node of sortedByName(directory.directories)) {
    writer.message(2, () => {
      writer.string(1, node.name);
      writeDigest(writer, 2, node.digest);
    });
  }
  for (const node of sortedByName(directory.symlinks)) {
    writer.message(3, () => writer.string(1, node.name).string(2, node.target));
  }
  const { mtime, subtreeReadOnly } = directory;
  if (mtime !== undefined || subtreeReadOnly !== undefined) {
    writer.message(5, () => {
      if (subtreeReadOnly !== undefined) {
        writer.message(1, () => writer.string(1, "SubtreeReadOnly").string(2, subtreeReadOnly ? "true" : "false"));
      }
      if (mtime !== undefined) writeMtime(writer, mtime);
    });
  }
  return writer.finish();
}

/** The field of NodeProperties. */
function writeMtime(writer: ProtoWriter, mtime: Timestamp): void {
  writer.message(2, () => writer.int(1, mtime.seconds).int(2, mtime.nanos));
}

/** A field of type REAPI Digest. */
export function writeDigest(writer: ProtoWriter, field: number, digest: Digest): void {
  writer.message(field, () => writer.string(1, digest.hash).int(2, digest.size));
}

/** The same array if it is in order already, as it nearly always is. */
export function sortedByName<T extends { readonly name: string }>(nodes: readonly T[]): readonly T[] {
  for (let i = 1; i < nodes.length; i++) {
    const [before, after] = [nodes[i - 1], nodes[i]];
    if (before !== undefined && after !== undefined && compareNames(before.name, after.name) > 0) {
      return nodes.toSorted((a, b) => compareNames(a.name, b.name));
    }
  }
  return nodes;
}

/**
 * Reads a Directory message from anywhere. Throws BstError in domain "cas" if it is malformed or has a name that can't be
 * that of one entry: empty, `.`, `..`, with a slash or a NUL, or used twice.
 */
export function decodeDirectory(bytes: Uint8Array): Directory {
  const reader = new ProtoReader(bytes);
  const files: FileNode[] = [];
  const directories: DirectoryNode[] = [];
  const symlinks: SymlinkNode[] = [];
  let properties: NodeProperties = {};
  while (reader.next()) {
    if (reader.field === 1) files.push(readFile(reader.message()));
    else if (reader.field === 2) directories.push(readDirectoryNode(reader.message()));
    else if (reader.field === 3) symlinks.push(readSymlink(reader.message()));
    else if (reader.field === 5) properties = readNodeProperties(reader.message());
    else reader.skip();
  }
  checkNames([files, directories, symlinks]);
  return { files, directories, symlinks, ...properties };
}

function checkNames(lists: readonly (readonly { readonly name: string }[])[]): void {
  const names = new Set<string>();
  for (const nodes of lists) {
    for (const { name } of nodes) {
      if (!isEntryName(name)) {
        throw new BstError(
          "cas",
          `A directory in the cache has an entry with the invalid name ${JSON.stringify(name)}`,
        );
      }
      if (names.has(name)) throw new BstError("cas", `A directory in the cache has two entries named '${name}'`);
      names.add(name);
    }
  }
}

/** Whether a file system could have an entry of this name. */
export function isEntryName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
}

/** A message of type REAPI Digest; throws BstError in domain "cas" for anything that is no SHA-256 and size. */
export function readDigest(reader: ProtoReader): Digest {
  let hash = "";
  let size = 0;
  while (reader.next()) {
    if (reader.field === 1) hash = reader.string();
    else if (reader.field === 2) size = reader.int();
    else reader.skip();
  }
  if (!isHash(hash) || size < 0) {
    throw new BstError("cas", `A message in the cache has the invalid digest ${JSON.stringify(`${hash}/${size}`)}`);
  }
  return { hash, size };
}

function missingDigest(name: string): BstError {
  return new BstError("cas", `A directory in the cache has no digest for its entry '${name}'`);
}

function readFile(reader: ProtoReader): FileNode {
  let name = "";
  let digest: Digest | undefined;
  let executable = false;
  let mtime: Timestamp | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) digest = readDigest(reader.message());
    else if (reader.field === 4) executable = reader.bool();
    else if (reader.field === 6) mtime = readNodeProperties(reader.message()).mtime;
    else reader.skip();
  }
  if (digest === undefined) throw missingDigest(name);
  return mtime === undefined ? { name, digest, executable } : { name, digest, executable, mtime };
}

function readDirectoryNode(reader: ProtoReader): DirectoryNode {
  let name = "";
  let digest: Digest | undefined;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) digest = readDigest(reader.message());
    else reader.skip();
  }
  if (digest === undefined) throw missingDigest(name);
  return { name, digest };
}

function readSymlink(reader: ProtoReader): SymlinkNode {
  let name = "";
  let target = "";
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) target = reader.string();
    else reader.skip();
  }
  return { name, target };
}

interface NodeProperties {
  mtime?: Timestamp;
  subtreeReadOnly?: boolean;
}

function readNodeProperties(reader: ProtoReader): NodeProperties {
  const found: NodeProperties = {};
  while (reader.next()) {
    if (reader.field === 1) {
      const [name, value] = reader.message().pair();
      if (name === "SubtreeReadOnly") found.subtreeReadOnly = value === "true";
    } else if (reader.field === 2) {
      found.mtime = readTimestamp(reader.message());
    } else {
      reader.skip();
    }
  }
  return found;
}

function readTimestamp(reader: ProtoReader): Timestamp {
  let seconds = 0;
  let nanos = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.int();
    else if (reader.field === 2) nanos = reader.int();
    else reader.skip();
  }
  return { seconds, nanos };
}
