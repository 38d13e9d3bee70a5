/**
 * The types that plugins are written against, and no others: `import type { ElementPlugin } from "bst-ts"`. They are made
 * into dist/index.d.ts, with those of the library.
 */
import type { ElementKind } from "../project/element-kind.ts";
import type { SourceKind } from "../project/source-kind.ts";
import type { pluginApi } from "./plugin-api.ts";

/** What the functions of plugins are given. */
export type PluginApi = typeof pluginApi;

/** What a plugin exports as `element`. */
export type ElementPlugin = (api: PluginApi) => ElementKind;

/** What a plugin exports as `source`. */
export type SourcePlugin = (api: PluginApi) => SourceKind;

export type { BstError, BstErrorOptions, ErrorDomain, LoadError, LoadReason } from "../base/errors.ts";
export type { KeyValue } from "../base/json.ts";
export type { JsonSchema } from "../base/schema.ts";
export type { Digest } from "../cas/digest.ts";
export type { Directory, DirectoryNode, FileNode, SymlinkNode, Timestamp, TreeNode } from "../cas/directory.ts";
export type { Cas } from "../cas/store.ts";
export type { FileAttributes, ImportOptions, ImportResult, Tree } from "../cas/tree.ts";
export type { TreeEntry } from "../cas/walk.ts";
export type { Checkout } from "../project/checkout.ts";
export type {
  BuildIo,
  Compression,
  ConfiguredDependency,
  DependencyFacts,
  DirectDependencies,
  ElementBehaviour,
  ElementFacts,
  ElementKind,
  SandboxLayout,
  SplitSelection,
  StageOptions,
} from "../project/element-kind.ts";
export type { SourceDescription } from "../project/source-info.ts";
export type {
  LocalTreeOptions,
  Ref,
  Source,
  SourceContext,
  SourceInfo,
  SourceIo,
  SourceKind,
  UrlCandidate,
} from "../project/source-kind.ts";
export type { MappingNode, Node, Plain, ScalarNode, SequenceNode, SourceFile } from "../yaml/node.ts";
export type { BuildDefaults, BuildOptions } from "./build-element.ts";
export type { Layout } from "./layout.ts";
