/** The file system that a stack of layers makes, as a tree: remembered, or else read from the layers. */
import { createHash } from "node:crypto";
import { DecompressError, decompressed } from "../base/decompress.ts";
import { BstError } from "../base/errors.ts";
import { TarError } from "../base/tar-fields.ts";
import { type TarMember, TarReader } from "../base/tar-reader.ts";
import { type Digest, formatDigest, parseDigest } from "../cas/digest.ts";
import { nodesOf } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { invalidImage } from "./json.ts";
import type { Layer } from "./layer.ts";
import type { Memo } from "./memo.ts";

/** The identifiers of the layers tell all about their content, so that this is kept under them. */
function memoKey(layers: readonly Layer[]): string {
  return `root of ${layers.map(({ diffId }) => diffId).join(" ")}`;
}

export function rememberRoot(memo: Memo, layers: readonly Layer[], root: Digest): void {
  memo.set(memoKey(layers), formatDigest(root));
}

/**
 * The tree of what the layers hold together. Its directories are in the store; its files need not be, as no one needs
 * them to tell what differs. Throws BstError in domain "element" for layers that can't be read.
 */
export async function rootOf(cas: Cas, layers: readonly Layer[], memo: Memo, signal: AbortSignal): Promise<Digest> {
  let known = layers.length;
  let root: Digest | undefined;
  for (; known > 0; known--) {
    root = parseDigest(memo.get(memoKey(layers.slice(0, known))) ?? "");
    if (root !== undefined && hasDirectories(cas, root)) break;
    root = undefined;
  }
  const tree = new Tree(cas, root);
  for (let i = known; i < layers.length; i++) {
    const layer = layers[i];
    if (layer === undefined) break;
    await apply(cas, tree, layer, signal);
    rememberRoot(memo, layers.slice(0, i + 1), tree.digest());
  }
  return tree.digest();
}

function hasDirectories(cas: Cas, root: Digest): boolean {
  return (
    (root.size === 0 || cas.has(root)) &&
    cas.readDirectory(root).directories.every(({ digest }) => hasDirectories(cas, digest))
  );
}

const OPAQUE = ".wh..wh..opq";
const WHITEOUT = ".wh.";

interface Entry {
  readonly components: readonly string[];
  readonly member: TarMember;
  readonly digest: Digest | undefined;
}

async function apply(cas: Cas, tree: Tree, layer: Layer, signal: AbortSignal): Promise<void> {
  const entries: Entry[] = [];
  const bytes = decompressed(cas.objectPath(layer.digest), signal);
  try {
    const reader = new TarReader(bytes);
    for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
      signal.throwIfAborted();
      const components = split(member.name);
      const last = components.at(-1);
      const digest = member.type === "file" ? await digestOfContent(reader, member.size) : undefined;
      // Whiteouts are about the layers below, wherever in the archive they stand.
      if (last === OPAQUE) clear(cas, tree, components.slice(0, -1));
      else if (last?.startsWith(WHITEOUT)) hide(tree, components.slice(0, -1), last.slice(WHITEOUT.length));
      else if (last !== undefined) entries.push({ components, member, digest });
    }
    for (const entry of entries) place(tree, entry);
  } catch (error) {
    if (!(error instanceof TarError || error instanceof DecompressError)) throw error;
    throw invalidImage(`The layer ${layer.digest.hash} can't be read: ${error.message}`);
  } finally {
    await bytes.return(undefined);
  }
}

function split(path: string): string[] {
  const components = path.split("/").filter((name) => name !== "" && name !== ".");
  if (components.includes("..")) throw new TarError(`'${path}' points outside of the image`);
  return components;
}

async function digestOfContent(reader: TarReader, size: number): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const piece of reader.content()) hash.update(piece);
  return { hash: hash.digest("hex"), size };
}

function clear(cas: Cas, tree: Tree, path: readonly string[]): void {
  const directory = openDirectory(tree, path);
  if (directory === undefined) return;
  for (const { name } of nodesOf(cas.readDirectory(directory.digest()))) directory.remove(name, { recursive: true });
}

/** Undefined where something else than a directory, or nothing, is on the way. */
function openDirectory(tree: Tree, path: readonly string[]): Tree | undefined {
  try {
    return tree.openDirectory(path.join("/"));
  } catch (error) {
    if (error instanceof BstError && error.domain === "virtual-fs") return undefined;
    throw error;
  }
}

function hide(tree: Tree, path: readonly string[], name: string): void {
  const hidden = [...path, name].join("/");
  if (tree.exists(hidden)) tree.remove(hidden, { recursive: true });
}

function place(tree: Tree, { components, member, digest }: Entry): void {
  if (member.type === "directory") {
    makeRoom(tree, components);
    return;
  }
  const name = components.at(-1) ?? "";
  const linked = member.type === "hardlink" ? tree.lookup(split(member.linkName).join("/")) : undefined;
  if (member.type === "hardlink" && (linked === undefined || linked.kind === "directory")) {
    throw new TarError(`'${member.name}' links to '${member.linkName}', which is not in the image`);
  }
  const directory = makeRoom(tree, components.slice(0, -1));
  if (directory.exists(name)) directory.remove(name, { recursive: true });
  if (linked?.kind === "file") directory.addFile(name, linked.digest, { executable: linked.executable });
  else if (linked?.kind === "symlink") directory.addSymlink(name, linked.target);
  else if (member.type === "symlink") directory.addSymlink(name, member.linkName);
  // Devices and the like stay in their layer; a tree has nothing for them.
  else if (digest !== undefined) directory.addFile(name, digest, { executable: (member.mode & 0o100) !== 0 });
}

/** The directory at a path; what else has one of its names gives way. */
function makeRoom(tree: Tree, path: readonly string[]): Tree {
  let directory = tree;
  for (const name of path) {
    const child = openDirectory(directory, [name]);
    if (child === undefined && directory.exists(name)) directory.remove(name);
    directory = child ?? directory.makeDirectory(name);
  }
  return directory;
}
