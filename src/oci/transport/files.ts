/** Files that hold an image: in a folder, or in a tree of the store. */
import fs from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import type { Digest } from "../../cas/digest.ts";
import type { Cas } from "../../cas/store.ts";
import { Tree } from "../../cas/tree.ts";
import type { Maker } from "../growth.ts";
import { invalidImage } from "../json.ts";

export interface ImageFiles extends Disposable {
  readonly name: string;
  /** Who made the image, where that is known. */
  readonly maker?: Maker;
  /** Bytes; undefined where there is no such file. */
  sizeOf(path: string): number | undefined;
  /** Only of files that exist. */
  read(path: string): AsyncIterable<Buffer>;
}

const PIECE = 1 << 18;

export function folderFiles(folder: string): ImageFiles {
  return {
    name: folder,
    sizeOf(path) {
      try {
        const stat = fs.statSync(join(folder, path));
        return stat.isFile() ? stat.size : undefined;
      } catch (error) {
        if (systemErrorCode(error) === undefined) throw error;
        return undefined;
      }
    },
    async *read(path) {
      try {
        yield* fs.createReadStream(join(folder, path), { highWaterMark: PIECE });
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === undefined) throw error;
        throw invalidImage(`${join(folder, path)} cannot be read: ${code}`);
      }
    },
    [Symbol.dispose]() {},
  };
}

/** @param name how messages call the tree */
export function treeFiles(cas: Cas, digest: Digest, name: string, maker: Maker): ImageFiles {
  const tree = new Tree(cas, digest);
  const find = (path: string) => {
    const node = path.startsWith("/") ? undefined : tree.lookup(path);
    return node?.kind === "file" ? node.digest : undefined;
  };
  return {
    name,
    maker,
    sizeOf: (path) => find(path)?.size,
    read(path) {
      const found = find(path);
      if (found === undefined) throw invalidImage(`${name} has no file ${path}`);
      return cas.createReadStream(found);
    },
    [Symbol.dispose]() {},
  };
}

/** All of a file. @throws BstError domain element, where there is none or it is longer than `limit` bytes */
export async function readFile(files: ImageFiles, path: string, limit: number): Promise<Buffer> {
  const size = files.sizeOf(path);
  if (size === undefined) throw invalidImage(`${files.name} has no file ${path}`);
  if (size > limit) throw invalidImage(`${path} of ${files.name} is too large: ${size} bytes`);
  const pieces: Buffer[] = [];
  for await (const piece of files.read(path)) pieces.push(piece);
  return Buffer.concat(pieces);
}
