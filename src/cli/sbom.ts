/** Collects what the images of an element consist of: from the graph, and from the artifacts that are in them. */
import { createHash } from "node:crypto";
import { readPublicMetadata } from "../artifact/metadata.ts";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../cas/directory.ts";
import { PIECE_SIZE, withPieces } from "../cas/file-pieces.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { elementsByOrigin, type OriginIo, type Origins, originId, originsOfStaged } from "../elements/origins.ts";
import { dependencies, Visited } from "../graph/scopes.ts";
import { isIndex, readIndex } from "../oci/manifest.ts";
import type { FileFacts, Inventory, Part, SourceFacts } from "../oci/sbom/inventory.ts";
import { readOciSpec } from "../oci/schema.ts";
import type { ImageReader } from "../oci/transport/types.ts";
import type { Element } from "../project/element.ts";
import type { DependencyFacts } from "../project/element-kind.ts";
import { describeSource } from "../project/source-info.ts";
import { rootOfImage } from "../views/image-files.ts";
import type { MappingNode } from "../yaml/node.ts";
import { type ArtifactBench, elementSubject, type Subject } from "./artifacts.ts";
import { contentOfImage } from "./image-content.ts";
import { requireCached } from "./staging.ts";
import { pullMissing } from "./transfers.ts";
import type { Workbench } from "./workbench.ts";

export interface InventoryOptions {
  /** Whether files are listed. */
  readonly files: boolean;
  /** Whether elements are listed that were only needed to build others. */
  readonly buildDeps: boolean;
  readonly signal: AbortSignal;
}

/**
 * What is in each image of an element, by the digest of the image's manifest.
 * @param subject with its artifact, which holds the images
 * @throws BstError where artifacts that are in the image can't be had, or domain app for what is no element
 */
export async function inventoriesOf(
  bench: ArtifactBench,
  subject: Subject,
  reader: ImageReader,
  options: InventoryOptions,
): Promise<ReadonlyMap<string, Inventory>> {
  const { workbench } = bench;
  const { element, record } = subject;
  if (workbench === undefined || element === undefined || record?.files === undefined) {
    throw new BstError("app", "What an image consists of is told of elements, and not of artifacts", {
      reason: "no-element",
      detail: "Sources and dependencies of an image are known from its project.",
    });
  }
  const collector = new Collector(bench, workbench, options);
  const root = await reader.root();
  const entries = isIndex(root.descriptor) ? readIndex(root, reader.name).manifests : [root.descriptor];
  const [given] = await reader.tags();
  const found = new Map<string, Inventory>();
  for (const [i, { digest, platform }] of entries.entries()) {
    const spec = element.kind === "oci" ? readOciSpec(element.config).images[i] : undefined;
    found.set(digest, {
      element: element.fullName,
      // What a layout says of several images together is the name of none of them.
      tag: spec?.tags?.[0] ?? (entries.length === 1 ? given : undefined),
      digest,
      platform,
      created: epoch() ?? spec?.sourceDateEpoch ?? 0,
      ...(await collector.collect(element, record.files, i)),
    });
  }
  return found;
}

class Collector {
  readonly #bench: ArtifactBench;
  readonly #workbench: Workbench;
  readonly #options: InventoryOptions;
  readonly #cas: Cas;
  /** By full names. */
  readonly #elements: ReadonlyMap<string, Element>;
  readonly #byOrigin: ReadonlyMap<string, Element>;

  constructor(bench: ArtifactBench, workbench: Workbench, options: InventoryOptions) {
    this.#bench = bench;
    this.#workbench = workbench;
    this.#options = options;
    this.#cas = bench.caches.cas;
    this.#elements = new Map(workbench.graph.elements.map((each) => [each.fullName, each]));
    this.#byOrigin = elementsByOrigin(workbench.graph.elements);
  }

