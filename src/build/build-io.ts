/** What an element kind builds with: the sandbox's file system, the artifacts of its dependencies, and commands to run. */
import { compressed } from "../artifact/compress.ts";
import { type StagedElement, StagingArea } from "../artifact/overlaps.ts";
import { splitFilter } from "../artifact/splits.ts";
import { tarChunks } from "../artifact/tar.ts";
import { activity } from "../base/activity.ts";
import { BstError } from "../base/errors.ts";
import { inTree } from "../base/paths.ts";
import { type Digest, formatDigest } from "../cas/digest.ts";
import { Tree } from "../cas/tree.ts";
import { dependencies, Visited } from "../graph/scopes.ts";
import { Element } from "../project/element.ts";
import type {
  BuildIo,
  Compression,
  DependencyFacts,
  RunOptions,
  SandboxLayout,
  SplitSelection,
  StageOptions,
} from "../project/element-kind.ts";
import { warn } from "../project/sources.ts";
import type { MappingNode } from "../yaml/node.ts";
import { stripped } from "../yaml/strip.ts";
import type { BuildTools } from "./build-tools.ts";
import { CommandRunner } from "./command-runner.ts";
import { incrementalSources } from "./incremental.ts";

const COMPRESSORS = { none: undefined, gzip: "gz", xz: "xz", bzip2: "bz2" } as const;

/** The work on one element. It must be disposed of, so that no sandbox outlives it. */
export class ElementBuild implements BuildIo, AsyncDisposable {
  readonly element: Element;
  /** The environment of commands, with the digests that the element asks for. */
  readonly environment: Readonly<Record<string, string>>;
  readonly layout: SandboxLayout;
  private readonly tools: BuildTools;
  private readonly runner: CommandRunner;
  private publicData_: MappingNode;
  private readonly staging: StagingArea;
  /** The trees that {@link SandboxLayout.digestVariables} name. */
  readonly digestTrees: readonly Digest[];

  constructor(element: Element, tools: BuildTools) {
    this.element = element;
    this.tools = tools;
    this.publicData_ = stripped(element.publicData);
    this.layout = element.behaviour.sandbox?.() ?? {};
    const digests = this.digestVariables();
    this.digestTrees = [...digests.values()];
    const variables = [...digests].map(([name, digest]) => [name, formatDigest(digest)]);
    this.environment = { ...element.environment, ...Object.fromEntries(variables) };
    this.runner = new CommandRunner(element, new Tree(this.cas), this.layout, tools);
    this.staging = new StagingArea(() => this.root);
  }

  get cas() {
    return this.tools.caches.cas;
  }

  get memoDirectory() {
    return this.tools.caches.memoDirectory;
  }

  get signal() {
    return this.tools.signal;
  }

  /** What messages about the element say of it. */
  get about() {
    return { element: this.element.fullName, key: this.tools.states.displayKey(this.element) };
  }

  get isWorkspaced() {
    return this.element.workspace !== undefined;
  }

  get root(): Tree {
    return this.runner.root;
  }

  /** The public data that the artifact gets. */
  get publicDataNow(): MappingNode {
    return this.publicData_;
  }

  dependencies(selection?: readonly DependencyFacts[]): readonly Element[] {
    if (selection === undefined) return dependencies(this.element, "build");
    const visited = new Visited();
    return selection.flatMap((each) => dependencies(asElement(each), "run", visited));
  }

  stageDependencies(options: StageOptions & { readonly selection?: readonly DependencyFacts[] } = {}): void {
    this.stageAll(this.dependencies(options.selection), options);
  }

  stageArtifact(dependency: DependencyFacts, options: StageOptions = {}): void {
    this.stageAll([asElement(dependency)], options);
  }

  stageSources(directory: string): void {
    const target = this.root.openDirectory(inTree(directory), { create: true });
    if (!target.isEmpty()) {
      throw new BstError("element", `The folder ${directory}, for the sources, has files of dependencies in it`);
    }
    const sources = this.tools.states.stagedSources(this.element);
    if (sources === undefined)
      throw new Error(`the sources of ${this.element.fullName} were not staged before its build`);
    const incremental = incrementalSources(this.element, sources, this.tools);
    if (incremental !== undefined) this.info("Incremental build");
    target.importTree(incremental ?? sources);
  }

