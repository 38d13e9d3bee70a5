/** Looks at a layer that somebody else made, before anything is built on it: what it is, how large it grows, where it leads. */
import { createHash } from "node:crypto";
import { TarError } from "../base/tar-fields.ts";
import { type TarMember, TarReader } from "../base/tar-reader.ts";
import { type Descriptor, verified } from "./descriptor.ts";
import { invalidImage } from "./json.ts";
import { compressionOf } from "./manifest.ts";
import { plainLayer, unreadable } from "./transport/plain-layer.ts";

export interface LayerLimits {
  /** Bytes that any layer may have when decompressed. */
  readonly bytes: number;
  /** How many times more than compressed a larger layer may have. */
  readonly ratio: number;
  readonly members: number;
}

/** No layer of a known image comes near these. */
const LIMITS: LayerLimits = { bytes: 2 ** 31, ratio: 200, members: 5_000_000 };

/**
 * @param open the layer's bytes from their beginning
 * @param diffId what the image's configuration says of the archive in it
 * @throws BstError domain element, reason oci-invalid-image; domain remote, where the bytes are others than described
 */
export async function checkLayer(
  open: () => AsyncIterable<Buffer>,
  descriptor: Descriptor,
  diffId: unknown,
  signal: AbortSignal,
  limits: LayerLimits = LIMITS,
): Promise<void> {
  const { digest, mediaType } = descriptor;
  const compression = compressionOf(descriptor);
  if (compression === undefined) throw invalidImage(`The layer ${digest} is of an unknown kind: ${mediaType}`);
  const found = createHash("sha256");
  const most = Math.max(limits.bytes, descriptor.size * limits.ratio);
  async function* hashed(): AsyncGenerator<Buffer> {
    let size = 0;
    for await (const piece of plainLayer(verified(open(), descriptor, "The image"), compression ?? "none", signal)) {
      signal.throwIfAborted();
      size += piece.length;
      if (size > most) throw invalidImage(`The layer ${digest} has more than ${most} bytes when decompressed`);
      found.update(piece);
      yield piece;
    }
  }
  const pieces = hashed();
  try {
    await checkMembers(new TarReader(pieces), most, limits.members);
    for await (const _ of pieces);
  } catch (error) {
    throw await unreadable(error, open, descriptor, "The image");
  } finally {
    await pieces.return(undefined);
  }
  const plain = `sha256:${found.digest("hex")}`;
  if (plain !== diffId) {
    throw invalidImage(
      `The layer ${digest} is not what the configuration says: its diff_id is ${plain}, not ${diffId}`,
    );
  }
}

async function checkMembers(reader: TarReader, most: number, maxMembers: number): Promise<void> {
  const symlinks = new Set<string>();
  let content = 0;
  let count = 0;
  for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
    // Sparse files say how large they are, whether or not the archive has that.
    content += member.size;
    if (content > most) throw new TarError(`its files have more than ${most} bytes`);
    if (++count > maxMembers) throw new TarError(`it has more than ${maxMembers} members`);
    checkMember(member, symlinks);
  }
}

/** @param symlinks of the layer so far; real layers are made from real folders, where nothing is below a symlink */
function checkMember({ name, type, linkName }: TarMember, symlinks: Set<string>): void {
  const path = split(name);
  if (path.includes("..")) throw new TarError(`'${name}' points outside of the image`);
  for (let i = 1; i < path.length; i++) {
    const above = path.slice(0, i).join("/");
    if (symlinks.has(above)) throw new TarError(`'${name}' is written through the symbolic link '${above}'`);
  }
  if (type === "hardlink" && split(linkName).includes("..")) {
    throw new TarError(`'${name}' links to '${linkName}', which points outside of the image`);
  }
  if (type === "symlink") {
    if (!linkName.startsWith("/") && climbs(path.slice(0, -1), linkName)) {
      throw new TarError(`'${name}' links to '${linkName}', which points outside of the image`);
    }
    symlinks.add(path.join("/"));
  } else symlinks.delete(path.join("/"));
}

function split(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** Whether a relative link leads above the root. */
function climbs(from: readonly string[], target: string): boolean {
  let depth = from.length;
  for (const name of split(target)) {
    depth += name === ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}
