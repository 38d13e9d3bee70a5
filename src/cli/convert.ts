/** Words of the command line → values of the types that the descriptions name. */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { parseRemoteSpec } from "./remotespec.ts";
import type { PathRules, ValueType } from "./spec/types.ts";

/** @throws Error with what is wrong with the word */
export function convertWord(type: ValueType, word: string): unknown {
  switch (type.kind) {
    case "integer":
      if (!/^[+-]?\d+$/.test(word)) throw new Error(`'${word}' is not a whole number`);
      return Number(word);
    case "choice":
      if (!type.choices.includes(word)) throw new Error(`'${word}' is not one of: ${type.choices.join(", ")}`);
      return word;
    case "path":
      checkPath(type.path, word);
      return word;
    case "remote":
      return parseRemoteSpec(word, type.purpose);
    default:
      return word;
  }
}

/** How the type is written in usage lines. */
export function metavarOf(type: ValueType): string {
  switch (type.kind) {
    case "choice":
      return `[${type.choices.join("|")}]`;
    case "path":
      return { file: "FILE", directory: "DIRECTORY", any: "PATH" }[type.path.type];
    default:
      return type.kind.toUpperCase();
  }
}

function checkPath({ type, mustExist, readable, writable }: PathRules, path: string): void {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    if (mustExist) throw new Error(`there is no ${type === "any" ? "file or directory" : type} '${path}'`);
    return;
  }
  if (type === "file" && stats.isDirectory()) throw new Error(`'${path}' is a directory`);
  if (type === "directory" && !stats.isDirectory()) throw new Error(`'${path}' is not a directory`);
  if (readable && !accessible(path, constants.R_OK)) throw new Error(`'${path}' cannot be read`);
  if (writable && !accessible(path, constants.W_OK)) throw new Error(`'${path}' cannot be written`);
}

function accessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
