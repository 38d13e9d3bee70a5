/** The file system that a stack of layers makes, as a tree: remembered, or else read from the layers. */
import { createHash } from "node:crypto";
import { BstError } from "../base/errors.ts";
import { TarError } from "../base/tar-fields.ts";
import type { OwnedMember, TarReader } from "../base/tar-reader.ts";
import { type Digest, formatDigest, parseDigest } from "../cas/digest.ts";
import { nodesOf } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { type Attributes, formatAttributes, parseAttributes, sameAttributes, usualAttributes } from "./attributes.ts";
import { type LayerCheck, readStoredLayer } from "./check-layer.ts";
import { isOwnerTable } from "./declared.ts";
import { invalidImage } from "./json.ts";
import type { Layer } from "./layer.ts";
import { type Content, isExecutable, OPAQUE, WHITEOUT } from "./layer-entries.ts";
import type { Memo } from "./memo.ts";
import { splitPath } from "./outward-links.ts";

/** The identifiers of the layers tell all about their content, so that this is kept under them. */
function memoKey(layers: readonly Layer[]): string {
  return `root of ${layers.map(({ diffId }) => diffId).join(" ")}`;
}

export function rememberRoot(memo: Memo, layers: readonly Layer[], { tree, attributes }: Content): void {
  memo.set(memoKey(layers), `${formatDigest(tree)}\n${formatAttributes(attributes)}`);
}

function remembered(cas: Cas, memo: Memo, layers: readonly Layer[]): Content | undefined {
  const text = memo.get(memoKey(layers)) ?? "";
  const end = text.indexOf("\n");
  const tree = end < 0 ? undefined : parseDigest(text.slice(0, end));
  const attributes = parseAttributes(text.slice(end + 1));
  return tree !== undefined && attributes !== undefined && cas.hasDirectories(tree) ? { tree, attributes } : undefined;
}

/**
 * What the layers hold together. The directories are in the store; the files need not be, as no one needs them to tell
 * what differs. Layers that have to be read are looked at as well: throws BstError for those that can't be used.
 */
export async function rootOf(cas: Cas, layers: readonly Layer[], memo: Memo, check: LayerCheck): Promise<Content> {
  let known = layers.length;
  let base: Content | undefined;
  for (; known > 0 && base === undefined; known--) base = remembered(cas, memo, layers.slice(0, known));
  if (base !== undefined) known++;
  const root: Root = { tree: new Tree(cas, base?.tree), attributes: new Map(base?.attributes) };
  for (let i = known; i < layers.length; i++) {
    const layer = layers[i];
    if (layer === undefined) break;
    await apply(cas, root, layer, memo, check);
    rememberRoot(memo, layers.slice(0, i + 1), { tree: root.tree.digest(), attributes: root.attributes });
  }
  return { tree: root.tree.digest(), attributes: root.attributes };
}

/** A file system in the making. */
interface Root {
  readonly tree: Tree;
  readonly attributes: Map<string, Attributes>;
}

interface Entry {
  readonly components: readonly string[];
  readonly member: OwnedMember;
  readonly digest: Digest | undefined;
}

async function apply(cas: Cas, root: Root, layer: Layer, memo: Memo, check: LayerCheck): Promise<void> {
  const entries: Entry[] = [];
  await readStoredLayer(cas, layer, memo, check, async (member, reader) => {
    check.signal.throwIfAborted();
    const components = splitPath(member.name);
    const last = components.at(-1);
    const digest = member.type === "file" ? await digestOfContent(cas, reader, member, last) : undefined;
    // Whiteouts are about the layers below, wherever in the archive they stand.
    if (last === OPAQUE) clear(cas, root, components.slice(0, -1));
    else if (last?.startsWith(WHITEOUT)) hide(root, components.slice(0, -1), last.slice(WHITEOUT.length));
    else if (last !== undefined) entries.push({ components, member, digest });
  });
  try {
    for (const entry of entries) place(root, entry);
  } catch (error) {
    if (!(error instanceof TarError)) throw error;
    throw invalidImage(`The layer sha256:${layer.digest.hash} of ${check.place} can't be used: ${error.message}`);
  }
}

async function digestOfContent(cas: Cas, reader: TarReader, { size }: OwnedMember, name = ""): Promise<Digest> {
  if (isOwnerTable(name, size)) return cas.write(await reader.bytes());
  const hash = createHash("sha256");
  for await (const piece of reader.content()) hash.update(piece);
  return { hash: hash.digest("hex"), size };
}

function clear(cas: Cas, root: Root, path: readonly string[]): void {
  const directory = openDirectory(root.tree, path);
  if (directory === undefined) return;
  for (const { name } of nodesOf(cas.readDirectory(directory.digest()))) hide(root, path, name);
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

function hide(root: Root, path: readonly string[], name: string): void {
  const { tree, attributes } = root;
  const hidden = [...path, name].join("/");
  const node = tree.lookup(hidden);
  if (node === undefined) return;
  tree.remove(hidden, { recursive: true });
  attributes.delete(hidden);
  if (node.kind !== "directory") return;
  for (const known of attributes.keys()) if (known.startsWith(`${hidden}/`)) attributes.delete(known);
}

function place(root: Root, { components, member, digest }: Entry): void {
  const { tree } = root;
  const path = components.join("/");
  if (member.type === "directory") {
    makeRoom(root, components);
    describe(root, path, member);
    return;
  }
  const name = components.at(-1) ?? "";
  const original = member.type === "hardlink" ? splitPath(member.linkName).join("/") : "";
  const linked = member.type === "hardlink" ? tree.lookup(original) : undefined;
  if (member.type === "hardlink" && (linked === undefined || linked.kind === "directory")) {
    throw new TarError(`'${member.name}' links to '${member.linkName}', which is not in the image`);
  }
  const directory = makeRoom(root, components.slice(0, -1));
  const shared = root.attributes.get(original);
  if (directory.exists(name)) hide(root, components.slice(0, -1), name);
  if (linked?.kind === "file") directory.addFile(name, linked.digest, { executable: linked.executable });
  else if (linked?.kind === "symlink") directory.addSymlink(name, linked.target);
  else if (member.type === "symlink") directory.addSymlink(name, member.linkName);
  // Devices and the like stay in their layer; a tree has nothing for them.
  else if (digest !== undefined) directory.addFile(name, digest, { executable: isExecutable(member.mode) });
  if (linked === undefined) describe(root, path, member);
  else if (shared !== undefined) root.attributes.set(path, shared);
}

/** Notes what an entry has besides its content. */
function describe({ tree, attributes }: Root, path: string, { type, uid, gid, mode, xattrs }: OwnedMember): void {
  const node = path === "" ? undefined : tree.lookup(path);
  if (node === undefined) return;
  const given = { uid, gid, mode: type === "symlink" ? 0o777 : mode & 0o7777, xattrs };
  if (sameAttributes(given, usualAttributes(node))) attributes.delete(path);
  else attributes.set(path, given);
}

/** The directory at a path; what else has one of its names gives way. */
function makeRoom(root: Root, path: readonly string[]): Tree {
  let directory = root.tree;
  for (const [i, name] of path.entries()) {
    const child = openDirectory(directory, [name]);
    if (child === undefined && directory.exists(name)) hide(root, path.slice(0, i), name);
    directory = child ?? directory.makeDirectory(name);
  }
  return directory;
}
