/** Copies trees of the store to where the user wants them: a folder or a tar archive. */
import fs from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { makeFolders } from "../base/folders.ts";
import { openOutputFile, writeAll } from "../base/output-file.ts";
import type { Digest } from "../cas/digest.ts";
import { materialise } from "../cas/materialise.ts";
import type { Cas } from "../cas/store.ts";
import { type Compression, compressed } from "./compress.ts";
import { tarChunks } from "./tar.ts";

/**
 * Makes the folder to write to unless it exists, before work is put into what shall be in it.
 * @throws BstError in domain "stream" if it can't be written to, or has content and `force` is not set
 */
export function prepareDirectory(location: string, force: boolean): void {
  let isEmpty: boolean;
  try {
    makeFolders(path.resolve(location));
    isEmpty = fs.readdirSync(location).length === 0;
  } catch (error) {
    throw failure(`Cannot use the folder '${location}'`, error);
  }
  assertWritable(location);
  if (!force && !isEmpty) {
    throw new BstError("stream", `The folder '${location}' is not empty`, {
      detail: "With --force, files are added to it and replaced in it.",
    });
  }
}

/** @throws BstError in domain "stream" if the file can't be written, or exists and `force` is not set */
export function prepareFile(location: string, force: boolean): void {
  if (!fs.existsSync(location)) return;
  const existing = fs.statSync(location);
  if (existing.isDirectory()) throw new BstError("stream", `'${location}' is a folder`);
  assertWritable(location);
  // Pipes and devices are written to, and stay.
  if (!force && existing.isFile()) {
    throw new BstError("stream", `The file '${location}' exists already`, { detail: "With --force, it is replaced." });
  }
}

function assertWritable(location: string): void {
  try {
    fs.accessSync(location, fs.constants.W_OK);
  } catch (error) {
    throw failure(`'${location}' cannot be written to`, error);
  }
}

/**
 * Writes a tree to a folder, in the place of files and links that are there. Nothing is written through a link.
 * @param hardlinks whether files may be links to the cache, not to be written to; copies where that is not possible
 * @throws BstError in domain "cas"
 */
export function checkoutDirectory(cas: Cas, tree: Digest, location: string, hardlinks: boolean): void {
  materialise(cas, tree, location, { mode: hardlinks ? "hardlink" : "copy", overwrite: true });
}

export interface TarOptions {
  readonly compression: Compression | undefined;
  /** What the paths in it begin with; default `./`. */
  readonly prefix?: string;
  readonly signal: AbortSignal;
}

/**
 * Writes a tree as a tar archive, piece by piece.
 * @param write is called with pieces that it must have used up when it returns
 * @throws BstError in domain "cas" where a blob is missing; the signal's reason when aborted; what `write` throws
 */
export async function writeTar(
  cas: Cas,
  tree: Digest,
  write: (bytes: Uint8Array) => void,
  { compression, prefix, signal }: TarOptions,
): Promise<void> {
  const chunks = tarChunks(cas, tree, prefix);
  for await (const chunk of compression === undefined ? chunks : compressed(chunks, compression)) {
    write(chunk);
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** Writes the archive to a file, which appears whole or not at all. @throws BstError in domain "stream", and as {@link writeTar} */
export async function checkoutTar(cas: Cas, tree: Digest, location: string, options: TarOptions): Promise<void> {
  try {
    using output = openOutputFile(location);
    await writeTar(cas, tree, (bytes) => writeAll(output.file, bytes), options);
    output.commit();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw failure(`Cannot write the archive '${location}'`, error);
  }
}

function failure(text: string, error: unknown): BstError {
  return new BstError("stream", `${text}: ${error instanceof Error ? error.message : error}`, { cause: error });
}
