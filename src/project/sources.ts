/** The sources of an element: read from its file, with refs from where the project keeps them. */
import { join } from "node:path";
import { BstError, LoadError } from "../base/errors.ts";
import type { Messenger } from "../base/messages.ts";
import { assertFullyComposed, compose } from "../yaml/compose.ts";
import { MappingNode, mappingFrom } from "../yaml/node.ts";
import type { Element } from "./element.ts";
import { sourceKind } from "./kinds.ts";
import type { LoadElement } from "./load-element.ts";
import { aliasOf } from "./mirrors.ts";
import { toldInfo } from "./no-info.ts";
import { projectPath } from "./paths.ts";
import { pluginText, says } from "./plugin-text.ts";
import type { Project } from "./project.ts";
import type { Source, SourceContext, SourceInfo, SourceKind } from "./source-kind.ts";
import { validate } from "./validate.ts";

export interface ElementSource {
  readonly source: Source;
  readonly definition: SourceKind;
  /** What the version of the plugin that the project has says of the source. */
  readonly told: () => readonly SourceInfo[];
  readonly index: number;
  /** Where below the element's sources it is staged. */
  readonly directory: string | undefined;
  /** The node that declares it, as in the file: where a new ref is written. */
  readonly node: MappingNode;
  /** Facts about the source that the user gives, by the project's attributes. */
  readonly attributes: MappingNode | undefined;
  /** The inline ref that project.refs makes useless, if there is one. */
  readonly redundantRef: boolean;
}

const CUSTOM_PROVENANCE = /BST_CUSTOM_SOURCE_PROVENANCE\s*=\s*True/;
const COMMON_KEYS = ["kind", "directory", "provenance"];

export function loadSources(element: Element, loaded: LoadElement): ElementSource[] {
  const { workspace, project } = element;
  if (workspace !== undefined) {
    const config = mappingFrom({ path: workspace.path, last_build: workspace.lastBuild ?? "" });
    const definition = sourceKind(project, "workspace", loaded.node);
    const source = definition.configure(
      config,
      sourceContext(element, loaded, config, { index: 0, kind: definition.kind }),
    );
    const told = () => source.info();
    const common = { directory: undefined, node: config, attributes: undefined, redundantRef: false };
    return [{ source, definition, told, index: 0, ...common }];
  }
  const nodes = loaded.node.sequence("sources")?.mappings() ?? [];
  return nodes.map((node, index) => loadSource(element, loaded, node, index));
}

function loadSource(element: Element, loaded: LoadElement, node: MappingNode, index: number): ElementSource {
  const { project } = element;
  const kindNode = node.required("kind", node.scalar("kind"));
  if (kindNode.value === "workspace") throw kindNode.error("Sources of kind 'workspace' cannot be declared");
  const directory = node.string("directory") || undefined;
  const attributes = node.mapping("provenance");
  // Junctions are read before the project says which attributes it has: they are checked when somebody asks for them.
  if (attributes !== undefined && !loaded.isFirstPass) checkAttributes(project, attributes);

  const definition = sourceKind(project, kindNode.value, node);
  if (attributes !== undefined && definition.describesParts) {
    if (says({ pluginText: pluginText(project, "sources", definition.kind) }, CUSTOM_PROVENANCE)) {
      throw new BstError("source", `${node.provenance}: Facts about a source of this kind stand in its refs`, {
        reason: "top-level-provenance-on-custom-implementation",
      });
    }
  }
  const pass = loaded.isFirstPass ? project.firstPass : project.resolved;
  const defaults = pass.sourceOverrides.mapping(definition.kind)?.mapping("config") ?? MappingNode.empty;
  const own = compose(defaults, node.without(...COMMON_KEYS));
  assertFullyComposed(own);
  const config = element.variables.expand(own) as MappingNode;
  validate(config, definition.schema);
  const context = sourceContext(element, loaded, config, { index, kind: definition.kind });
  const source = definition.configure(config, context);
  const told = () => (definition.isPlugin ? toldInfo(source, context) : source.info());
  const redundantRef = takeStoredRef(source, element, loaded, index);
  return { source, definition, told, index, directory, node, attributes, redundantRef };
}

