/** Plugins that are written for this program: one file of TypeScript or JavaScript for each kind. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { compileFunction } from "node:vm";
import { BstError } from "../base/errors.ts";
import type { ElementKind } from "./element-kind.ts";
import type { SourceKind } from "./source-kind.ts";

/** What a plugin file says: a kind of elements, a kind of sources, or, where both have the same name, both. */
export interface PluginModule {
  readonly element?: ElementKind;
  readonly source?: SourceKind;
}

const EXTENSIONS = [".ts", ".mts", ".js", ".mjs"];

/** Absolute path of the plugin of a kind in a folder, if there is one. */
export function pluginFile(directory: string, kind: string): string | undefined {
  return EXTENSIONS.map((extension) => join(directory, `${kind}${extension}`)).find((path) => existsSync(path));
}

/** Thrown where loading cannot go on before a plugin is; the caller loads it, which takes a promise, and retries. */
export class PluginNotLoaded extends Error {
  /** Absolute path. */
  readonly path: string;
  readonly kind: string;

  constructor(path: string, kind: string) {
    super(`the plugin ${path} is not loaded`);
    this.path = path;
    this.kind = kind;
  }
}

/**
 * Executes the file of a plugin.
 * @param api what its functions are given
 * @throws BstError domain plugin, reason invalid-plugin
 */
export async function loadPlugin({ path, kind }: PluginNotLoaded, api: unknown): Promise<PluginModule> {
  const invalid = (problem: string, cause?: unknown) =>
    new BstError("plugin", `The plugin ${path} ${problem}`, { reason: "invalid-plugin", cause });
  const call = <T extends { readonly kind: string }>(define: unknown, name: string): T => {
    if (typeof define !== "function") throw invalid(`exports '${name}', which is not a function`);
    const defined: unknown = define(api);
    if (!isKind<T>(defined)) throw invalid(`returns from '${name}' what is no kind: see docs/plugins.md`);
    if (defined.kind !== kind) throw invalid(`defines the kind '${defined.kind}' under the name of '${kind}'`);
    return defined;
  };
  try {
    const { element, source } = await execute(path);
    if (element === undefined && source === undefined) throw invalid("exports neither 'element' nor 'source'");
    return {
      ...(element !== undefined && { element: call<ElementKind>(element, "element") }),
      ...(source !== undefined && { source: call<SourceKind>(source, "source") }),
    };
  } catch (error) {
    if (error instanceof BstError) throw error;
    throw invalid(`cannot be loaded: ${error instanceof Error ? error.message : error}`, error);
  }
}

function isKind<T>(value: unknown): value is T {
  if (typeof value !== "object" || value === null) return false;
  const { kind, schema, configure } = value as Record<string, unknown>;
  return typeof kind === "string" && typeof schema === "object" && schema !== null && typeof configure === "function";
}

/** A module is one file: it can import what Node.js has. */
async function execute(path: string): Promise<Record<string, unknown>> {
  const { transform } = await import("sucrase");
  const { code } = transform(readFileSync(path, "utf8"), {
    transforms: ["typescript", "imports"],
    disableESTransforms: true,
    filePath: path,
  });
  const exported = {};
  compileFunction(code, ["exports", "require"], { filename: path })(exported, createRequire(path));
  return exported;
}
