/** Writes a tree into a folder of a sandbox that runs: whatever its processes do meanwhile, nothing is written elsewhere. */
import fs from "node:fs";
import { BstError, systemErrorCode } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { FileNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";

/**
 * What has a file's name gives way to it.
 * @param folder open; paths by way of it end where a symlink is put into their last name
 * @throws BstError in domain "sandbox", where it can't be written
 */
export async function deliver(cas: Cas, tree: Digest, folder: number, signal: AbortSignal): Promise<void> {
  try {
    await write(cas, tree, folder, signal);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    const why = error instanceof Error ? error.message.replace(/ '\/proc\/self\/fd\/\d+\/(.*)'$/, " '$1'") : "";
    throw new BstError("sandbox", `The result can't be written into the current folder: ${why}`);
  }
}

async function write(cas: Cas, tree: Digest, folder: number, signal: AbortSignal): Promise<void> {
  const { files, directories } = cas.readDirectory(tree);
  const inFolder = (name: string): string => `/proc/self/fd/${folder}/${name}`;
  for (const file of files) await writeFile(cas, file, inFolder(file.name), signal);
  for (const { name, digest } of directories) {
    const path = inFolder(name);
    const isNew = fs.lstatSync(path, { throwIfNoEntry: false }) === undefined;
    if (isNew) fs.mkdirSync(path, 0o755);
    const child = fs.openSync(path, fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
    try {
      // Whatever the umask.
      if (isNew) fs.fchmodSync(child, 0o755);
      await write(cas, digest, child, signal);
    } finally {
      fs.closeSync(child);
    }
  }
}

async function writeFile(cas: Cas, { digest, executable }: FileNode, path: string, signal: AbortSignal): Promise<void> {
  fs.rmSync(path, { force: true });
  const file = await fs.promises.open(path, "wx", 0o644);
  try {
    for await (const piece of cas.createReadStream(digest)) {
      signal.throwIfAborted();
      await file.writeFile(piece);
    }
    await file.chmod(executable ? 0o755 : 0o644);
  } finally {
    await file.close();
  }
}
