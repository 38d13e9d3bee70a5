/** Makes folders that users name. */
import fs from "node:fs";
import { dirname } from "node:path";
import { systemErrorCode } from "./errors.ts";

/**
 * Makes a folder and those above that are missing. Node.js does the same without end, and deaf to signals, where the system
 * says that there is no such folder when one shall be made in a folder that exists, as below /proc.
 * @returns the first that was made, if any. Throws what the system says.
 */
export function makeFolders(path: string): string | undefined {
  if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const parent = dirname(path);
  const first = parent === path ? undefined : makeFolders(parent);
  try {
    fs.mkdirSync(path);
  } catch (error) {
    // Somebody else may have been faster.
    if (systemErrorCode(error) !== "EEXIST" || !fs.statSync(path).isDirectory()) throw error;
    return first;
  }
  return first ?? path;
}
