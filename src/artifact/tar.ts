/** Trees of the store as tar archives, whose bytes follow from the tree alone. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { TAR_END, tarHeader, tarPadding } from "../base/tar-header.ts";
import { type Digest, formatDigest } from "../cas/digest.ts";
import type { TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { walk } from "../cas/walk.ts";

/** Of all entries: not zero, which some programs take for a file that does not exist. Seconds since 1970. */
const MTIME = 1321009871;
const CHUNK_SIZE = 1 << 20;
/** What a header and a padding may add to a chunk that is not full. */
const MARGIN = 1 << 16;

/**
 * The archive in pieces, each valid until the next is asked for. Entries are in the order of their names, owner and
 * group are 0.
 * @param prefix what paths begin with
 * @throws BstError in domain "cas" where a blob is missing or of another size
 */
export function* tarChunks(cas: Cas, tree: Digest, prefix = "./"): Generator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE + MARGIN);
  let length = 0;
  for (const { path, node } of walk(cas, tree)) {
    const header = headerOf(prefix + path, node);
    if (length > CHUNK_SIZE - MARGIN || header.length > MARGIN) {
      yield buffer.subarray(0, length);
      length = 0;
    }
    if (header.length > MARGIN) yield header;
    else length += header.copy(buffer, length);
    if (node.kind !== "file") continue;

    const descriptor = open(cas, node.digest);
    try {
      for (let left = node.digest.size; left > 0; ) {
        if (length >= CHUNK_SIZE) {
          yield buffer.subarray(0, length);
          length = 0;
        }
        const count = fs.readSync(descriptor, buffer, length, Math.min(left, CHUNK_SIZE - length), null);
        if (count === 0) throw damaged(node.digest);
        left -= count;
        length += count;
      }
    } finally {
      fs.closeSync(descriptor);
    }
    const padding = tarPadding(node.digest.size);
    buffer.fill(0, length, length + padding);
    length += padding;
  }
  yield buffer.subarray(0, length);
  yield TAR_END;
}

function headerOf(path: string, node: TreeNode): Buffer {
  const type = node.kind;
  if (type === "symlink") return tarHeader({ path, type, mode: 0o777, size: 0, mtime: MTIME, target: node.target });
  if (type === "directory") return tarHeader({ path, type, mode: 0o755, size: 0, mtime: MTIME });
  const mode = node.executable ? 0o755 : 0o644;
  return tarHeader({ path, type, mode, size: node.digest.size, mtime: MTIME });
}

function open(cas: Cas, digest: Digest): number {
  try {
    return fs.openSync(cas.objectPath(digest), "r");
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new BstError("cas", `Blob not found in local cache: ${formatDigest(digest)}`, { cause: error });
  }
}

function damaged(digest: Digest): BstError {
  return new BstError("cas", `Blob in local cache is damaged: ${formatDigest(digest)}`);
}