  async collect(
    element: Element,
    layout: Digest,
    index: number,
  ): Promise<Pick<Inventory, "bases" | "parts" | "files">> {
    const { cas, memoDirectory } = this.#bench.caches;
    const content = contentOfImage(element, index, (name) => this.#elements.get(name));
    const { signal } = this.#options;
    const tree = await rootOfImage(cas, layout, index, element.fullName, { memoDirectory, signal });
    const visited = new Visited();
    const staged = content.elements
      .flatMap((each) => dependencies(each, "run", visited))
      .filter(({ hasArtifact }) => hasArtifact);
    const origins = originsOfStaged(await this.#io(staged), tree, staged);
    const files = this.#options.files ? filesOf(cas, tree, origins) : new Map<number, FileFacts[]>();
    return {
      bases: content.bases.flatMap((base) => sourcesOf(base)),
      parts: this.#parts(origins, files),
      files: files.get(-1) ?? [],
    };
  }

  /** Pulls what is missing. */
  async #io(elements: readonly Element[]): Promise<OriginIo> {
    const wanted = elements.map((element) => elementSubject(this.#workbench, element));
    const cached = requireCached(await pullMissing(this.#bench, wanted));
    const records = new Map(cached.map(({ element, record }) => [element as DependencyFacts | undefined, record]));
    const recordOf = (element: DependencyFacts) => {
      const record = records.get(element);
      if (record === undefined) throw new Error(`${element.fullName} was not looked up`);
      return record;
    };
    return {
      cas: this.#cas,
      artifactTree: (element) => recordOf(element).files ?? EMPTY_DIRECTORY_DIGEST,
      publicData: (element, domain) => readPublicMetadata(this.#cas, recordOf(element)).mapping(domain),
    };
  }

  #parts({ elements: origins }: Origins, files: ReadonlyMap<number, readonly FileFacts[]>): Part[] {
    const ids = origins.map(originId);
    const places = new Map(ids.map((id, i) => [this.#byOrigin.get(id)?.fullName ?? id, i]));
    const names = new Set(places.keys());
    if (this.#options.buildDeps) {
      const visited = new Visited();
      const roots = [...names].flatMap((name) => this.#elements.get(name) ?? []);
      for (const each of roots.flatMap((root) => dependencies(root, "all", visited))) {
        if (each.hasSources && each.kind !== "junction") names.add(each.fullName);
      }
    }
    return [...names].sort().map((name) => {
      const element = this.#elements.get(name);
      const near = (direct: readonly Element[]) => [...nearest(direct, names)].filter((other) => other !== name).sort();
      return {
        element: name,
        project: element?.projectName,
        stated: element === undefined ? {} : statedBy(element),
        cpe: texts(element?.publicData.mapping("cpe"), ["vendor", "product", "version"]),
        sources: element === undefined ? [] : sourcesOf(element),
        runsWith: near(element?.runtimeDependencies ?? []),
        builtWith: near(element?.buildDependencies ?? []),
        isInImage: places.has(name),
        files: files.get(places.get(name) ?? -2) ?? [],
      };
    });
  }
}

/** Those of the names that elements stand for: themselves, or behind what has no files of its own. */
function nearest(elements: readonly Element[], names: ReadonlySet<string>): Set<string> {
  const found = new Set<string>();
  const visited = new Set<Element>();
  const stack = [...elements];
  for (let element = stack.pop(); element !== undefined; element = stack.pop()) {
    if (visited.has(element)) continue;
    visited.add(element);
    if (names.has(element.fullName)) {
      found.add(element.fullName);
      continue;
    }
    stack.push(...element.runtimeDependencies);
    const { strictRebuild, collects } = element.definition;
    if (strictRebuild || collects) stack.push(...element.buildDependencies);
  }
  return found;
}

function sourcesOf(element: Element): SourceFacts[] {
  return element.sources.flatMap((source) => {
    const module = source.definition.kind === "go_module" ? source.node.string("module") : undefined;
    const isKnown = module !== undefined && !module.includes("%{");
    return describeSource(element.project, source, source.source.info()).map((facts) => ({
      ...facts,
      ...(isKnown && { module }),
    }));
  });
}

const STATED = [
  ...["name", "version", "description", "homepage", "supplier", "originator"],
  ...["declared-license", "concluded-license", "copyright-text", "purl"],
];

function statedBy({ publicData, description }: Element): Readonly<Record<string, string>> {
  const node = publicData.mapping("sbom");
  node?.validateKeys(new Set(STATED));
  return { ...(description !== "" && { description }), ...texts(node, STATED) };
}

function texts(node: MappingNode | undefined, keys: readonly string[]): Readonly<Record<string, string>> {
  const entries = keys.map((key) => [key, node?.string(key)] as const);
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

/** By the index of the element that they come from, -1 for none. */
function filesOf(cas: Cas, tree: Digest, origins: Origins): Map<number, FileFacts[]> {
  const found = new Map<number, FileFacts[]>();
  for (const { path, node } of new Tree(cas, tree).entries()) {
    if (node.kind !== "file") continue;
    const origin = origins.of.get(path) ?? -1;
    const those = found.get(origin) ?? [];
    found.set(origin, those);
    those.push({ path, sha256: node.digest.hash, sha1: sha1Of(cas, node.digest) });
  }
  return found;
}

/** SPDX can't do without it. */
function sha1Of(cas: Cas, digest: Digest): string {
  const hash = createHash("sha1");
  withPieces(cas.objectPath(digest), (next) => {
    for (let piece = next(); ; piece = next()) {
      hash.update(piece);
      if (piece.length < PIECE_SIZE) return;
    }
  });
  return hash.digest("hex");
}

/** Seconds since 1970, if the environment says so. @throws BstError domain app, reason invalid-date */
function epoch(): number | undefined {
  const { SOURCE_DATE_EPOCH: text } = process.env;
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,11}$/.test(text)) return Number(text);
  throw new BstError("app", `SOURCE_DATE_EPOCH is no number of seconds: '${text}'`, { reason: "invalid-date" });
}