/** @throws LoadError undefined-source-provenance-attribute, invalid-data */
export function checkAttributes(project: Project, attributes: MappingNode): void {
  const known = project.resolved.provenanceAttributes;
  for (const [key, value] of attributes.entries) {
    if (!known.has(key)) {
      throw new LoadError(
        "undefined-source-provenance-attribute",
        `${value.provenance}: The project defines no source attribute '${key}'`,
      );
    }
    if (value.type !== "scalar") throw value.error(`The source attribute '${key}' must be text`);
  }
}

/** Takes the ref from project.refs or junction.refs, of the toplevel project first. */
function takeStoredRef(source: Source, element: Element, loaded: LoadElement, index: number): boolean {
  const { project } = element;
  const { toplevel } = project;
  const refsOf = (owner: Project) => (loaded.kind === "junction" ? owner.junctionRefs : owner.refs);
  if (project !== toplevel && toplevel.refStorage === "project.refs") {
    const stored = refsOf(toplevel)?.lookup(project.name, element.name, index);
    if (stored !== undefined) {
      source.loadRef(stored);
      return false;
    }
  }
  if (project.refStorage !== "project.refs") return false;
  const isRedundant = source.ref !== undefined;
  if (isRedundant) source.setRef(undefined);
  const stored = refsOf(project)?.lookup(project.name, element.name, index);
  if (stored !== undefined) source.loadRef(stored);
  return isRedundant;
}

function sourceContext(
  element: Element,
  loaded: LoadElement,
  node: MappingNode,
  { index, kind }: { readonly index: number; readonly kind: string },
): SourceContext {
  const { project, traces } = element;
  const { session } = project;
  const name = `${element.name}-${index}`;
  const { isFirstPass } = loaded;
  const mirrors = () => (isFirstPass ? project.firstPass : project.resolved).mirrors;
  const where = `${node.provenance}`;
  const context: SourceContext = {
    name,
    elementName: element.name,
    provenance: where,
    projectDirectory: project.directory,
    get pluginText() {
      return pluginText(project, "sources", kind);
    },
    projectPath(path, expected) {
      const found = projectPath(project.realDirectory, path, expected);
      traces.addInput(join(project.directory, found));
      return found;
    },
    resolveUrl(url) {
      const alias = aliasOf(url);
      if (alias === undefined) {
        context.warn(`${where}: The URL ${url} has no alias`, { token: "unaliased-url" });
        return url;
      }
      if (!mirrors().has(alias, where, isFirstPass)) {
        throw new BstError("source", `${where}: The alias '${alias}' in the URL ${url} is not known`, {
          reason: "invalid-source-alias",
        });
      }
      for (const purpose of ["fetch", "track"] as const) {
        if (mirrors().candidates(url, purpose, isFirstPass).length === 0) {
          throw new BstError("source", `${where}: There is nowhere to ${purpose} the alias '${alias}' from`, {
            reason: "missing-source-alias-target",
            detail: `See '${purpose}: source:' in the user configuration.`,
          });
        }
      }
      return mirrors().resolve(url, where, isFirstPass);
    },
    candidates: (url, purpose) => mirrors().candidates(url, purpose, isFirstPass),
    localTree(path, options) {
      if (!traces.inputs.has(path)) traces.isOpen = true;
      return session.localTree(path, options);
    },
    warn(text, options = {}) {
      traces.addWarning({ text, options });
      if (!traces.isKnown) warn(element, text, options);
    },
  };
  return context;
}

/** Warns about an element, or fails where the project makes that warning fatal. */
export function warn(
  element: Element,
  text: string,
  options: { token?: string; detail?: string } = {},
  messenger: Messenger = element.project.session.messenger,
): void {
  const { token, detail } = options;
  const brief = token === undefined ? text : `[${token}]: ${text}`;
  if (token !== undefined && element.project.fatalWarnings.includes(token)) {
    throw new BstError("plugin", detail === undefined ? brief : `${brief}\n${detail}`, { reason: token });
  }
  messenger.emit({
    type: "warn",
    text: brief,
    element: element.fullName,
    ...(detail !== undefined && { detail }),
  });
}

/** `<sourcedir>/<kind>`: where a kind keeps its downloads. */
export function mirrorDirectory(project: Project, kind: string): string {
  return join(project.session.config.sourceDirectory, kind);
}
