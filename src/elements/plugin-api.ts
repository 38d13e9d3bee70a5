/** What plugins from outside of this program are given to define their kinds with: docs/plugins.md explains it. */
import { BstError } from "../base/errors.ts";
import { inTree, joinPath } from "../base/paths.ts";
import { bool, listOf, oneOf, record, text, textList, textMap } from "../base/schema.ts";
import { buildElement } from "./build-element.ts";
import { Layout } from "./layout.ts";

export const pluginApi = {
  /** JSON schemas of configurations. */
  schema: { bool, listOf, oneOf, record, text, textList, textMap },
  /** Kinds that run configure, build, install and strip commands over sources. */
  buildElement,
  /** Where dependencies with a `location` are staged. */
  Layout,
  /** What users can cause: thrown, it is shown as a message and not as a bug. */
  BstError,
  /** Paths in the sandbox and in its tree. */
  paths: { inTree, joinPath },
};
