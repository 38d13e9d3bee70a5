/** Parts of blobs that lie beside the blobs: those on their way, and those of programs that ended before they could. */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { isRunning, OWN_MARK } from "../../base/process-mark.ts";

/** What is kept to go on with it later belongs to no process. */
const NOBODY = "0-0";
const PART = /^(?<blob>.+)\.tmp(?<owner>[0-9]+-[0-9]+)-[0-9a-f]{12}$/;
/** Who does not come back within this time does not go on. */
const KEPT_MS = 24 * 3_600_000;

export interface BlobPart {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

interface FoundPart extends BlobPart {
  readonly blob: string;
  readonly modifiedMs: number;
}

/** Where to write to until a file is whole; nobody else does. */
export function newPart(target: string): string {
  return `${target}.tmp${OWN_MARK}-${randomBytes(6).toString("hex")}`;
}

/** Leaves a part to whoever asks for it next. */
export function leavePart(target: string, part: string): void {
  fs.renameSync(part, part.replace(`${target}.tmp${OWN_MARK}`, `${target}.tmp${NOBODY}`));
}

/** The longest part that nobody writes any more, of at most so many bytes. */
export function longestPart(target: string, size: number): BlobPart | undefined {
  const parts = abandonedIn(dirname(target)).filter((part) => part.blob === basename(target));
  return parts.filter((part) => part.size > 0 && part.size <= size).sort((a, b) => b.size - a.size)[0];
}

/** Of a blob that is whole now, or whose parts are of no use. */
export function removeParts(target: string): void {
  for (const part of abandonedIn(dirname(target))) if (part.blob === basename(target)) remove(part);
}

/** Of all blobs in a folder, those that nobody came back for. */
export function removeOldParts(folder: string): void {
  for (const part of abandonedIn(folder)) if (Date.now() - part.modifiedMs > KEPT_MS) remove(part);
}

function remove({ path }: BlobPart): void {
  fs.rmSync(path, { force: true });
}

function abandonedIn(folder: string): FoundPart[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).flatMap((name) => {
    const { blob, owner } = PART.exec(name)?.groups ?? {};
    if (blob === undefined || owner === undefined || isRunning(owner)) return [];
    const path = join(folder, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ path, blob, size: stat.size, modifiedMs: stat.mtimeMs }] : [];
  });
}
