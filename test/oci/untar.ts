/** Applies layers to a folder in memory, by the letter of the image specification and with a reader that is not ours. */
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { decompress } from "fzstd";
import { extract, type Header } from "tar-stream";
import type { Digest } from "../../src/cas/digest.ts";
import type { Cas } from "../../src/cas/store.ts";

/** From a path to a line that says what is there. */
export type Files = Map<string, string>;

export interface ArchiveEntry {
  readonly header: Header;
  readonly content: string;
}

export async function readArchive(cas: Cas, layer: Digest): Promise<ArchiveEntry[]> {
  const bytes = cas.read(layer);
  const archive = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes[0] === 0x28 ? unzstd(bytes) : bytes;
  const entries: ArchiveEntry[] = [];
  for await (const entry of Readable.from([archive]).pipe(extract())) {
    const pieces: Buffer[] = [];
    for await (const piece of entry) pieces.push(piece as Buffer);
    entries.push({ header: entry.header, content: Buffer.concat(pieces).toString("latin1") });
  }
  return entries;
}

/** Only the first frame is read at a time. */
function unzstd(bytes: Buffer): Buffer {
  return Buffer.from(decompress(bytes));
}

export async function applyLayer(cas: Cas, below: Files, layer: Digest): Promise<Files> {
  const files = new Map(below);
  const remove = (path: string) => {
    for (const known of [...files.keys()]) if (known === path || known.startsWith(`${path}/`)) files.delete(known);
  };
  const entries = await readArchive(cas, layer);
  for (const { header } of entries) {
    const [, folder = "", name] = /^(.*\/)?\.wh\.([^/]+)$/.exec(header.name) ?? [];
    if (name === ".wh..opq") for (const path of [...files.keys()]) if (path.startsWith(folder)) files.delete(path);
    if (name !== undefined) remove(folder + name);
  }
  for (const { header, content } of entries) {
    const path = header.name.replace(/\/$/, "");
    if (path.split("/").at(-1)?.startsWith(".wh.")) continue;
    const folder = path.split("/").slice(0, -1).join("/");
    if (folder !== "" && files.get(folder) !== "directory") throw new Error(`${path} comes before its folder`);
    if (header.type === "directory") {
      if (files.get(path) !== "directory") remove(path);
      files.set(path, "directory");
    } else {
      remove(path);
      const executable = ((header.mode ?? 0) & 0o111) !== 0;
      files.set(path, header.type === "symlink" ? `-> ${header.linkname}` : `${executable ? "*" : ""}${content}`);
    }
  }
  return files;
}

/** A tree in the same form. */
export function filesOf(cas: Cas, root: Digest, prefix = "", files: Files = new Map()): Files {
  const directory = cas.readDirectory(root);
  for (const { name, digest, executable } of directory.files) {
    files.set(prefix + name, `${executable ? "*" : ""}${cas.read(digest).toString("latin1")}`);
  }
  for (const { name, target } of directory.symlinks) files.set(prefix + name, `-> ${target}`);
  for (const { name, digest } of directory.directories) {
    files.set(prefix + name, "directory");
    filesOf(cas, digest, `${prefix}${name}/`, files);
  }
  return files;
}
