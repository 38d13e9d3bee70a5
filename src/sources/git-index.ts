/** git's index file: written without times, so that its bytes follow from the commit, and read for submodules. */
import { createHash } from "node:crypto";
import { BstError } from "../base/errors.ts";
import { DIRECTORY, FILE_TYPE, GITLINK, SYMLINK } from "./git-objects.ts";
import type { Entry } from "./git-worktree.ts";

const FIXED = 62;
/** Where in an entry its mode, object and flags are. */
const MODE = 24;
const OID = 40;
const FLAGS = 60;
const MAX_LENGTH = 0xfff;
const EXTENDED = 0x4000;

/** Version 2, for entries in the order of their paths. git finds out itself which files changed, as it knows no times. */
export function writeIndex(entries: readonly Entry[]): Buffer {
  const header = Buffer.alloc(12);
  header.write("DIRC", 0, "latin1");
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  const parts = [header];
  for (const { path, mode, oid } of entries) {
    // One to eight zeros end an entry.
    const part = Buffer.alloc((FIXED + path.length + 8) & ~7);
    part.writeUInt32BE(indexMode(mode), MODE);
    part.write(oid, OID, "hex");
    part.writeUInt16BE(Math.min(path.length, MAX_LENGTH), FLAGS);
    path.copy(part, FIXED);
    parts.push(part);
  }
  const content = Buffer.concat(parts);
  return Buffer.concat([content, createHash("sha1").update(content).digest()]);
}

/** Of old commits other rights may be known; the index has only these. */
function indexMode(mode: number): number {
  const type = mode & FILE_TYPE;
  if (type === SYMLINK || type === GITLINK || type === DIRECTORY) return type;
  return (mode & 0o100) !== 0 ? 0o100755 : 0o100644;
}

/**
 * The commit of the submodule at a path; undefined where there is none.
 * @throws BstError domain source, where the file is damaged or of a version that is not known
 */
export function submoduleCommit(index: Buffer, path: string): string | undefined {
  const damaged = () => new BstError("source", "The index of the repository is damaged or of an unknown version");
  const version = index.length < 12 ? 0 : index.readUInt32BE(4);
  if (index.toString("latin1", 0, 4) !== "DIRC" || (version !== 2 && version !== 3)) throw damaged();
  const wanted = Buffer.from(path);
  let position = 12;
  for (let count = index.readUInt32BE(8); count > 0; count--) {
    if (position + FIXED > index.length) throw damaged();
    const flags = index.readUInt16BE(position + FLAGS);
    const start = position + FIXED + (version === 3 && (flags & EXTENDED) !== 0 ? 2 : 0);
    const end = index.indexOf(0, start);
    if (end < 0) throw damaged();
    const mode = index.readUInt32BE(position + MODE);
    if ((mode & FILE_TYPE) === GITLINK && index.subarray(start, end).equals(wanted)) {
      return index.toString("hex", position + OID, position + OID + 20);
    }
    position += (end - position + 8) & ~7;
  }
  return undefined;
}
