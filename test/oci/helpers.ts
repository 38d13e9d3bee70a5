/** Trees and images for tests. */
import { join } from "node:path";
import type { Digest } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { type AssembleOptions, assembleImages, type ImageInput } from "../../src/oci/assemble.ts";
import { NO_COMPRESSION } from "../../src/oci/compression.ts";
import { type Layer, type LayerFormat, writeLayer } from "../../src/oci/layer.ts";
import { EMPTY_CONTENT, type Content as FileSystem, layerEntries } from "../../src/oci/layer-entries.ts";
import { Memo } from "../../src/oci/memo.ts";
import { readOciSpec } from "../../src/oci/schema.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";
import { tempDir } from "../helpers.ts";

/** A file's content, or more of it; a path that ends in a slash is a directory. */
export type Content = string | { readonly executable: string } | { readonly symlink: string };

export const signal: AbortSignal = new AbortController().signal;

export function newCas(): Cas {
  return new Cas(join(tempDir("oci"), "cas"));
}

export function treeOf(cas: Cas, files: Readonly<Record<string, Content>>): Digest {
  const tree = new Tree(cas);
  for (const [path, content] of Object.entries(files)) {
    const slash = path.lastIndexOf("/");
    if (slash > 0) tree.makeDirectory(path.slice(0, slash));
    if (path.endsWith("/")) continue;
    if (typeof content === "string") tree.addFile(path, cas.write(content), { executable: false });
    else if ("symlink" in content) tree.addSymlink(path, content.symlink);
    else tree.addFile(path, cas.write(content.executable), { executable: true });
  }
  return tree.digest();
}

export const plain: LayerFormat = { compression: NO_COMPRESSION, mtime: 0 };
export const gzip: LayerFormat = { compression: { kind: "gzip", level: 6 }, mtime: 0 };
export const zstd: LayerFormat = { compression: { kind: "zstd", level: 3 }, mtime: 0 };

/** The layer that makes a tree of another, without attributes. */
export function layerOf(
  cas: Cas,
  tree: Digest,
  parent: Digest | undefined,
  format: LayerFormat,
  until: AbortSignal = signal,
): Promise<Layer | undefined> {
  const of = (tree: Digest): FileSystem => ({ tree, attributes: new Map() });
  const entries = layerEntries(cas, of(tree), parent === undefined ? EMPTY_CONTENT : of(parent));
  return writeLayer(cas, entries, format, until);
}

export interface Assembled {
  readonly layout: Digest;
  readonly tree: Tree;
  json<T>(path: string): T;
}

/** The files of a layout, as far as tests look into them. */
export interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

export interface Index {
  readonly annotations?: object;
  readonly manifests: readonly Descriptor[];
}

export interface Manifest {
  readonly annotations?: object;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ArchivedImage {
  readonly Config: string;
  readonly Layers: readonly string[];
}

export interface Configuration {
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly object[];
}

export function fileAt(tree: Tree, path: string): Digest {
  const node = tree.lookup(path);
  if (node?.kind !== "file") throw new Error(`no file ${path}`);
  return node.digest;
}

export function readJson<T>(tree: Tree, path: string): T {
  return JSON.parse(tree.cas.read(fileAt(tree, path)).toString());
}

/** @param config an `oci` element's configuration */
export async function assemble(
  cas: Cas,
  config: { readonly [key: string]: Plain },
  inputs: readonly ImageInput[],
  options: Partial<AssembleOptions> = {},
): Promise<Assembled> {
  const layout = await assembleImages(cas, readOciSpec(mappingFrom(config)), inputs, {
    memo: new Memo(tempDir("memo")),
    signal,
    activity: (_text, step) => step(),
    ...options,
  });
  const tree = new Tree(cas, layout);
  return {
    layout,
    tree,
    json: (path) => readJson(tree, path),
  };
}
