/** A project: its project.conf in two passes, the first for junctions and links, the second with all includes. */
import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { LoadError } from "../base/errors.ts";
import { percentEncode } from "../base/percent.ts";
import { assertFullyComposed, compose } from "../yaml/compose.ts";
import { MappingNode, mappingFrom, type Node, ScalarNode, SequenceNode } from "../yaml/node.ts";
import { API_VERSION, BUILTIN_PROJECT } from "./builtin.ts";
import { type Checkout, readCheckout } from "./checkout.ts";
import { Includes } from "./includes.ts";
import { Loader } from "./loader.ts";
import { Mirrors } from "./mirrors.ts";
import { OptionPool } from "./options.ts";
import { projectPath } from "./paths.ts";
import { type PluginOrigins, pluginOrigins } from "./plugins.ts";
import { ProjectRefs } from "./refs.ts";
import { type RemoteConfig, remoteConfig } from "./remotes.ts";
import type { JunctionFacts, LoadSession } from "./session.ts";
import { type ShellConfig, shellConfig } from "./shell-config.ts";
import { assertSymbolName } from "./symbols.ts";
import { Variables } from "./variables.ts";

export const PROJECT_CONF = "project.conf";

const KEYS = new Set([
  "min-version",
  "element-path",
  "variables",
  "environment",
  "environment-nocache",
  "split-rules",
  "elements",
  "plugins",
  "aliases",
  "name",
  "defaults",
  "artifacts",
  "options",
  "fail-on-overlap",
  "shell",
  "fatal-warnings",
  "ref-storage",
  "sandbox",
  "mirrors",
  "sources",
  "source-caches",
  "junctions",
  "source-provenance-attributes",
  "(@)",
  "(?)",
]);
/** Keys that only project.conf itself can have, not a file that it includes. */
const OWN_KEYS = ["name", "element-path", "min-version", "plugins"];
/** Keys that no condition can decide. */
const UNCONDITIONAL_KEYS = [
  "min-version",
  "name",
  "element-path",
  "junctions",
  "defaults",
  "fatal-warnings",
  "ref-storage",
  "options",
  "plugins",
];

/** What each of the two passes resolves. */
export interface ProjectPass {
  readonly options: OptionPool;
  readonly variables: MappingNode;
  /** `elements:`, by kind. */
  readonly elementOverrides: MappingNode;
  /** `sources:`, by kind. */
  readonly sourceOverrides: MappingNode;
  readonly mirrors: Mirrors;
}

/** What only the second pass resolves. */
interface FullProject extends ProjectPass {
  readonly environment: MappingNode;
  readonly environmentNocache: readonly string[];
  readonly sandbox: MappingNode;
  readonly splitRules: MappingNode;
  readonly shell: ShellConfig;
  readonly provenanceAttributes: ReadonlySet<string>;
  /** Servers of artifacts and of sources that the project recommends. */
  readonly artifactServers: readonly RemoteConfig[];
  readonly sourceServers: readonly RemoteConfig[];
}

let projectCount = 0;

export class Project {
  readonly id = ++projectCount;
  readonly session: LoadSession;
  /** Absolute path. */
  readonly directory: string;
  /** The same, without symbolic links. */
  readonly realDirectory: string;
  readonly name: string;
  /** Absolute path of the folder with the elements. */
  readonly elementPath: string;
  readonly junction: JunctionFacts | undefined;
  readonly parent: Project | undefined;
  readonly loader: Loader;
  /** The kinds that the project takes from elsewhere. */
  readonly plugins: PluginOrigins;
  readonly firstPass: ProjectPass;
  /** Tokens of warnings that are errors; as declared, since keys hold them with what stands twice. */
  fatalWarnings: readonly string[];
  readonly defaultTargets: readonly string[];
  readonly junctionDuplicates: ReadonlyMap<string, readonly ScalarNode[]>;
  readonly junctionInternal: readonly ScalarNode[];
  /** Whether subprojects may not use URLs of their own. */
  readonly disallowSubprojectUris: boolean;
  readonly refStorage: "inline" | "project.refs";
  readonly junctionRefs: ProjectRefs | undefined;
  /** Absolute paths of the files that the project is declared in: project.conf, what it includes, and refs. */
  readonly files = new Set<string>();
  private readonly conf: MappingNode;
  private full: FullProject | undefined;
  private projectRefs: ProjectRefs | undefined;
  private known: { readonly checkout: Checkout | undefined } | undefined;

