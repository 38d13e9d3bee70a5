/** Workspaces of kinds that change what the sources before them have written. */
import fs from "node:fs";
import { join } from "node:path";
import { diffTrees } from "../cas/diff.ts";
import { importLocal } from "../cas/import.ts";
import { Tree } from "../cas/tree.ts";
import type { Source, SourceIo } from "../project/source-kind.ts";

/** Stages onto what is in a folder, of which only files that differ then are written. */
export async function stageInPlace(source: Pick<Source, "stage">, directory: string, io: SourceIo): Promise<void> {
  const before = importLocal(io.cas, directory);
  const tree = new Tree(io.cas, before);
  await source.stage(tree, io);
  for (const change of diffTrees(io.cas, before, tree.digest())) {
    const path = join(directory, change.path);
    if (change.kind !== "added") fs.rmSync(path, { recursive: true, force: true });
    if (change.kind === "removed") continue;
    const { after } = change;
    if (after.kind === "directory") fs.mkdirSync(path);
    else if (after.kind === "symlink") fs.symlinkSync(after.target, path);
    else {
      fs.writeFileSync(path, io.cas.read(after.digest));
      // Whatever the umask.
      fs.chmodSync(path, after.executable ? 0o755 : 0o644);
    }
  }
}
