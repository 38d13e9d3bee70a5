/** Gathers files of this machine with all that they need to run: loader, libraries, interpreters, and the links on the way. */
import fs from "node:fs";
import { posix } from "node:path";
import { systemErrorCode } from "../base/errors.ts";
import { globPattern } from "../base/glob.ts";
import { readElf } from "./elf.ts";
import { Libraries } from "./libraries.ts";

export type HostEntry =
  | { readonly kind: "file" }
  | { readonly kind: "directory" }
  | { readonly kind: "symlink"; readonly target: string };

/** Something that was asked for is not on this machine, or can't be read. */
export class HostError extends Error {
  override readonly name = "HostError";
}

const MOST_LINKS = 40;
/** Links that old paths go through where everything is in /usr. */
const MERGED = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/** Where every container looks for programs. */
const USUAL_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export class HostFiles {
  /** By absolute path, which has no links on its way. */
  readonly entries = new Map<string, HostEntry>();
  readonly #excludes: RegExp | undefined;
  readonly #libraries = new Libraries();

  /** @param excludes patterns of absolute paths that are left out, with all below them */
  constructor(excludes: readonly string[]) {
    if (excludes.length > 0) this.#excludes = new RegExp(`^(?:${excludes.map(globPattern).join("|")})$`, "u");
  }

  /** A program by its name, as in the shell, or by its path. */
  addProgram(program: string): void {
    const path = program.includes("/") ? program : findProgram(program);
    const real = this.addPath(path);
    if (real === undefined || program.includes("/")) return;
    // The folder that it was found in may be one that only this user's shell knows.
    if (!USUAL_FOLDERS.some((folder) => this.entries.has(`${folder}/${program}`))) {
      this.#set(`/usr/bin/${program}`, { kind: "symlink", target: real });
    }
  }

  /** A file, or a folder with all below it. @returns its path without links; undefined where it is left out */
  addPath(path: string): string | undefined {
    if (!posix.isAbsolute(path)) throw new HostError(`'${path}' is no absolute path`);
    return this.#follow(path, []);
  }

  /** The links that lead from old paths to what is there now. Call it last. */
  addMergedFolders(): void {
    for (const path of MERGED) {
      const target = linkTarget(path);
      if (target === undefined) continue;
      const real = posix.resolve("/", target);
      if ([...this.entries.keys()].some((known) => known.startsWith(`${real}/`))) {
        this.#set(path, { kind: "symlink", target });
      }
    }
  }

  /** Adds the links that a path leads through, and what is at its end. */
  #follow(path: string, inherited: readonly string[]): string | undefined {
    let current = "";
    let links = 0;
    const pending = path.split("/").reverse();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        current = posix.dirname(current || "/").replace(/^\/$/, "");
        continue;
      }
      const next = `${current}/${name}`;
      if (this.#excluded(next)) return undefined;
      const target = linkTarget(next);
      if (target === undefined) {
        current = next;
        continue;
      }
      if (++links > MOST_LINKS) throw new HostError(`'${path}' leads through too many symbolic links`);
      this.entries.set(next, { kind: "symlink", target });
      if (target.startsWith("/")) current = "";
      pending.push(...target.split("/").reverse());
    }
    this.#addReal(current, path, inherited);
    return current;
  }

  #addReal(path: string, asked: string, inherited: readonly string[]): void {
    if (this.entries.has(path)) return;
    const stat = reading(asked, () => fs.statSync(path || "/"));
    if (stat.isDirectory()) {
      this.#addBelow(path);
    } else if (stat.isFile()) {
      this.#set(path, { kind: "file" });
      this.#addNeeds(path, inherited);
    } else {
      throw new HostError(`'${asked}' is neither a file nor a folder`);
    }
  }

  #addBelow(folder: string): void {
    this.#set(folder, { kind: "directory" });
    for (const entry of reading(folder, () => fs.readdirSync(folder || "/", { withFileTypes: true }))) {
      const path = `${folder}/${entry.name}`;
      if (this.#excluded(path)) continue;
      if (entry.isDirectory()) this.#addBelow(path);
      else if (entry.isSymbolicLink()) this.#set(path, { kind: "symlink", target: fs.readlinkSync(path) });
      else if (entry.isFile()) this.#addReal(path, path, []);
    }
  }

  /** The closure over libraries and interpreters. */
  #addNeeds(path: string, inherited: readonly string[]): void {
    const elf = reading(path, () => readElf(path));
    if (elf === undefined) {
      const interpreter = scriptInterpreter(path);
      if (interpreter !== undefined) this.#follow(interpreter, []);
      return;
    }
    if (elf.interpreter !== undefined) this.#follow(elf.interpreter, []);
    const loaded = { path, elf, inherited };
    for (const name of elf.needed) {
      const library = this.#libraries.find(name, loaded);
      if (library === undefined)
        throw new HostError(`The library ${name}, which ${path} needs, is not on this machine`);
      this.#follow(library, this.#libraries.inheritedFrom(loaded));
    }
  }

  #excluded(path: string): boolean {
    return this.#excludes?.test(path) ?? false;
  }

  #set(path: string, entry: HostEntry): void {
    if (path !== "" && !this.#excluded(path)) this.entries.set(path, entry);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return fs.readlinkSync(path);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function findProgram(name: string): string {
  const { PATH = "" } = process.env;
  for (const folder of [...PATH.split(":"), ...USUAL_FOLDERS]) {
    if (!folder.startsWith("/")) continue;
    const path = posix.join(folder, name);
    try {
      if (!fs.statSync(path).isFile()) continue;
      fs.accessSync(path, fs.constants.X_OK);
      // Whether a shell says /bin or /usr/bin makes no difference where one is a link to the other.
      return posix.join(fs.realpathSync(folder), name);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  throw new HostError(`The program '${name}' is not on this machine`);
}

/** The path after `#!`, of files that are executable. */
function scriptInterpreter(path: string): string | undefined {
  const start = Buffer.alloc(256);
  const file = reading(path, () => fs.openSync(path, "r"));
  try {
    if ((fs.fstatSync(file).mode & 0o111) === 0) return undefined;
    const count = fs.readSync(file, start);
    const [, interpreter] = /^#![ \t]*(\/\S+)/.exec(start.toString("latin1", 0, count)) ?? [];
    return interpreter;
  } finally {
    fs.closeSync(file);
  }
}

function reading<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    throw new HostError(code === "ENOENT" ? `'${path}' is not on this machine` : `'${path}' can't be read: ${code}`);
  }
}
