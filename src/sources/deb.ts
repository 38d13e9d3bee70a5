/** Source kind `deb`: the files of a downloaded Debian package, from one of its folders. */
import fs from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { BstError } from "../base/errors.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceIo, SourceKind } from "../project/source-kind.ts";
import { BasedArchive, basedArchiveSchema } from "./based-archive.ts";
import { belowBase } from "./tar.ts";
import { stageTar } from "./tar-archive.ts";
import { withTemporary } from "./temporary-directory.ts";

const MAGIC = "!<arch>\n";
const HEADER_SIZE = 60;

class DebSource extends BasedArchive {
  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const what = this.failure;
    const path = this.file(io);
    const place = findData(path);
    if (place === undefined) throw new BstError("source", `${what}: it is no Debian package`);
    await withTemporary(io.mirrorDirectory, async (directory) => {
      const data = join(directory, "data.tar");
      // An empty range would be the whole file.
      if (place.size === 0) fs.writeFileSync(data, "");
      else {
        const range = { start: place.start, end: place.start + place.size - 1 };
        await pipeline(fs.createReadStream(path, range), fs.createWriteStream(data), { signal: io.signal });
      }
      await stageTar(tree, io, data, what, (archive) => belowBase(archive, this.baseDirectory));
    });
  }
}

/** Where in an `ar` archive the member `data.tar` is, which may have a compression's suffix. */
function findData(path: string): { readonly start: number; readonly size: number } | undefined {
  const file = fs.openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_SIZE);
    if (fs.readSync(file, header, 0, MAGIC.length, 0) < MAGIC.length) return undefined;
    if (header.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
    for (let start = MAGIC.length; fs.readSync(file, header, 0, HEADER_SIZE, start) === HEADER_SIZE; ) {
      const size = Number(header.toString("latin1", 48, 58).trim());
      if (header.toString("latin1", 58, 60) !== "`\n" || !Number.isSafeInteger(size) || size < 0) return undefined;
      start += HEADER_SIZE;
      if (header.toString("latin1", 0, 16).includes("data.tar")) return { start, size };
      // Members begin at even places.
      start += size + (size % 2);
    }
    return undefined;
  } finally {
    fs.closeSync(file);
  }
}

export const deb: SourceKind = {
  kind: "deb",
  isPlugin: true,
  schema: basedArchiveSchema,
  configure: (config, context) => new DebSource(config, context),
};
