/** Blobs as files named by their digests: they appear whole and verified, or not at all. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { writeAll } from "../../base/output-file.ts";
import { type Descriptor, verified } from "../descriptor.ts";
import { pathOf } from "./layout-reader.ts";

/** What {@link placed} makes. */
const TEMPORARY = /\.tmp[0-9a-f]{12}$/;
/** Whoever writes a file, writes to it more often. */
const ABANDONED_MS = 10 * 60_000;

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

  /** Removes what programs left that ended before they could. */
  removeAbandoned(): void {
    const folder = dirname(this.path({ digest: `sha256:${"0".repeat(64)}` }));
    if (!fs.existsSync(folder)) return;
    for (const name of fs.readdirSync(folder)) {
      const path = join(folder, name);
      const age = () => Date.now() - (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (TEMPORARY.test(name) && age() > ABANDONED_MS) fs.rmSync(path, { force: true });
    }
  }

  /**
   * @param source its bytes, which are verified
   * @param place where they come from, for messages
   * @param check looks at the file before it gets its name
   * @throws BstError; nothing is there then
   */
  async put(
    descriptor: Pick<Descriptor, "digest" | "size">,
    source: AsyncIterable<Buffer>,
    place: string,
    check?: (path: string) => Promise<void>,
  ): Promise<void> {
    const target = this.path(descriptor);
    await placed(target, async (temporary) => {
      const file = fs.openSync(temporary, "wx", 0o644);
      try {
        for await (const piece of verified(source, descriptor, place)) writing(target, () => writeAll(file, piece));
      } finally {
        fs.closeSync(file);
      }
      await check?.(temporary);
    });
  }
}

/**
 * Makes a file under another name first, and gives it its own when all went well.
 * @throws BstError domain element, where it cannot be written
 */
export async function placed<T>(target: string, make: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${target}.tmp${randomBytes(6).toString("hex")}`;
  writing(target, () => fs.mkdirSync(dirname(target), { recursive: true }));
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
    throw new BstError("element", `${target} cannot be written: ${error instanceof Error ? error.message : error}`, {
      reason: "image-not-written",
      cause: error,
    });
  }
}
