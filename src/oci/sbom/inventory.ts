/** What is in an image: elements, where their sources come from, and their files. Lists of parts of any form are made of it. */
import type { Platform } from "../descriptor.ts";

/** Where a source comes from, as BuildStream describes it. */
export interface SourceFacts {
  readonly kind: string;
  readonly url: string;
  readonly homepage?: string;
  readonly "issue-tracker"?: string;
  /** What the user says of it, by the project's attributes. */
  readonly provenance?: { readonly [key: string]: unknown };
  readonly medium: string;
  readonly "version-type": string;
  readonly version: string;
  readonly "version-guess"?: string;
  readonly "extra-data"?: Readonly<Record<string, string>>;
  /** The Go module that it is. */
  readonly module?: string;
}

export interface FileFacts {
  /** Without a slash before it. */
  readonly path: string;
  /** Hexadecimal digits. */
  readonly sha256: string;
  /** Hexadecimal digits. */
  readonly sha1: string;
}

/** An element of which there are files in the image, or that was needed to build one. */
export interface Part {
  /** With junctions, such as `components/zlib.bst`. */
  readonly element: string;
  readonly project: string | undefined;
  /** What its public data say of it, under the names of the attributes of sources. */
  readonly stated: Readonly<Record<string, string>>;
  /** Of the Common Platform Enumeration: vendor, product, version. */
  readonly cpe: Readonly<Record<string, string>>;
  readonly sources: readonly SourceFacts[];
  /** Elements of the inventory that it needs to run, and those that it is built with. */
  readonly runsWith: readonly string[];
  readonly builtWith: readonly string[];
  readonly isInImage: boolean;
  /** Empty unless files were asked for. */
  readonly files: readonly FileFacts[];
}

export interface Inventory {
  /** The element that made the image. */
  readonly element: string;
  /** What the image is called, such as `example/app:1.0`. */
  readonly tag: string | undefined;
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
  readonly platform: Platform | undefined;
  /** Seconds since 1970, for the document. */
  readonly created: number;
  /** Images of others that it is based on. */
  readonly bases: readonly SourceFacts[];
  /** By name. */
  readonly parts: readonly Part[];
  /** Files of no element: what commands made, and what base images bring. Empty unless files were asked for. */
  readonly files: readonly FileFacts[];
}
