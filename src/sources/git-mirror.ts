/** Bare repositories in the source cache, under the names that BuildStream gives them, and what they hold. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { git } from "./git-command.ts";

const TEMPORARY = "tmp-git-";
/** What a killed process left is removed by another after this time, in milliseconds. */
const ABANDONED_AFTER = 24 * 3600 * 1000;

/** The path of a new folder beside the mirrors, which is removed afterwards if it is still there. */
export async function withTemporary<T>(parent: string, step: (path: string) => Promise<T>): Promise<T> {
  sweep(parent);
  const path = join(parent, `${TEMPORARY}${randomBytes(8).toString("hex")}`);
  fs.mkdirSync(path);
  try {
    return await step(path);
  } finally {
    fs.rmSync(path, { recursive: true, force: true });
  }
}

const swept = new Set<string>();

function sweep(parent: string): void {
  if (swept.has(parent)) return;
  swept.add(parent);
  for (const name of fs.readdirSync(parent)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(parent, name);
    const made = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (made < Date.now() - ABANDONED_AFTER) fs.rmSync(path, { recursive: true, force: true });
  }
}

/** Moves a repository that is whole to its place; if another process was faster, its one stays. */
export function moveIntoPlace(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

/** Makes an empty repository unless there is one. */
export async function ensureMirror(path: string, parent: string, signal: AbortSignal): Promise<void> {
  if (fs.existsSync(join(path, "HEAD"))) return;
  await withTemporary(parent, async (temporary) => {
    const args = ["init", "--quiet", "--bare", "--template=", "--initial-branch=master", temporary];
    await git(args, { signal, failure: `Cannot make a repository in ${parent}` });
    if (fs.existsSync(path) && !fs.statSync(path).isDirectory()) {
      throw new BstError("source", `${path} should be a folder`);
    }
    moveIntoPlace(temporary, path);
  });
}

export function isShallow(repository: string): boolean {
  return fs.existsSync(join(repository, "shallow"));
}

/** What a ref such as `refs/tags/v1` names: an object's name; undefined where there is no such ref. */
export function readRef(repository: string, ref: string): string | undefined {
  // Names go into paths.
  if (ref.split("/").some((part) => part === "" || part === "." || part === "..")) return undefined;
  return readLoose(join(repository, ref)) ?? readPacked(repository, ref);
}

function readLoose(path: string): string | undefined {
  try {
    const text = fs.readFileSync(path, "latin1").trim();
    return /^[0-9a-f]{40}$/.test(text) ? text : undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || code === "ENAMETOOLONG") return undefined;
    throw error;
  }
}

function readPacked(repository: string, ref: string): string | undefined {
  const path = join(repository, "packed-refs");
  if (!fs.existsSync(path)) return undefined;
  const text = fs.readFileSync(path, "utf8");
  const end = text.indexOf(` ${ref}\n`);
  return end < 40 ? undefined : text.slice(end - 40, end);
}

/** Whether a repository has an object, without a process: this is asked of every source. */
export function hasObject(repository: string, oid: string): boolean {
  if (fs.existsSync(join(repository, "objects", oid.slice(0, 2), oid.slice(2)))) return true;
  let names: string[];
  try {
    names = fs.readdirSync(join(repository, "objects", "pack"));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
  const wanted = Buffer.from(oid, "hex");
  return names.some((name) => name.endsWith(".idx") && indexHas(join(repository, "objects", "pack", name), wanted));
}

/** Version 2 of the format: magic, version, 256 running counts by first byte, the sorted names. */
function indexHas(path: string, wanted: Buffer): boolean {
  const file = fs.openSync(path, "r");
  try {
    const head = Buffer.alloc(8 + 256 * 4);
    if (fs.readSync(file, head, 0, head.length, 0) < head.length || head.readUInt32BE(0) !== 0xff744f63) return false;
    const first = wanted[0] ?? 0;
    const start = first === 0 ? 0 : head.readUInt32BE(8 + (first - 1) * 4);
    const count = head.readUInt32BE(8 + first * 4) - start;
    const names = Buffer.alloc(count * 20);
    if (fs.readSync(file, names, 0, names.length, head.length + start * 20) < names.length) return false;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = wanted.compare(names, middle * 20, middle * 20 + 20);
      if (order === 0) return true;
      if (order > 0) low = middle + 1;
      else high = middle;
    }
    return false;
  } finally {
    fs.closeSync(file);
  }
}
