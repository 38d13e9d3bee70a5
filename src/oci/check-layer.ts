/** Looks at a layer that somebody else made, before anything is built on it: what it is, how large it grows, where it leads. */
import { createHash } from "node:crypto";
import { TarError } from "../base/tar-fields.ts";
import { type OwnedMember, type TarMember, TarReader } from "../base/tar-reader.ts";
import type { Cas } from "../cas/store.ts";
import type { Descriptor } from "./descriptor.ts";
import { type GrowthLimits, growthOf, MAKERS, type Maker, mostBytes } from "./growth.ts";
import { invalidImage } from "./json.ts";
import type { Layer } from "./layer.ts";
import { WHITEOUT } from "./layer-entries.ts";
import { hold, LayerPaths } from "./layer-paths.ts";
import type { Memo } from "./memo.ts";
import { isOutward, splitPath } from "./outward-links.ts";
import { plainLayer, unreadable } from "./transport/plain-layer.ts";

export interface LayerLimits extends GrowthLimits {
  readonly members: number;
}

/** No layer of a known image comes near this. */
const MAX_MEMBERS = 5_000_000;
/** Bytes; no system has longer paths, or names in them. */
const MAX_PATH = 4096;
const MAX_NAME = 255;

export interface LayerCheck {
  /** Where the layer is, for messages. */
  readonly place: string;
  readonly signal: AbortSignal;
  /** Default others; where links of what elements and scripts make lead is theirs to say, also above the root. */
  readonly maker?: Maker | undefined;
  readonly limits?: LayerLimits;
  /** The layers below, the lowest first; where they are given, hard links must name what is there. */
  readonly below?: readonly LayerPaths[];
}

/** Is shown each member when it was looked at, and may read its content. What it makes of them counts only in the end. */
type Visit = (member: OwnedMember, reader: TarReader) => Promise<void> | void;

/**
 * @param open the layer's bytes from their beginning
 * @param diffId what the image's configuration says of the archive in it
 * @returns what is in it
 * @throws BstError domain element, reason oci-invalid-image; domain remote, where the bytes are others than described
 */
export async function checkLayer(
  open: () => AsyncIterable<Buffer>,
  descriptor: Descriptor,
  diffId: unknown,
  { place, signal, maker = "others", below, ...asked }: LayerCheck,
  visit?: Visit,
): Promise<LayerPaths> {
  const { digest, size } = descriptor;
  const limits = asked.limits ?? growthOf(maker);
  const found = createHash("sha256");
  const plain = plainLayer(open, descriptor, { place, signal, limits });
  const pieces = hashed(plain, found, signal);
  const members = new Members(maker, mostBytes(size, limits), asked.limits?.members ?? MAX_MEMBERS, below);
  try {
    const reader = new TarReader(pieces, "layer");
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      members.check(member);
      await visit?.(member, reader);
    }
    for await (const _ of pieces);
  } catch (error) {
    throw await unreadable(error, open, descriptor, place);
  } finally {
    await pieces.return(undefined);
  }
  const plainDigest = `sha256:${found.digest("hex")}`;
  if (plainDigest !== diffId) {
    throw invalidImage(
      `The layer ${digest} of ${place} is not what the configuration says: its diff_id is ${plainDigest}, not ${diffId}`,
    );
  }
  return members.paths;
}

/** A layer in the store, each once: what was looked at before is remembered. */
export async function checkStoredLayer(cas: Cas, layer: Layer, memo: Memo, check: LayerCheck): Promise<void> {
  if (strictness(memo.get(memoKey(layer))) < strictness(check.maker ?? "others")) {
    await readStoredLayer(cas, layer, memo, check);
  }
}

/** A layer in the store, looked at while it is read. */
export async function readStoredLayer(
  cas: Cas,
  layer: Layer,
  memo: Memo,
  check: LayerCheck,
  visit?: Visit,
): Promise<void> {
  const { mediaType, diffId } = layer;
  const { hash, size } = layer.digest;
  const descriptor = { mediaType, digest: `sha256:${hash}`, size };
  await checkLayer(() => cas.createReadStream(layer.digest), descriptor, diffId, check, visit);
  const maker = check.maker ?? "others";
  if (strictness(memo.get(memoKey(layer))) < strictness(maker)) memo.set(memoKey(layer), maker);
}

