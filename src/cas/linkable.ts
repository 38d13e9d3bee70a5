/**
 * Files of the store for trees on disk to link to. An object can't have the mode and modification time that a tree needs: a
 * blob may be executable in one tree and not in another, and buildbox-casd sets objects' times to when they were last used.
 * So each combination has a file of its own beside the objects, copied when first needed. Those that no tree links to any
 * more have a link count of one and may be removed at any time.
 */
import fs from "node:fs";
import type { Digest } from "./digest.ts";
import type { Cas } from "./store.ts";
import { type Placement, TemporaryFile } from "./temporary-file.ts";

/** Links `target` to a file with the blob as content, of that mode and time. Throws the system's error if it can't. */
export function linkBlob(cas: Cas, digest: Digest, placement: Placement, target: string): void {
  const source = linkablePath(cas, digest, placement);
  // Not only whether it exists: a crash of the machine may have left it empty.
  if (fs.statSync(source, { throwIfNoEntry: false })?.size !== digest.size) {
    using file = new TemporaryFile(cas.temporaryDirectory);
    cas.readPieces(digest, (piece) => file.write(piece));
    file.place(source, placement);
  }
  fs.linkSync(source, target);
}

function linkablePath(cas: Cas, digest: Digest, { mode, mtime }: Placement): string {
  const kind = mtime === undefined ? mode.toString(8) : `${mode.toString(8)}-${mtime}`;
  return `${cas.root}/linkable/${kind}/${digest.hash.slice(0, 2)}/${digest.hash.slice(2)}`;
}
