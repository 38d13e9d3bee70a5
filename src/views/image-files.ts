/** The files of an element as whoever uses it sees them: of an image what its layers make, else those of the artifact. */
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Memo } from "../oci/memo.ts";
import { readBaseImage } from "../oci/parent.ts";
import { rootOf } from "../oci/root.ts";
import type { Element } from "../project/element.ts";
import type { ArtifactFiles } from "./contents.ts";

export interface ImageTools {
  readonly memoDirectory: string;
  readonly signal: AbortSignal;
}

/** An element's artifacts, with what the layers of images hold in place of the layouts that have these. */
export class SeenFiles implements ArtifactFiles {
  readonly cas: Cas;
  readonly #artifacts: ArtifactFiles;
  readonly #tools: ImageTools;
  readonly #roots = new Map<Element, { readonly tree: Digest; readonly index: number }>();

  constructor(artifacts: ArtifactFiles, tools: ImageTools) {
    this.cas = artifacts.cas;
    this.#artifacts = artifacts;
    this.#tools = tools;
  }

  /**
   * Reads the layers of an element that is an image: to be called before it is asked for.
   * @param index of several images of the element, counted from 0
   * @throws BstError
   */
  async open(element: Element, index: number): Promise<void> {
    const tree = this.#artifacts.files(element);
    if (tree === undefined || this.#roots.has(element)) return;
    const root = await rootOfImage(this.cas, tree, index, element.fullName, this.#tools);
    this.#roots.set(element, { tree: root, index });
  }

  /** Whether it is an image that was opened. */
  isImage(element: Element): boolean {
    return this.#roots.has(element);
  }

  /** Which of its images was opened. */
  indexOf(element: Element): number {
    return this.#roots.get(element)?.index ?? 0;
  }

  files(element: Element): Digest | undefined {
    return this.#roots.get(element)?.tree ?? this.#artifacts.files(element);
  }

  publicData(element: Element) {
    return this.#artifacts.publicData(element);
  }
}

/**
 * What the layers of an image make.
 * @param tree of the artifact that holds it
 * @throws BstError
 */
export async function rootOfImage(
  cas: Cas,
  tree: Digest,
  index: number,
  name: string,
  { memoDirectory, signal }: ImageTools,
): Promise<Digest> {
  const { layers } = readBaseImage(cas, tree, index, name);
  const root = await rootOf(cas, layers, new Memo(memoDirectory), { place: name, signal, maker: "elements" });
  return root.tree;
}

/** Whether an error says that an artifact holds no image. */
export function isNoImage(error: unknown): boolean {
  return error instanceof BstError && error.reason === "oci-invalid-image";
}
