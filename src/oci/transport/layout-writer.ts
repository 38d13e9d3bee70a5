/** Writes images to a folder as an OCI layout, beside those that are there. */
import fs from "node:fs";
import { join } from "node:path";
import { BstError } from "../../base/errors.ts";
import { makeFolders } from "../../base/folders.ts";
import { type Content, type Descriptor, describeBytes } from "../descriptor.ts";
import { readIndex } from "../manifest.ts";
import { INDEX } from "../media-types.ts";
import { BlobFolder, placed, writing } from "./blob-folder.ts";
import { INDEX_FILE, REF_NAME } from "./layout-reader.ts";
import type { ImageReader, ImageWriter, Outcome } from "./types.ts";

export const LAYOUT_FILE = "oci-layout";
export const LAYOUT_JSON: string = JSON.stringify({ imageLayoutVersion: "1.0.0" });

export class LayoutWriter implements ImageWriter {
  readonly name: string;
  readonly #folder: string;
  readonly #ref: string | undefined;
  readonly #blobs: BlobFolder;

  /**
   * @param folder made where there is none; what else it holds must be a layout
   * @param ref what to call the image; it takes the place of one of the same name
   */
  constructor(folder: string, ref: string | undefined) {
    this.name = folder;
    this.#folder = folder;
    this.#ref = ref;
    this.#blobs = new BlobFolder(folder);
    const others = fs.existsSync(folder) ? writing(folder, () => fs.readdirSync(folder)) : [];
    if (others.length > 0 && !others.includes(LAYOUT_FILE)) {
      throw new BstError("element", `The folder ${folder} holds something else than an OCI layout`, {
        reason: "image-not-written",
      });
    }
    this.#blobs.removeAbandoned();
  }

  /** Only what there is something for is made. */
  #begin(): void {
    const path = join(this.#folder, LAYOUT_FILE);
    if (fs.existsSync(path)) return;
    writing(path, () => makeFolders(this.#folder));
    writing(path, () => fs.writeFileSync(path, LAYOUT_JSON));
  }

  async putBlob(descriptor: Descriptor, source: ImageReader): Promise<Outcome> {
    if (this.#blobs.has(descriptor)) return "present";
    this.#begin();
    await this.#blobs.take(descriptor, source);
    return "written";
  }

  async putManifest({ descriptor, bytes }: Content): Promise<void> {
    this.#begin();
    if (!this.#blobs.has(descriptor)) await this.#blobs.put(descriptor, bytes, this.name);
  }

  async finish(root: Content): Promise<void> {
    await this.putManifest(root);
    await this.#name(root.descriptor, this.#ref);
  }

  async tag(tag: string, { descriptor }: Content): Promise<void> {
    await this.#name(descriptor, tag);
  }

  /** What had the name before has it no more. */
  async #name(descriptor: Descriptor, ref: string | undefined): Promise<void> {
    await this.#list((others) => [
      ...others.filter(
        ({ annotations, artifactType }) => artifactType !== undefined || annotations?.[REF_NAME] !== ref,
      ),
      entryOf(descriptor, ref),
    ]);
  }

  async refer(descriptor: Descriptor): Promise<void> {
    await this.#list((others) => [...others.filter(({ digest }) => digest !== descriptor.digest), descriptor]);
  }

  async #list(change: (entries: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    const path = join(this.#folder, INDEX_FILE);
    const before = fs.existsSync(path) ? fs.readFileSync(path) : undefined;
    const index =
      before === undefined
        ? { manifests: [] }
        : readIndex({ descriptor: describeBytes(INDEX, before), bytes: before }, this.#folder);
    const manifests = change(index.manifests);
    await placed(path, async (temporary) => {
      const text = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, ...index, manifests });
      writing(path, () => fs.writeFileSync(temporary, text));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The entry of a layout's index for an image. */
export function entryOf(descriptor: Descriptor, ref: string | undefined): Descriptor {
  if (ref === undefined) return descriptor;
  return { ...descriptor, annotations: { ...descriptor.annotations, [REF_NAME]: ref } };
}