  /** Reads project.conf far enough for junctions and links. */
  constructor(
    session: LoadSession,
    directory: string,
    subproject?: { junction: JunctionFacts; parent: Project; provenance: Node | undefined },
  ) {
    this.session = session;
    this.directory = directory;
    this.junction = subproject?.junction;
    this.parent = subproject?.parent;
    session.projects.push(this);
    this.conf = this.readConf();
    this.realDirectory = realpathSync(directory);

    const preliminary = compose(mappingFrom(BUILTIN_PROJECT), this.conf);
    validateVersion(preliminary);
    preliminary.validateKeys(KEYS);
    this.name = this.conf.required("name", this.conf.string("name"));
    assertSymbolName(this.name, "project name", preliminary.get("name"));
    const elementPath = preliminary.required("element-path", preliminary.scalar("element-path"));
    this.elementPath = join(directory, projectPath(this.realDirectory, elementPath, "directory"));

    const defaults = preliminary.mapping("defaults") ?? MappingNode.empty;
    defaults.validateKeys(new Set(["targets"]));
    this.defaultTargets = defaults.strings("targets") ?? [];

    const junctions = preliminary.mapping("junctions") ?? MappingNode.empty;
    junctions.validateKeys(new Set(["duplicates", "internal", "disallow-subproject-uris"]));
    const fatal = preliminary.strings("fatal-warnings") ?? [];
    this.disallowSubprojectUris =
      this.parent?.disallowSubprojectUris || (junctions.bool("disallow-subproject-uris") ?? false);
    if (this.parent?.disallowSubprojectUris && !fatal.includes("unaliased-url")) fatal.push("unaliased-url");
    const duplicates = junctions.mapping("duplicates") ?? MappingNode.empty;
    this.junctionDuplicates = new Map(
      duplicates.keys().map((name) => [name, duplicates.sequence(name)?.scalars() ?? []]),
    );
    this.junctionInternal = junctions.sequence("internal")?.scalars() ?? [];

    this.loader = new Loader(this, subproject?.parent.loader, subproject?.provenance);
    this.includes = new Includes(this.loader);
    const local = this.includes.process(this.conf, { onlyLocal: true, conditionals: false, files: this.files });
    const firstConf = compose(mappingFrom(BUILTIN_PROJECT), local);
    this.plugins = pluginOrigins(this.realDirectory, firstConf);
    this.firstPass = this.resolvePass(firstConf, true).pass;
    this.fatalWarnings = fatal;

    const storage = preliminary.required("ref-storage", preliminary.scalar("ref-storage"));
    if (storage.value !== "inline" && storage.value !== "project.refs") {
      throw storage.error(`'ref-storage' is either 'inline' or 'project.refs', and not '${storage.value}'`);
    }
    this.refStorage = storage.value;
    this.junctionRefs =
      this.refStorage === "project.refs" ? ProjectRefs.load(this, "junction.refs", this.firstPass.options) : undefined;
  }

  private readonly includes: Includes;

  get toplevel(): Project {
    return this.session.projects[0] ?? this;
  }

  /** The options of the second pass where that is done, else of the first. */
  get options(): OptionPool {
    return (this.full ?? this.firstPass).options;
  }

  get baseVariables(): MappingNode {
    return (this.full ?? this.firstPass).variables;
  }

  get refs(): ProjectRefs | undefined {
    return this.projectRefs;
  }

  /** What git knows of it, asked once; undefined where it is in no repository. */
  get checkout(): Checkout | undefined {
    this.known ??= { checkout: readCheckout(this.directory, PROJECT_CONF) };
    return this.known.checkout;
  }

  get resolved(): FullProject {
    this.ensureFullyLoaded();
    if (this.full === undefined) throw new Error(`project ${this.name} is not loaded`);
    return this.full;
  }

  /** Names of all elements, for commands without targets. */
  allElements(): string[] {
    return readdirSync(this.elementPath, { recursive: true, encoding: "utf8" }).filter(
      (path) => path.endsWith(".bst") && !path.split("/").includes(".bst"),
    );
  }

  /** The second pass, with what other projects have to be included. */
  ensureFullyLoaded(): void {
    if (this.isFullyLoaded) return;
    this.parent?.ensureFullyLoaded();
    if (this.isFullyLoaded) return;
    // Set before the work: includes from subprojects lead back here.
    this.isFullyLoaded = true;

    const included = this.includes.process(this.conf, { conditionals: false, files: this.files });
    const { pass, config } = this.resolvePass(compose(mappingFrom(BUILTIN_PROJECT), included), false);
    validateIncludedKeys(config);
    const attributes =
      included.mapping("source-provenance-attributes") ?? config.mapping("source-provenance-attributes");
    this.full = {
      ...pass,
      environment: config.mapping("environment") ?? MappingNode.empty,
      environmentNocache: config.strings("environment-nocache") ?? [],
      sandbox: config.mapping("sandbox") ?? MappingNode.empty,
      splitRules: config.mapping("split-rules") ?? MappingNode.empty,
      shell: shellConfig(config.mapping("shell") ?? MappingNode.empty),
      provenanceAttributes: new Set(attributes?.keys()),
      artifactServers: this.servers(config, "artifacts"),
      sourceServers: this.servers(config, "source-caches"),
    };
    if (config.bool("fail-on-overlap") === true && !this.fatalWarnings.includes("overlaps")) {
      this.fatalWarnings = [...this.fatalWarnings, "overlaps"];
    }
    if (config.has("fail-on-overlap")) {
      this.session.messenger.emit({
        type: "warn",
        text: "'fail-on-overlap' in project.conf is deprecated: use 'fatal-warnings'",
      });
    }
    if (this.refStorage === "project.refs") {
      this.projectRefs = ProjectRefs.load(this, "project.refs", this.full.options);
    }
  }