  manifest(dependency: DependencyFacts, selection: SplitSelection): Iterable<string> {
    const element = asElement(dependency);
    const filter = splitFilter(this.splitRules(element), selection);
    const paths = new Tree(this.cas, this.artifactTree(element)).paths();
    return filter === undefined ? paths : selected(paths, filter);
  }

  artifactTree(dependency: DependencyFacts): Digest {
    return this.tools.artifactTree(asElement(dependency));
  }

  archive(tree: Digest, compression: Compression): Promise<Digest> {
    const chunks = tarChunks(this.cas, tree, "");
    const program = COMPRESSORS[compression];
    const bytes = program === undefined ? asyncOf(chunks) : compressed(chunks, program);
    return this.cas.importStream(bytes, { signal: this.signal });
  }

  publicData(dependency: DependencyFacts, domain: string): MappingNode | undefined {
    return this.tools.publicData(asElement(dependency)).mapping(domain);
  }

  ownPublicData(domain: string): MappingNode | undefined {
    return this.publicData_.mapping(domain);
  }

  setPublicData(domain: string, data: MappingNode): void {
    this.publicData_ = this.publicData_.with(domain, data);
  }

  async integrate(selection?: readonly DependencyFacts[]): Promise<void> {
    const commands = this.dependencies(selection).flatMap((dependency) => {
      const lines = this.publicData(dependency, "bst")?.strings("integration-commands") ?? [];
      return lines.map((line) => ({
        argv: ["sh", "-e", "-c", line],
        environment: dependency.environment,
        workDirectory: "/",
        label: line,
      }));
    });
    if (commands.length === 0) return;
    await this.activity("Integrating sandbox", () => this.runner.run(commands, { readOnlyRoot: false }));
  }

  async run(commands: readonly string[], options: RunOptions): Promise<void> {
    const batch = commands.map((command) => ({
      argv: ["sh", "-c", "-e", `${command}\n`],
      environment: this.environment,
      workDirectory: this.layout.workDirectory ?? "/",
      label: command,
    }));
    await this.runner.run(batch, options);
  }

  info(text: string, detail?: string): void {
    this.tools.messenger.emit({
      type: "info",
      text,
      ...this.about,
      ...(detail !== undefined && { detail }),
    });
  }

  warn(text: string, options?: { token?: string; detail?: string }): void {
    warn(this.element, text, options, this.tools.messenger);
  }

  progress(done: number, all: number): void {
    this.tools.messenger.progress(done, all, "bytes");
  }

  async activity<T>(text: string, step: () => Promise<T> | T, detail?: string): Promise<T> {
    const about = { ...this.about, ...(detail !== undefined && { detail }) };
    return activity(this.tools.messenger, text, async () => step(), about);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }

  private stageAll(elements: readonly Element[], options: StageOptions): void {
    const staged: StagedElement[] = elements.map((element) => {
      const filter = splitFilter(this.splitRules(element), options);
      return {
        name: element.fullName,
        files: this.artifactTree(element),
        publicData: this.tools.publicData(element),
        ...(filter !== undefined && { filter }),
      };
    });
    for (const { text, detail, token } of this.staging.stage(staged, options.path)) {
      this.warn(text, { token, detail });
    }
  }

  private splitRules(element: Element): MappingNode {
    const rules = this.tools.publicData(element).mapping("bst")?.mapping("split-rules");
    if (rules === undefined) throw new Error(`the public data of ${element.fullName} has no split rules`);
    return rules;
  }

  private digestVariables(): Map<string, Digest> {
    const digests = new Map<string, Digest>();
    for (const [name, selection] of this.layout.digestVariables ?? []) {
      const tree = new Tree(this.cas);
      for (const element of this.dependencies(selection)) tree.importTree(this.artifactTree(element));
      digests.set(name, tree.digest());
    }
    return digests;
  }
}

function* selected(paths: Iterable<string>, filter: (path: string) => boolean): Iterable<string> {
  for (const path of paths) if (filter(path)) yield path;
}

async function* asyncOf<T>(items: Iterable<T>): AsyncIterable<T> {
  yield* items;
}

function asElement(facts: DependencyFacts): Element {
  if (facts instanceof Element) return facts;
  throw new Error(`${facts.fullName} is no element of this session`);
}
