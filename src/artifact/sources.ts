/** The cache of staged sources: which tree in the store is that of a source, or of all sources of an element. */
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { decodeOrNothing, readProto, writeProto } from "./protos.ts";
import { decodeSource, encodeSource } from "./record.ts";

/** Compatible with BuildStream's, and safe to be used by several processes. */
export class SourceStore {
  readonly #cacheDirectory: string;
  readonly #cas: Cas;

  constructor(cacheDirectory: string, cas: Cas) {
    this.#cacheDirectory = cacheDirectory;
    this.#cas = cas;
  }

  /**
   * The tree of all sources of an element, staged together; undefined if it is not there, or not whole.
   * @param key hash of what the element's sources contribute to its cache key
   */
  find(key: string): Digest | undefined {
    return this.#find(`elementsources/${key}`);
  }

  /** The same, whether or not the tree is in the store. */
  peek(key: string): Digest | undefined {
    return this.#peek(`elementsources/${key}`);
  }

  put(key: string, files: Digest): void {
    this.#put(`elementsources/${key}`, files);
  }

  /** The tree of a single source of some kind; `key` is the hash of what it contributes to cache keys. */
  findSource(kind: string, key: string): Digest | undefined {
    return this.#find(`source_protos/${kind}/${key}`);
  }

  putSource(kind: string, key: string, files: Digest): void {
    this.#put(`source_protos/${kind}/${key}`, files);
  }

  #find(path: string): Digest | undefined {
    const files = this.#peek(path);
    return files !== undefined && this.#cas.hasTree(files) ? files : undefined;
  }

  #peek(path: string): Digest | undefined {
    return decodeOrNothing(readProto(`${this.#cacheDirectory}/${path}`), decodeSource);
  }

  #put(path: string, files: Digest): void {
    writeProto(`${this.#cacheDirectory}/tmp`, `${this.#cacheDirectory}/${path}`, encodeSource(files));
  }
}
