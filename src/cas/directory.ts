/** REAPI's Directory message: its types, and a codec whose bytes equal those of BuildStream and buildbox-casd. */
import { BstError } from "../base/errors.ts";
import { type Digest, digestOf } from "./digest.ts";
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
  /** BuildStream's mark for the input roots of remote sandboxes. */
  readonly subtreeReadOnly?: boolean;
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
      if (mtime === undefined) return;
      writer.message(6, () => writer.message(2, () => writer.int(1, mtime.seconds).int(2, mtime.nanos)));
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
  if (directory.subtreeReadOnly !== undefined) {
    const value = directory.subtreeReadOnly ? "true" : "false";
    writer.message(5, () => writer.message(1, () => writer.string(1, "SubtreeReadOnly").string(2, value)));
  }
  return writer.finish();
}

/** A field of type REAPI Digest. */
export function writeDigest(writer: ProtoWriter, field: number, digest: Digest): void {
  writer.message(field, () => writer.string(1, digest.hash).int(2, digest.size));
}

function sortedByName<T extends { readonly name: string }>(nodes: readonly T[]): readonly T[] {
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
  let subtreeReadOnly: boolean | undefined;
  while (reader.next()) {
    if (reader.field === 1) files.push(readFile(reader.message()));
    else if (reader.field === 2) directories.push(readDirectoryNode(reader.message()));
    else if (reader.field === 3) symlinks.push(readSymlink(reader.message()));
    else if (reader.field === 5) subtreeReadOnly = readNodeProperties(reader.message()).subtreeReadOnly;
    else reader.skip();
  }
  const names = new Set<string>();
  for (const nodes of [files, directories, symlinks]) {
    for (const { name } of nodes) {
      checkName(name);
      if (names.has(name)) throw new BstError("cas", `A directory in the cache has two entries named '${name}'`);
      names.add(name);
    }
  }
  return { files, directories, symlinks, ...(subtreeReadOnly === undefined ? {} : { subtreeReadOnly }) };
}

function checkName(name: string): void {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw new BstError("cas", `A directory in the cache has an entry with the invalid name ${JSON.stringify(name)}`);
  }
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
  if (!/^[0-9a-f]{64}$/.test(hash) || size < 0) {
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

function readNodeProperties(reader: ProtoReader): { mtime?: Timestamp; subtreeReadOnly?: boolean } {
  const found: { mtime?: Timestamp; subtreeReadOnly?: boolean } = {};
  while (reader.next()) {
    if (reader.field === 1) {
      const [name, value] = readProperty(reader.message());
      if (name === "SubtreeReadOnly") found.subtreeReadOnly = value === "true";
    } else if (reader.field === 2) {
      found.mtime = readTimestamp(reader.message());
    } else {
      reader.skip();
    }
  }
  return found;
}

function readProperty(reader: ProtoReader): [name: string, value: string] {
  const property: [string, string] = ["", ""];
  while (reader.next()) {
    if (reader.field === 1) property[0] = reader.string();
    else if (reader.field === 2) property[1] = reader.string();
    else reader.skip();
  }
  return property;
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
