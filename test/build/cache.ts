/** Looks into the cache of a project under test: what was built, and what is in it. */
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { ArtifactRecord } from "../../src/artifact/record.ts";
import { normalNameOf } from "../../src/artifact/refs.ts";
import { ArtifactStore } from "../../src/artifact/store.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { Index, Manifest } from "../oci/helpers.ts";
import { applyLayer, filesOf } from "../oci/untar.ts";

/** From a file's path to what is in it; folders do not count. */
export type Content = Readonly<Record<string, string>>;

export class BuiltCache {
  readonly folder: string;
  readonly #cas: Cas;
  readonly #artifacts: ArtifactStore;
  readonly #project: string;

  /** @param config the user configuration that `cacheConfig` made */
  constructor(config: string, project = "test") {
    this.folder = join(dirname(config), "cache");
    this.#cas = new Cas(join(this.folder, "cas"));
    this.#artifacts = new ArtifactStore(this.folder, this.#cas);
    this.#project = project;
  }

  artifact(element: string, key: string): ArtifactRecord {
    const name = { project: this.#project, normalName: normalNameOf(element), key };
    const record = this.#artifacts.find(name);
    if (record === undefined) throw new Error(`no whole artifact of ${element} with key ${key}`);
    return record;
  }

  content(element: string, key: string): Content {
    return this.contentOf(this.#files(element, key));
  }

  contentOf(tree: Digest): Content {
    return plain(filesOf(this.#cas, tree));
  }

  /** The root that the first image of a layout has, made of its layers, and what its last layer alone adds. */
  async image(element: string, key: string): Promise<{ readonly root: Content; readonly lastLayer: Content }> {
    const layout = new Tree(this.#cas, this.#files(element, key));
    const index = this.#json<Index>(layout, "index.json");
    const manifest = this.#json<Manifest>(layout, blobPath(index.manifests[0]?.digest));
    let root = new Map<string, string>();
    let lastLayer = root;
    for (const { digest } of manifest.layers) {
      const node = layout.lookup(blobPath(digest));
      if (node?.kind !== "file") throw new Error(`${element} lacks the layer ${digest}`);
      root = await applyLayer(this.#cas, root, node.digest);
      lastLayer = await applyLayer(this.#cas, new Map(), node.digest);
    }
    return { root: plain(root), lastLayer: plain(lastLayer) };
  }

  #files(element: string, key: string): Digest {
    const { files, buildSuccess } = this.artifact(element, key);
    expect(buildSuccess, `${element} was built`).toBe(true);
    if (files === undefined) throw new Error(`the artifact of ${element} has no files`);
    return files;
  }

  #json<T>(layout: Tree, path: string): T {
    const node = layout.lookup(path);
    if (node?.kind !== "file") throw new Error(`the layout has no ${path}`);
    return JSON.parse(this.#cas.read(node.digest).toString());
  }
}

function blobPath(digest = ""): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function plain(files: ReadonlyMap<string, string>): Content {
  return Object.fromEntries([...files].filter(([, text]) => text !== "directory").sort(([a], [b]) => (a < b ? -1 : 1)));
}
