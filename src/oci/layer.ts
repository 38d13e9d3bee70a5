/** Image layers: what makes one tree of another, as a tar archive whose bytes follow from the two trees. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { BstError } from "../base/errors.ts";
import { TAR_END, tarHeader, tarPadding } from "../base/tar-header.ts";
import { diffTrees } from "../cas/diff.ts";
import type { Digest } from "../cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { gzip, PIECES_HELD } from "./gzip.ts";
import { LAYER, LAYER_GZIP } from "./media-types.ts";

const PIECE = 1 << 20;
/** What the name of a file begins with that hides another in the layers below. */
const WHITEOUT = ".wh.";

export interface Layer {
  readonly mediaType: string;
  readonly digest: Digest;
  /** `sha256:…` of the uncompressed archive. */
  readonly diffId: string;
}

export interface LayerFormat {
  readonly compression: "gzip" | "none";
  /** Seconds since 1970: the time of everything in the layer. */
  readonly mtime: number;
}

/**
 * Stores the layer that makes `tree` of `parent`, or all of `tree` without a parent; undefined where there is nothing to
 * do. Throws BstError in domain "element" for names that a layer can't have.
 */
export async function writeLayer(
  cas: Cas,
  tree: Digest,
  parent: Digest | undefined,
  { compression, mtime }: LayerFormat,
  signal: AbortSignal,
): Promise<Layer | undefined> {
  const entries = layerEntries(cas, tree, parent ?? EMPTY_DIRECTORY_DIGEST);
  const first = entries.next();
  if (first.done === true) return undefined;
  const all = chain(first.value, entries);
  if (compression === "none") {
    const pieces = pack(cas, all, mtime, () => signal.throwIfAborted());
    const digest = await cas.importStream(asynchronous(pieces), { signal });
    return { mediaType: LAYER, digest, diffId: `sha256:${digest.hash}` };
  }
  const hash = createHash("sha256");
  const pieces = pack(cas, all, mtime, (piece) => {
    signal.throwIfAborted();
    hash.update(piece);
  });
  const digest = await cas.importStream(gzip(pieces), { signal });
  return { mediaType: LAYER_GZIP, digest, diffId: `sha256:${hash.digest("hex")}` };
}

type LayerEntry =
  | { readonly kind: "file"; readonly path: string; readonly digest: Digest; readonly executable: boolean }
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "whiteout"; readonly path: string };

/** In an order where directories come before what is in them; all directories above a change are told as well. */
function* layerEntries(cas: Cas, tree: Digest, parent: Digest): Generator<LayerEntry> {
  let open: readonly string[] = [];
  /** Below this, all is gone already. */
  let gone: string | undefined;
  for (const change of diffTrees(cas, parent, tree)) {
    const { path, kind } = change;
    if (kind === "removed" && gone !== undefined && path.startsWith(gone)) continue;
    const components = path.split("/");
    const name = components.pop() ?? "";
    if (name.startsWith(WHITEOUT) && kind !== "removed") {
      throw new BstError("element", `No image can have a file with this name: ${path}`, {
        reason: "oci-reserved-name",
        detail: `In layers, names that begin with ${WHITEOUT} stand for files that are removed.`,
      });
    }
    let same = 0;
    while (same < components.length && components[same] === open[same]) same++;
    for (let i = same + 1; i <= components.length; i++) {
      yield { kind: "directory", path: components.slice(0, i).join("/") };
    }
    open = components;
    gone = kind !== "added" && change.before.kind === "directory" ? `${path}/` : undefined;
    if (kind === "removed") {
      yield { kind: "whiteout", path: [...components, WHITEOUT + name].join("/") };
      continue;
    }
    const { after } = change;
    if (after.kind === "file") yield { kind: "file", path, digest: after.digest, executable: after.executable };
    else if (after.kind === "symlink") yield { kind: "symlink", path, target: after.target };
    else {
      yield { kind: "directory", path };
      open = [...components, name];
    }
  }
}

function* chain<T>(first: T, rest: Iterable<T>): Generator<T> {
  yield first;
  yield* rest;
}

async function* asynchronous<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** The archive in pieces of equal size but for the last; each is shown to `onPiece` before it is given. */
function* pack(
  cas: Cas,
  entries: Iterable<LayerEntry>,
  mtime: number,
  onPiece: (piece: Buffer) => void,
): Generator<Buffer> {
  const buffers = new Map<number, Buffer>();
  let turn = 0;
  let piece = takeBuffer(buffers, turn);
  let used = 0;
  const full = () => {
    const done = piece.subarray(0, used);
    onPiece(done);
    turn = (turn + 1) % PIECES_HELD;
    piece = takeBuffer(buffers, turn);
    used = 0;
    return done;
  };
  function* put(bytes: Buffer): Generator<Buffer> {
    for (let start = 0; start < bytes.length; ) {
      const count = bytes.copy(piece, used, start);
      start += count;
      used += count;
      if (used === PIECE) yield full();
    }
  }

  for (const entry of entries) {
    yield* put(headerOf(entry, mtime));
    if (entry.kind !== "file" || entry.digest.size === 0) continue;
    const file = open(cas, entry.digest);
    try {
      for (let rest = entry.digest.size; rest > 0; ) {
        const count = fs.readSync(file, piece, used, Math.min(rest, PIECE - used), null);
        if (count === 0)
          throw damaged(cas, entry.digest) ?? new BstError("cas", "A file of the cache changes while it is read");
        rest -= count;
        used += count;
        if (used === PIECE) yield full();
      }
    } finally {
      fs.closeSync(file);
    }
    yield* put(TAR_END.subarray(0, tarPadding(entry.digest.size)));
  }
  yield* put(TAR_END);
  if (used > 0) yield full();
}

function headerOf(entry: LayerEntry, mtime: number): Buffer {
  const { path } = entry;
  switch (entry.kind) {
    case "file":
      return tarHeader({ path, type: "file", mode: entry.executable ? 0o755 : 0o644, size: entry.digest.size, mtime });
    case "symlink":
      return tarHeader({ path, type: "symlink", mode: 0o777, size: 0, mtime, target: entry.target });
    case "directory":
      return tarHeader({ path, type: "directory", mode: 0o755, size: 0, mtime });
    case "whiteout":
      return tarHeader({ path, type: "file", mode: 0o644, size: 0, mtime });
  }
}

/** Made when first needed: most layers fit in few. */
function takeBuffer(buffers: Map<number, Buffer>, turn: number): Buffer {
  const buffer = buffers.get(turn) ?? Buffer.allocUnsafeSlow(PIECE);
  buffers.set(turn, buffer);
  return buffer;
}

function open(cas: Cas, digest: Digest): number {
  try {
    return fs.openSync(cas.objectPath(digest), "r");
  } catch (error) {
    throw damaged(cas, digest) ?? error;
  }
}

/** The store's own error for a blob that is missing or has another size than its digest says. */
function damaged(cas: Cas, digest: Digest): unknown {
  try {
    cas.read(digest);
  } catch (error) {
    return error;
  }
  return undefined;
}
