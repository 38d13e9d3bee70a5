/** The artifact cache: records of artifacts by name, whose files are in the content-addressed store. */
import fs from "node:fs";
import path from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { globPattern } from "../base/glob.ts";
import type { Cas } from "../cas/store.ts";
import { decodeOrNothing, readProto, writeProto } from "./protos.ts";
import { type ArtifactRecord, decodeArtifact, encodeArtifact } from "./record.ts";
import { type ArtifactName, formatRef, parseRef } from "./refs.ts";

/** Compatible with BuildStream's, and safe to be used by several processes. */
export class ArtifactStore {
  readonly #refs: string;
  readonly #temporaryDirectory: string;
  readonly #cas: Cas;

  constructor(cacheDirectory: string, cas: Cas) {
    this.#refs = `${cacheDirectory}/artifacts/refs`;
    this.#temporaryDirectory = `${cacheDirectory}/tmp`;
    this.#cas = cas;
  }

  /** The artifact with its files, metadata and logs in the store; undefined if anything of it is missing. */
  find(name: ArtifactName): ArtifactRecord | undefined {
    const file = this.#path(formatRef(name));
    const record = decodeOrNothing(readProto(file), decodeArtifact);
    if (record === undefined) return undefined;
    touch(file);
    return this.#isComplete(record) ? record : undefined;
  }

  /** The record alone, whether or not what it names is in the store. */
  peek(name: ArtifactName): ArtifactRecord | undefined {
    return decodeOrNothing(readProto(this.#path(formatRef(name))), decodeArtifact);
  }

  /** Makes an artifact known under its strong and its weak key. Throws BstError in domain "cas" if it can't. */
  put({ project, normalName }: Omit<ArtifactName, "key">, record: ArtifactRecord): void {
    const bytes = encodeArtifact(record);
    for (const key of new Set([record.strongKey, record.weakKey])) {
      writeProto(this.#temporaryDirectory, this.#path(formatRef({ project, normalName, key })), bytes);
    }
  }

  /**
   * Names of artifacts, whole or not, that a pattern matches; those that were not used for the longest time first.
   * @param pattern a glob, in which `*` stays within a path component and `**` does not
   */
  list(pattern: string): string[] {
    const matcher = new RegExp(`^${globPattern(pattern)}$`, "u");
    const folder = pattern.slice(0, Math.max(0, pattern.lastIndexOf("/")));
    const found: { readonly ref: string; readonly used: bigint }[] = [];
    for (const ref of walk(this.#refs, /[*?[]/.test(folder) ? "" : folder)) {
      if (!matcher.test(ref)) continue;
      const used = fs.statSync(this.#path(ref), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
      if (used !== undefined) found.push({ ref, used });
    }
    found.sort((a, b) => (a.used === b.used ? (a.ref < b.ref ? -1 : 1) : a.used < b.used ? -1 : 1));
    return found.map(({ ref }) => ref);
  }

  /** Removes a name and the folders that are empty then. Throws BstError in domain "artifact" if there is no such name. */
  remove(ref: string): void {
    try {
      fs.unlinkSync(this.#path(ref));
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") {
        throw new BstError("artifact", `Could not find ref '${ref}'`, { cause: error });
      }
      if (systemErrorCode(error) === undefined) throw error;
      throw new BstError("artifact", `Cannot remove '${ref}': ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    for (let folder = path.dirname(ref); folder !== "."; folder = path.dirname(folder)) {
      try {
        fs.rmdirSync(this.#path(folder));
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === "ENOTEMPTY" || code === "EEXIST") break;
        if (code !== "ENOENT") throw error;
      }
    }
  }

  #path(ref: string): string {
    return `${this.#refs}/${ref}`;
  }

  #isComplete({ files, publicData, lowDiversityMeta, highDiversityMeta, logs }: ArtifactRecord): boolean {
    const blobs = [publicData, lowDiversityMeta, highDiversityMeta, ...logs.map(({ digest }) => digest)];
    return this.#cas.hasAll(blobs) && (files === undefined || this.#cas.hasTree(files));
  }
}

/** Marks an artifact as used, for whatever expires the oldest; a cache that is only to be read stays as it is. */
function touch(file: string): void {
  const now = Date.now() / 1000;
  try {
    fs.utimesSync(file, now, now);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOENT" && code !== "EPERM" && code !== "EACCES" && code !== "EROFS") throw error;
  }
}

/** Names of artifacts at and below a folder of `root`; other files, which a killed process may leave, don't count. */
function* walk(root: string, folder: string): Generator<string> {
  const prefix = folder === "" ? "" : `${folder}/`;
  for (const entry of entriesOf(`${root}/${folder}`)) {
    const ref = prefix + entry.name;
    if (entry.isDirectory()) yield* walk(root, ref);
    else if (parseRef(ref) !== undefined) yield ref;
  }
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}
