/** One form for images, wherever they are: who reads them, and who writes them. */
import type { Content, Descriptor } from "../descriptor.ts";
import type { Maker } from "../growth.ts";

/** An image, or an index of images, with the blobs that it names. */
export interface ImageReader extends AsyncDisposable {
  /** For messages. */
  readonly name: string;
  /** Who made the image, where that is known. */
  readonly maker?: Maker | undefined;
  /** A registry and repository that blobs can be taken over from. */
  readonly repository?: { readonly host: string; readonly name: string };
  /** How to say which of several images there is meant, where that was not said; else the first for a platform is. */
  readonly choice?: string;
  /** What it is called there, the first first. */
  tags(): Promise<readonly string[]>;
  /** Of all that is there together, where that is said apart from an index. */
  annotations?(): Promise<Readonly<Record<string, string>>>;
  /** What says something about a manifest: signatures and the like, where they are kept with it. */
  referrers?(digest: string): Promise<readonly Descriptor[]>;
  /** The manifest under a tag, where there can be such besides the image itself. */
  tagged?(tag: string): Promise<Content | undefined>;
  /** What is named; its descriptor tells of the platform where that is known. */
  root(): Promise<Content>;
  /** A manifest or index that another names; its bytes are what the descriptor says. */
  manifest(descriptor: Descriptor): Promise<Content>;
  /** The bytes of a blob, from the beginning: whoever takes them verifies them. */
  blob(descriptor: Descriptor): AsyncIterable<Buffer>;
  /** The same behind so many bytes, where these then need not come from far away. */
  blobFrom?(descriptor: Descriptor, offset: number): AsyncIterable<Buffer>;
}

/** `present`: it was there already; `mounted`: taken over from another repository; `written`: it was sent. */
export type Outcome = "present" | "mounted" | "written";

export interface ImageWriter extends AsyncDisposable {
  readonly name: string;
  /** Several at a time; nothing is kept of one that is not what its descriptor says. */
  putBlob(descriptor: Descriptor, source: ImageReader): Promise<Outcome>;
  /** When all is there that it names. */
  putManifest(content: Content): Promise<void>;
  /** Names what was written: before this nobody finds it. */
  finish(root: Content): Promise<void>;
  /** Lists a manifest that refers to another; both are there. @param descriptor with what kind of artifact it is */
  refer?(descriptor: Descriptor): Promise<void>;
  /** Gives a name to a manifest that is there. */
  tag?(tag: string, content: Content): Promise<void>;
}

/** The same reader, to be given other ways in part. */
export function relay(reader: ImageReader): ImageReader {
  const { name, maker, repository, choice } = reader;
  return {
    name,
    maker,
    ...(choice && { choice }),
    ...(repository && { repository }),
    tags: () => reader.tags(),
    root: () => reader.root(),
    manifest: (descriptor) => reader.manifest(descriptor),
    blob: (descriptor) => reader.blob(descriptor),
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}
