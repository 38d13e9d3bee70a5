/** What plugins from outside of this program are given to define their kinds with: docs/plugins.md explains it. */
import { BstError } from "../base/errors.ts";
import { inTree, joinPath } from "../base/paths.ts";
import { bool, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import { buildElement } from "./build-element.ts";
import { Layout } from "./layout.ts";

/** Whatever is in here, and in the types that it refers to, is public: plugin-types.ts lists them. */
export const pluginApi = {
  /** JSON schemas of configurations, in which every value is text, as in YAML. */
  schema: {
    /** The spellings of a boolean: `True`, `true`, `1`, `False`, `false`, `0`. */
    bool,
    listOf,
    oneOf,
    record,
    /** Any text. */
    text,
    /** A list of any texts. */
    textList,
    /** A dictionary of any keys and texts. */
    textMap,
  },
  /** Kinds that run configure, build, install and strip commands over sources. */
  buildElement,
  /** Where dependencies with a `location` are staged. */
  Layout,
  /** What users can cause: thrown, it is shown as a message and not as a bug. */
  BstError,
  /** Paths in the sandbox and in its tree. */
  paths: { inTree, joinPath },
};
