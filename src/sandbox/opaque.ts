/** Finds the directories of an overlay that a build removed and made anew: what was below them does not show any more. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { buffer } from "node:stream/consumers";
import { BstError } from "../base/errors.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { readable } from "./capture.ts";
import { TOOL_PATH } from "./host.ts";

/** Prints those of the paths it reads, in the root, that are not there. */
export const PRINT_MISSING = `cd root && exec xargs -0 sh -c 'for path; do
  [ -e "$path" ] || [ -L "$path" ] || printf "%s\\0" "$path"
done' sh`;

/**
 * For each directory that is in an overlay's upper and in its lower folder, the path of something that only the lower one
 * has. Whether it shows is the kernel's to say, which keeps that in attributes that this program can't read.
 */
export function lowerOnly(cas: Cas, upper: string, lower: Digest): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (relative: string, digest: Digest): void => {
    const directory = cas.readDirectory(digest);
    const path = `${upper}/${relative}`;
    const entries = readable(path, 0o700, () => fs.readdirSync(path, { withFileTypes: true }));
    const present = new Set(entries.map(({ name }) => name));
    const nodes = [...directory.files, ...directory.directories, ...directory.symlinks];
    const hidden = nodes.find(({ name }) => !present.has(name));
    // The root itself can't be made anew.
    if (relative !== "" && hidden !== undefined) found.set(relative, `${relative}/${hidden.name}`);
    const below = new Map(directory.directories.map((node) => [node.name, node.digest]));
    for (const entry of entries) {
      const digest = entry.isDirectory() ? below.get(entry.name) : undefined;
      if (digest !== undefined) visit(relative === "" ? entry.name : `${relative}/${entry.name}`, digest);
    }
  };
  visit("", lower);
  return found;
}

/** Runs a command that ends with {@link PRINT_MISSING} in the overlay; returns the directories. */
export async function opaqueDirectories(
  candidates: ReadonlyMap<string, string>,
  [program = "", ...args]: readonly string[],
  cwd: string,
): Promise<ReadonlySet<string>> {
  if (candidates.size === 0) return new Set();
  const child = spawn(program, args, { cwd, env: { PATH: TOOL_PATH }, stdio: ["pipe", "pipe", "inherit"] });
  const code = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  child.stdin.end([...candidates.values()].map((path) => `./${path}\0`).join(""));
  const printed = await buffer(child.stdout);
  if ((await code) !== 0) throw new BstError("sandbox", "The overlay of a sandbox could not be mounted again");
  const missing = new Set(printed.toString().split("\0"));
  return new Set([...candidates].flatMap(([directory, path]) => (missing.has(`./${path}`) ? [directory] : [])));
}
