/** Blobs as files named by their digests: they appear whole and verified, or not at all. */
import fs from "node:fs";
import { dirname, join } from "node:path";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { makeFolders } from "../../base/folders.ts";
import { writeAll } from "../../base/output-file.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { type BlobPart, leavePart, longestPart, newPart, removeOldParts, removeParts } from "./blob-parts.ts";
import { pathOf } from "./layout-reader.ts";
import type { ImageReader } from "./types.ts";

const PIECE = 1 << 18;

type CheckFile = (path: string) => Promise<void>;

/** Below a folder, in `blobs/sha256`. */
export class BlobFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  path(descriptor: Pick<Descriptor, "digest">): string {
    return join(this.#folder, pathOf(descriptor));
  }

  /** A file of another size does not count. */
  has(descriptor: Pick<Descriptor, "digest" | "size">): boolean {
    return fs.statSync(this.path(descriptor), { throwIfNoEntry: false })?.size === descriptor.size;
  }

  /** Removes what programs left that ended before they could, and nobody went on with. */
  removeAbandoned(): void {
    removeOldParts(dirname(this.path({ digest: `sha256:${"0".repeat(64)}` })));
  }

  /** Writes bytes that are here. @throws BstError unless they are what the descriptor says; nothing is there then */
  async put(descriptor: Pick<Descriptor, "digest" | "size">, bytes: Buffer, place: string): Promise<void> {
    const target = this.path(descriptor);
    await placed(target, (temporary) => write(target, temporary, only(bytes), descriptor, place));
  }

  /**
   * Takes a blob over from elsewhere. Where that can begin in the middle, it goes on behind what an interrupted program got,
   * and what it got itself is left to the next one when it is interrupted.
   * @param check looks at the file before it gets its name
   * @throws BstError
   */
  async take(descriptor: Descriptor, reader: ImageReader, check?: CheckFile): Promise<void> {
    const target = this.path(descriptor);
    const part = reader.blobFrom && longestPart(target, descriptor.size);
    try {
      await this.#take(descriptor, reader, part, check);
    } catch (error) {
      if (part === undefined || !isOfContent(error)) throw error;
      // Whatever the part was of.
      removeParts(target);
      await this.#take(descriptor, reader, undefined, check);
    }
    removeParts(target);
  }

  async #take(
    descriptor: Descriptor,
    reader: ImageReader,
    part: BlobPart | undefined,
    check: CheckFile | undefined,
  ): Promise<void> {
    const target = this.path(descriptor);
    await placed(target, async (temporary) => {
      try {
        await write(target, temporary, continued(descriptor, reader, part), descriptor, reader.name);
        await check?.(temporary);
      } catch (error) {
        const length = fs.statSync(temporary, { throwIfNoEntry: false })?.size ?? 0;
        if (reader.blobFrom && isInterruption(error) && length > (part?.size ?? 0)) {
          removeParts(target);
          leavePart(target, temporary);
        }
        throw error;
      }
    });
  }
}

/** A part is copied, and not written to: somebody on another machine may not be done with it. */
async function* continued(descriptor: Descriptor, reader: ImageReader, part?: BlobPart): AsyncGenerator<Buffer> {
  if (part === undefined || reader.blobFrom === undefined) {
    yield* reader.blob(descriptor);
    return;
  }
  let from = 0;
  try {
    for await (const piece of fs.createReadStream(part.path, { highWaterMark: PIECE, end: part.size - 1 })) {
      from += piece.length;
      yield piece;
    }
  } catch (error) {
    // Another program may have been as quick.
    if (systemErrorCode(error) === undefined) throw error;
  }
  if (from < descriptor.size) yield* reader.blobFrom(descriptor, from);
}

/** @param target what messages call it */
async function write(
  target: string,
  path: string,
  source: AsyncIterable<Buffer>,
  descriptor: Pick<Descriptor, "digest" | "size">,
  place: string,
): Promise<void> {
  const file = writing(target, () => fs.openSync(path, "wx", 0o644));
  try {
    for await (const piece of verified(source, descriptor, place)) writing(target, () => writeAll(file, piece));
  } finally {
    fs.closeSync(file);
  }
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** Whether the content may be got later. */
function isInterruption(error: unknown): boolean {
  return !(error instanceof BstError) || error.temporary;
}

/** Whether it was no connection, no check and no disk that failed. */
function isOfContent(error: unknown): boolean {
  return error instanceof BstError && error.domain === "remote" && !error.temporary;
}

/**
 * Makes a file under another name first, and gives it its own when all went well.
 * @throws BstError domain element, where it cannot be written
 */
export async function placed<T>(target: string, make: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = newPart(target);
  writing(target, () => makeFolders(dirname(target)));
  try {
    const result = await make(temporary);
    writing(target, () => fs.renameSync(temporary, target));
    return result;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** What the system says against writing is the user's to know. */
export function writing<T>(target: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    // Without the call and its file, which may be another, made for a while.
    const why = String(error instanceof Error ? error.message : error).replace(/, \w+( '.*')?$/s, "");
    throw new BstError("element", `${target} cannot be written: ${why}`, {
      reason: "image-not-written",
      cause: error,
    });
  }
}