/** Of what was remembered: whose layers are looked at as closely. */
function strictness(maker: string | undefined): number {
  const known: readonly (string | undefined)[] = MAKERS;
  return known.indexOf(maker);
}

/** Of a layer that was made here, and need not be looked at. */
export function rememberMade(memo: Memo, layer: Layer): void {
  memo.set(memoKey(layer), "scripts");
}

/** A change to what is looked for changes this. */
const CHECK_VERSION = 3;

function memoKey({ mediaType, digest, diffId }: Layer): string {
  return `checked ${CHECK_VERSION} ${mediaType} ${digest.hash} ${digest.size} ${diffId}`;
}

async function* hashed(
  pieces: AsyncIterable<Buffer>,
  hash: ReturnType<typeof createHash>,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    hash.update(piece);
    yield piece;
  }
}

/** The members of a layer, one after the other. Throws {@link TarError}. */
class Members {
  /** Of the layer so far; real layers are made from real folders, where nothing is below a file or a symlink. */
  readonly paths: LayerPaths = new LayerPaths();
  readonly #maker: Maker;
  readonly #maxBytes: number;
  readonly #maxMembers: number;
  readonly #below: readonly LayerPaths[] | undefined;
  #bytes = 0;
  #count = 0;

  constructor(maker: Maker, maxBytes: number, maxMembers: number, below: readonly LayerPaths[] | undefined) {
    this.#maker = maker;
    this.#maxBytes = maxBytes;
    this.#maxMembers = maxMembers;
    this.#below = below;
  }

  check(member: TarMember): void {
    const { name, type, linkName, size } = member;
    // Sparse files say how large they are, whether or not the archive has that.
    this.#bytes += size;
    if (this.#bytes > this.#maxBytes) throw new TarError(`its files have more than ${this.#maxBytes} bytes: '${name}'`);
    if (++this.#count > this.#maxMembers) throw new TarError(`it has more than ${this.#maxMembers} members`);
    for (const text of [name, linkName]) {
      if (text.length > MAX_PATH) throw new TarError(`'${text.slice(0, 100)}…' is a path of ${text.length} characters`);
      if (text.includes("\0")) throw new TarError(`${JSON.stringify(text)} has a zero byte in its name`);
    }
    const path = splitPath(name);
    if (path.includes("..")) throw new TarError(`'${name}' points outside of the image`);
    for (const each of path) {
      const length = Buffer.byteLength(each);
      if (length > MAX_NAME) throw new TarError(`'${each.slice(0, 100)}…' is a name of ${length} bytes`);
    }
    const last = path.at(-1) ?? "";
    if (last.startsWith(WHITEOUT) && ["", ".", ".."].includes(last.slice(WHITEOUT.length))) {
      throw new TarError(`'${name}' hides what is no file of its folder`);
    }
    const above = this.paths.above(path);
    if (above?.type === "symlink") throw new TarError(`'${name}' is written through the symbolic link '${above.path}'`);
    if (above !== undefined) throw new TarError(`'${name}' is below '${above.path}', which is no folder`);
    if (type === "hardlink") this.#checkHardLink(name, linkName);
    if (type === "symlink") {
      if (linkName === "") throw new TarError(`'${name}' is a symbolic link to nothing`);
      if (this.#maker === "others" && isOutward(name, linkName)) throw outside(name, linkName);
    }
    this.paths.add(path, type);
  }

  #checkHardLink(name: string, linkName: string): void {
    const target = splitPath(linkName);
    if (target.includes("..")) throw outside(name, linkName);
    const above = this.paths.above(target);
    if (above?.type === "symlink") {
      throw new TarError(`'${name}' links to '${linkName}' through the symbolic link '${above.path}'`);
    }
    if (this.#below !== undefined && !hold([...this.#below, this.paths], target)) {
      throw new TarError(`'${name}' links to '${linkName}', which is not in the image`);
    }
  }
}

function outside(name: string, linkName: string): TarError {
  return new TarError(`'${name}' links to '${linkName}', which points outside of the image`);
}
