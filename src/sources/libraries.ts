/** Finds shared libraries on this machine as its dynamic loader does, without running anything. */
import fs from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { systemErrorCode } from "../base/errors.ts";
import { glob } from "../base/glob.ts";
import { type ElfFile, readElf } from "./elf.ts";

/** Where loaders look after all else, those of other C libraries than glibc included. */
const DEFAULT_FOLDERS = ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"];
const MOST_INCLUDES = 16;

/** A file that is loaded, with the folders that it hands down to what it loads. */
export interface Loaded {
  readonly path: string;
  readonly elf: ElfFile;
  readonly inherited: readonly string[];
}

export class Libraries {
  #folders: readonly string[] | undefined;

  /** Path of a library that `loader` needs; undefined where it is not on this machine. */
  find(name: string, loader: Loaded): string | undefined {
    if (name.includes("/")) return isAbsolute(name) && isFor(name, loader.elf.target) ? name : undefined;
    for (const folder of [...this.#own(loader), ...this.#system()]) {
      const path = join(folder, name);
      if (isFor(path, loader.elf.target)) return path;
    }
    return undefined;
  }

  /** What the libraries that a file needs inherit from it. */
  inheritedFrom({ path, elf, inherited }: Loaded): readonly string[] {
    return elf.runpath === undefined ? [...expand(elf.rpath, path), ...inherited] : inherited;
  }

  #own({ path, elf, inherited }: Loaded): readonly string[] {
    if (elf.runpath !== undefined) return expand(elf.runpath, path);
    return [...expand(elf.rpath, path), ...inherited];
  }

  #system(): readonly string[] {
    this.#folders ??= [...configured("/etc/ld.so.conf", 0), ...DEFAULT_FOLDERS];
    return this.#folders;
  }
}

/** `$ORIGIN` is the folder of the file itself. */
function expand(folders: readonly string[], path: string): string[] {
  return folders.map((folder) => folder.replaceAll(/\$(ORIGIN\b|\{ORIGIN\})/g, dirname(path)));
}

/** The loader passes over files for other machines. */
function isFor(path: string, target: string): boolean {
  try {
    return readElf(path)?.target === target;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

/** The folders that ld.so.conf names, in their order. */
function configured(path: string, depth: number): string[] {
  let content: string;
  try {
    content = fs.readFileSync(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
  return content.split("\n").flatMap((line) => {
    const [word = "", ...rest] = line
      .replace(/#.*/, "")
      .trim()
      .split(/[\s,:]+/);
    if (word !== "include") return [word, ...rest].filter((folder) => isAbsolute(folder));
    if (depth >= MOST_INCLUDES) return [];
    return rest
      .flatMap((pattern) => matching(join(dirname(path), pattern), pattern))
      .flatMap((file) => configured(file, depth + 1));
  });
}

/** Files that match a pattern in the last part of their path, by name. */
function matching(joined: string, pattern: string): string[] {
  const absolute = isAbsolute(pattern) ? pattern : joined;
  const folder = dirname(absolute);
  try {
    const files = fs.readdirSync(folder).map((name) => join(folder, name));
    return glob(files, absolute).sort();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return [];
  }
}
