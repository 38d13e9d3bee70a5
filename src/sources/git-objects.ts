/** Reads objects of a repository through one long-lived git: their bytes, and what trees, commits and tags say. */
import { BstError } from "../base/errors.ts";
import { startGit } from "./git-command.ts";
import type { RunningProgram } from "./run-program.ts";

export type ObjectType = "blob" | "tree" | "commit" | "tag";

export interface GitObject {
  readonly oid: string;
  readonly type: ObjectType;
  /** Valid until the next one is read. */
  readonly bytes: Buffer;
}

export interface TreeEntry {
  readonly mode: number;
  readonly name: Buffer;
  readonly oid: string;
}

/** Kinds of entries of trees, by the upper bits of their mode. */
export const FILE_TYPE = 0o170000;
export const DIRECTORY = 0o040000;
export const SYMLINK = 0o120000;
export const GITLINK = 0o160000;

const NEWLINE = 0x0a;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** Lists that are longer are read by a git of their own, which need not answer before it has read on. */
const MANY = 300;

export class ObjectReader implements Disposable {
  readonly #repository: string;
  readonly #signal: AbortSignal;
  readonly #batch: Batch;

  /** @param repository path of a bare repository, or of a folder `.git` */
  constructor(repository: string, signal: AbortSignal) {
    this.#repository = repository;
    this.#signal = signal;
    this.#batch = new Batch(startGit(["cat-file", "--batch"], { repository, signal }));
  }

  /** Passes objects on in the order asked for, by what git knows them by; one that is not there is undefined. */
  async each(oids: readonly string[], visit: (oid: string, object: GitObject | undefined) => void): Promise<void> {
    if (oids.length <= MANY) {
      await this.#batch.each(oids, visit);
      return;
    }
    const [repository, signal] = [this.#repository, this.#signal];
    using batch = new Batch(startGit(["cat-file", "--batch", "--buffer"], { repository, signal }), true);
    await batch.each(oids, visit);
  }

  /** @throws BstError domain source, where it is not there */
  async read(oid: string): Promise<GitObject> {
    const found: GitObject[] = [];
    await this.each([oid], (_, object) => {
      if (object !== undefined) found.push(object);
    });
    if (found[0] === undefined) throw missing(oid);
    return found[0];
  }

  [Symbol.dispose](): void {
    this.#batch[Symbol.dispose]();
  }
}

/** A `git cat-file --batch`. */
class Batch implements Disposable {
  readonly #program: RunningProgram;
  readonly #isOnce: boolean;
  readonly #chunks: AsyncIterator<Buffer>;
  #bytes = NO_BYTES;

  /** @param isOnce whether it is asked once only */
  constructor(program: RunningProgram, isOnce = false) {
    this.#program = program;
    this.#isOnce = isOnce;
    this.#chunks = program.stdout[Symbol.asyncIterator]();
  }

  async each(oids: readonly string[], visit: (oid: string, object: GitObject | undefined) => void): Promise<void> {
    if (oids.length === 0) return;
    this.#program.stdin.write(`${oids.join("\n")}\n`);
    if (this.#isOnce) this.#program.stdin.end();
    for (const oid of oids) {
      let end = this.#bytes.indexOf(NEWLINE);
      while (end < 0) {
        await this.#atLeast(this.#bytes.length + 1);
        end = this.#bytes.indexOf(NEWLINE);
      }
      const [name = "", type, size] = this.#bytes.toString("utf8", 0, end).split(" ");
      if (size === undefined) {
        this.#bytes = this.#bytes.subarray(end + 1);
        visit(oid, undefined);
        continue;
      }
      const start = end + 1;
      const length = Number(size);
      if (this.#bytes.length < start + length + 1) await this.#atLeast(start + length + 1);
      const bytes = this.#bytes.subarray(start, start + length);
      this.#bytes = this.#bytes.subarray(start + length + 1);
      visit(oid, { oid: name, type: type as ObjectType, bytes });
    }
  }

  [Symbol.dispose](): void {
    this.#program.kill();
  }

  async #atLeast(size: number): Promise<void> {
    const pieces = [this.#bytes];
    let count = this.#bytes.length;
    while (count < size) {
      const { done, value } = await this.#chunks.next();
      if (done === true) {
        const { stderr } = await this.#program.ended;
        throw new BstError("source", "git ended while objects were read", { detail: stderr.trim() });
      }
      pieces.push(value);
      count += value.length;
    }
    this.#bytes =
      pieces.length === 2 && pieces[0]?.length === 0 ? (pieces[1] ?? NO_BYTES) : Buffer.concat(pieces, count);
  }
}

export function missing(oid: string): BstError {
  return new BstError("source", `The object ${oid} is missing in the repository`);
}

export function parseTree(bytes: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  for (let position = 0; position < bytes.length; ) {
    const space = bytes.indexOf(0x20, position);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0 || end + 20 >= bytes.length + 1) throw new BstError("source", "A tree is damaged");
    entries.push({
      mode: Number.parseInt(bytes.toString("latin1", position, space), 8),
      // The reader's memory is used again.
      name: Buffer.from(bytes.subarray(space + 1, end)),
      oid: bytes.toString("hex", end + 1, end + 21),
    });
    position = end + 21;
  }
  return entries;
}

export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
}

export function parseCommit(bytes: Buffer): Commit {
  const header = bytes.toString("latin1", 0, Math.max(0, bytes.indexOf("\n\n"))) || bytes.toString("latin1");
  const tree = /^tree ([0-9a-f]{40})$/m.exec(header)?.[1];
  if (tree === undefined) throw new BstError("source", "A commit is damaged");
  return { tree, parents: [...header.matchAll(/^parent ([0-9a-f]{40})$/gm)].map(([, oid = ""]) => oid) };
}

/** What an annotated tag names. */
export function tagTarget(bytes: Buffer): string {
  const target = /^object ([0-9a-f]{40})$/m.exec(bytes.toString("latin1"))?.[1];
  if (target === undefined) throw new BstError("source", "A tag is damaged");
  return target;
}
