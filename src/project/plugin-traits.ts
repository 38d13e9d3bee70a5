/** What a Python plugin says of itself in class attributes: it belongs to keys, and differs between versions of the plugin. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ElementKind } from "./element-kind.ts";

export type PluginTraits = Required<
  Pick<ElementKind, "artifactVersion" | "strictRebuild" | "runsCommands" | "forbids">
>;

/** What plugins have that say nothing, by what they are derived from. */
const BASES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Element: {},
  BuildElement: {},
  ScriptElement: { BST_STRICT_REBUILD: "True", BST_FORBID_RDEPENDS: "True", BST_FORBID_SOURCES: "True" },
};

const CLASS = /^class \w+\((\w+)\):/gm;
const ATTRIBUTE = /^ {4}(BST_[A-Z_]+)\s*=\s*(\w+)/gm;

/** Reads the plugin as text: it is never executed. Undefined where that does not tell. */
export function pluginTraits(directory: string, kind: string): PluginTraits | undefined {
  let text: string;
  try {
    text = readFileSync(join(directory, `${kind}.py`), "utf8");
  } catch {
    return undefined;
  }
  const [base, ...others] = [...text.matchAll(CLASS)].map(([, name = ""]) => BASES[name]).filter((one) => one);
  if (base === undefined || others.length > 0) return undefined;
  const own = Object.fromEntries([...text.matchAll(ATTRIBUTE)].map(([, name = "", value = ""]) => [name, value]));
  const attributes = { ...base, ...own };
  const has = (name: string) => attributes[name] === "True";
  return {
    artifactVersion: Number(attributes["BST_ARTIFACT_VERSION"] ?? 0),
    strictRebuild: has("BST_STRICT_REBUILD"),
    runsCommands: attributes["BST_RUN_COMMANDS"] !== "False",
    forbids: (["sources", "build-depends", "runtime-depends"] as const).filter((what) => has(FORBIDDEN[what])),
  };
}

const FORBIDDEN = {
  sources: "BST_FORBID_SOURCES",
  "build-depends": "BST_FORBID_BDEPENDS",
  "runtime-depends": "BST_FORBID_RDEPENDS",
} as const;
