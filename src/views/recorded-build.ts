/** A build in which nothing happens: what its kind asks for is written down instead of done. */
import { inTree } from "../base/paths.ts";
import type { Digest } from "../cas/digest.ts";
import { EMPTY_DIRECTORY_DIGEST } from "../cas/directory.ts";
import { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { dependencies, Visited } from "../graph/scopes.ts";
import { Element } from "../project/element.ts";
import type { BuildIo, DependencyFacts, RunOptions, SplitSelection, StageOptions } from "../project/element-kind.ts";
import type { MappingNode } from "../yaml/node.ts";

export interface RecordedCommand {
  readonly text: string;
  /** What its shell is started with besides: `-e`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

export type Step =
  | {
      readonly type: "stage";
      readonly path: string;
      readonly elements: readonly Element[];
      readonly selection: SplitSelection;
    }
  | { readonly type: "sources"; readonly path: string }
  | {
      readonly type: "run";
      readonly commands: readonly RecordedCommand[];
      /** Whether they are the integration commands of what is staged. */
      readonly isIntegration: boolean;
      readonly readOnlyRoot: boolean;
      readonly writable: readonly string[];
      /** A command that this program carries out from outside. */
      readonly served: string | undefined;
    }
  /** What follows depends on files that are not there. */
  | { readonly type: "unknown" };

export interface RecordTools {
  /** An empty folder, for what kinds write: no file of it is kept. */
  readonly directory: string;
  readonly signal: AbortSignal;
  publicData(element: Element): MappingNode;
}

/** All that the build of an element would do in its sandbox, as far as that can be told without files. */
export async function recordBuild(element: Element, tools: RecordTools): Promise<readonly Step[]> {
  const record = new RecordedBuild(element, tools);
  try {
    await element.behaviour.stage?.(record);
    await element.behaviour.assemble(record);
  } catch {
    tools.signal.throwIfAborted();
    // Kinds stumble in many ways over files that are missing.
    record.steps.push({ type: "unknown" });
  }
  return record.steps;
}

class RecordedBuild implements BuildIo {
  readonly steps: Step[] = [];
  readonly cas: Cas;
  readonly memoDirectory: string;
  readonly root: Tree;
  readonly signal: AbortSignal;
  readonly isWorkspaced: boolean;
  readonly #element: Element;
  readonly #tools: RecordTools;
  #publicData: MappingNode;

  constructor(element: Element, tools: RecordTools) {
    this.#element = element;
    this.#tools = tools;
    this.#publicData = element.publicData;
    this.cas = new Cas(`${tools.directory}/cas`);
    this.memoDirectory = `${tools.directory}/memo`;
    this.root = new Tree(this.cas);
    this.signal = tools.signal;
    this.isWorkspaced = element.workspace !== undefined;
  }

  dependencies(selection?: readonly DependencyFacts[]): readonly Element[] {
    if (selection === undefined) return dependencies(this.#element, "build");
    const visited = new Visited();
    return selection.flatMap((each) => dependencies(asElement(each), "run", visited));
  }

  stageDependencies(options: StageOptions & { readonly selection?: readonly DependencyFacts[] } = {}): void {
    this.#stage(this.dependencies(options.selection), options);
  }

  stageArtifact(dependency: DependencyFacts, options: StageOptions = {}): void {
    this.#stage([asElement(dependency)], options);
  }

  stageSources(path: string): void {
    this.root.openDirectory(inTree(path), { create: true });
    this.steps.push({ type: "sources", path });
  }

  manifest(): Iterable<string> {
    return [];
  }

  artifactTree(): Digest {
    return EMPTY_DIRECTORY_DIGEST;
  }

  async archive(): Promise<Digest> {
    return EMPTY_DIRECTORY_DIGEST;
  }

  publicData(dependency: DependencyFacts, domain: string): MappingNode | undefined {
    return this.#tools.publicData(asElement(dependency)).mapping(domain);
  }

  ownPublicData(domain: string): MappingNode | undefined {
    return this.#publicData.mapping(domain);
  }

  setPublicData(domain: string, data: MappingNode): void {
    this.#publicData = this.#publicData.with(domain, data);
  }

  async integrate(selection?: readonly DependencyFacts[]): Promise<void> {
    const commands = this.dependencies(selection).flatMap((dependency) =>
      (this.publicData(dependency, "bst")?.strings("integration-commands") ?? []).map((text) => ({
        text,
        environment: dependency.environment,
        directory: "/",
      })),
    );
    this.#run(commands, true, false);
  }

  async run(commands: readonly string[], { readOnlyRoot, served }: RunOptions): Promise<void> {
    const { workDirectory = "/", digestVariables } = this.#element.behaviour.sandbox?.() ?? {};
    const environment = { ...this.#element.environment };
    for (const name of digestVariables?.keys() ?? []) environment[name] = "(digest of what is staged)";
    this.#run(
      commands.map((text) => ({ text, environment, directory: workDirectory })),
      false,
      readOnlyRoot,
      served?.name,
    );
  }

  info(): void {}

  warn(): void {}

  async activity<T>(_text: string, step: () => Promise<T> | T): Promise<T> {
    return step();
  }

  progress(): void {}

  #stage(elements: readonly Element[], { path = "/", include, exclude, orphans }: StageOptions): void {
    this.root.openDirectory(inTree(path), { create: true });
    const selection = {
      ...(include !== undefined && include.length > 0 && { include }),
      ...(exclude !== undefined && exclude.length > 0 && { exclude }),
      ...(orphans === false && { orphans }),
    };
    this.steps.push({ type: "stage", path, elements: elements.filter(({ hasArtifact }) => hasArtifact), selection });
  }

  #run(commands: readonly RecordedCommand[], isIntegration: boolean, readOnlyRoot: boolean, served?: string): void {
    if (commands.length === 0) return;
    const writable = this.#element.behaviour.sandbox?.().writable ?? [];
    for (const path of writable) this.root.openDirectory(inTree(path), { create: true });
    this.steps.push({ type: "run", commands, isIntegration, readOnlyRoot, writable, served });
  }
}

function asElement(facts: DependencyFacts): Element {
  if (facts instanceof Element) return facts;
  throw new Error(`${facts.fullName} is no element of this session`);
}