  private isFullyLoaded = false;

  private servers(config: MappingNode, key: string): RemoteConfig[] {
    const nodes = config.sequence(key)?.mappings() ?? [];
    return nodes.map((node) => remoteConfig(node, { baseDirectory: this.directory }));
  }

  private readConf(): MappingNode {
    const path = join(this.directory, PROJECT_CONF);
    this.files.add(path);
    try {
      return this.session.files.load(path, PROJECT_CONF, this);
    } catch (error) {
      if (error instanceof LoadError && error.reason === "missing-file") {
        throw new LoadError("missing-project-conf", error.message, { cause: error });
      }
      throw error;
    }
  }

  private resolvePass(conf: MappingNode, isFirst: boolean): { pass: ProjectPass; config: MappingNode } {
    const { session, junction } = this;
    const options = new OptionPool(this.elementPath);
    options.load(conf.mapping("options") ?? MappingNode.empty);
    if (junction !== undefined) options.loadYamlValues(junction.options);
    const overrides = session.config.projectOverrides(this.name);
    options.loadYamlValues(overrides.mapping("options") ?? MappingNode.empty);
    if (junction === undefined) options.loadCommandLine(session.options, { ignoreUnknown: isFirst });
    options.resolve();

    let config = options.process(conf, { restricted: UNCONDITIONAL_KEYS });
    const elementOverrides = config.mapping("elements") ?? MappingNode.empty;
    const sourceOverrides = config.mapping("sources") ?? MappingNode.empty;
    config = config.without("elements", "sources");
    assertFullyComposed(config);

    let variables = withStrings(config.mapping("variables") ?? MappingNode.empty, {
      "project-name": this.name,
      "max-jobs": String(session.maxJobs),
    });
    variables = options.exportVariables(variables);

    const top = this.toplevel.realDirectory;
    const roots = new Variables(
      withStrings(variables, {
        "project-root": this.realDirectory,
        "toplevel-root": top,
        "project-root-uri": fileUri(this.realDirectory),
        "toplevel-root-uri": fileUri(top),
      }),
    );
    const configured = overrides.sequence("mirrors");
    const mirrors = Mirrors.load(this, {
      aliases: roots.expand(config.mapping("aliases") ?? MappingNode.empty) as MappingNode,
      mirrors: roots.expand(configured ?? config.sequence("mirrors") ?? new SequenceNode([])) as SequenceNode,
      defaultMirror: session.config.defaultMirror ?? overrides.string("default-mirror"),
      isOverride: configured !== undefined,
    });
    return { pass: { options, variables, elementOverrides, sourceOverrides, mirrors }, config };
  }
}

/** The same variables with these values; one that was there keeps its place, by which protected names are checked. */
function withStrings(variables: MappingNode, values: Readonly<Record<string, string>>): MappingNode {
  let result = variables;
  for (const [name, value] of Object.entries(values)) {
    const old = variables.scalar(name);
    result = result.with(name, old === undefined ? new ScalarNode(value) : old.withValue(value));
  }
  return result;
}

function fileUri(path: string): string {
  return `file://${path.split("/").map(percentEncode).join("/")}`;
}

function validateVersion(conf: MappingNode): void {
  const node = conf.scalar("min-version");
  if (node === undefined) {
    throw new LoadError("invalid-data", `${conf.provenance}: Missing key 'min-version'`, {
      detail: "A project of BuildStream 1 has no such key, and is not supported.",
    });
  }
  const match = /^(\d+)\.(\d+)(?:\..*)?$/.exec(node.value);
  if (match === null) {
    throw node.error(`'${node.value}' is no version`, { detail: "'min-version' has the form MAJOR.MINOR." });
  }
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major === API_VERSION.major && minor <= API_VERSION.minor) return;
  throw node.error(`The project needs BuildStream ${major}.${minor}`, {
    reason: "unsupported-project",
    detail: `This program does what BuildStream ${API_VERSION.major}.${API_VERSION.minor} does.`,
  });
}

function validateIncludedKeys(config: MappingNode): void {
  config.validateKeys(KEYS);
  for (const key of OWN_KEYS) {
    const node = config.get(key);
    if (node !== undefined && !node.isSynthetic && node.file.shortName !== PROJECT_CONF) {
      throw node.error(`Unexpected key: ${key}`, { detail: `'${key}' can only stand in project.conf itself.` });
    }
  }
}
