/** Folders for what a source kind does with programs that know nothing of trees. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A new folder below `parent`, removed afterwards. */
export async function withTemporary<T>(parent: string, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(parent, "tmp"));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
