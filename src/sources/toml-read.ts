/** Reads TOML files of a tree. */
import { BstError } from "../base/errors.ts";
import type { Tree } from "../cas/tree.ts";
import type { TomlTable } from "./toml-emit.ts";
import { readText } from "./tree-text.ts";

/**
 * Integers become bigint. Undefined where there is no such file.
 * @throws BstError domain source, where the file is no TOML
 */
export async function readToml(tree: Tree, path: string, what: string): Promise<TomlTable | undefined> {
  const text = readText(tree, path);
  if (text === undefined) return undefined;
  // Few commands need it.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text, { integersAsBigInt: true }) as TomlTable;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new BstError("source", `${what}: ${path} is not valid`, { detail: error.message, cause: error });
  }
}
