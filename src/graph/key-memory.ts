/** Remembers the keys of elements between runs, and from what they were computed: what did not change is not resolved. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { keepNewestFiles, readCacheLines, writeCacheLines } from "../base/cache-file.ts";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { keyOf, keyOfText } from "../base/json.ts";
import type { Element } from "../project/element.ts";
import { identityOf } from "../project/files.ts";
import { elementKind, sourceKind, usesModules } from "../project/kinds.ts";
import { hostArch, hostSystem } from "../project/platform.ts";
import { pluginLocation } from "../project/plugin-location.ts";
import { pluginText } from "../project/plugin-text.ts";
import type { PluginOrigins } from "../project/plugins.ts";
import type { Project } from "../project/project.ts";
import type { LoadSession } from "../project/session.ts";
import type { Warning } from "../project/traces.ts";
import type { Keys } from "./keys.ts";

/** What is kept of an element. */
interface Entry {
  /**
   * The number of the run that computed the keys, from 1. A dependency of a higher number was computed again by a run that
   * did not load this element, whose keys are old then.
   */
  readonly run: number;
  /** A hash over everything that it was resolved from. */
  readonly basis: string;
  /** Null where a source has no ref. */
  readonly keys: Keys | null;
  /** Digests of the local files that its sources are made of. */
  readonly inputs: readonly (readonly [path: string, hash: string])[];
  readonly warnings: readonly Warning[];
}

const HEADER = "bst-ts keys 3";

/** The number of no run: every other is lower. */
const NEVER = Number.POSITIVE_INFINITY;

const FILE_PREFIX = "keys-";

/** How many sets of options and projects are remembered. */
const KEPT_FILES = 8;

export class KeyMemory {
  private readonly directory: string;
  private readonly build: string;
  private file: string | undefined;
  private session: LoadSession | undefined;
  /** Entries by full names of elements: the run, a blank, and the rest as JSON. */
  private lines = new Map<string, string>();
  private readonly entries = new Map<Element, Entry>();
  private readonly bases = new Map<Element, string>();
  private readonly unchanged = new Set<Element>();
  /** Elements whose keys were taken from here, with the run that computed them. */
  private readonly reused = new Map<Element, number>();
  private readonly plugins = new Map<string, string | undefined>();

  /**
   * @param directory where the memory is kept, one for each project
   * @param build what tells this version of the program from others
   */
  constructor(directory: string, build: string) {
    this.directory = directory;
    this.build = build;
  }

  /**
   * Finds the elements that need not be resolved, since they were, of the same files, without an error.
   * @param elements each after what it depends on
   */
  recognise(session: LoadSession, elements: readonly Element[]): ReadonlySet<Element> {
    this.session = session;
    const circumstances = this.circumstances(session);
    if (circumstances === undefined) return this.unchanged;
    this.file = join(this.directory, FILE_PREFIX + circumstances.slice(0, 32));
    this.lines = readCacheLines(this.file, HEADER);
    for (const element of elements) {
      const basis = this.basis(element);
      if (basis === undefined) continue;
      this.bases.set(element, basis);
      if (!everyDependency(element, (each) => this.unchanged.has(each))) continue;
      const entry = parse(this.lines.get(element.fullName));
      if (entry?.basis !== basis || !entry.inputs.every(([path]) => fs.existsSync(path))) continue;
      this.entries.set(element, entry);
      this.unchanged.add(element);
    }
    return this.unchanged;
  }

  /** Warnings of an element that need not be resolved. */
  warningsOf(element: Element): readonly Warning[] {
    return this.entries.get(element)?.warnings ?? [];
  }

  /** The keys of an element that nothing changed for; null where it has none, undefined where they must be computed. */
  keysOf(element: Element): Keys | null | undefined {
    const entry = this.entries.get(element);
    if (entry === undefined || !everyDependency(element, (each) => (this.reused.get(each) ?? NEVER) <= entry.run))
      return undefined;
    if (!entry.inputs.every(([path, hash]) => this.digest(path) === hash)) return undefined;
    this.reused.set(element, entry.run);
    return entry.keys;
  }

  /**
   * Keeps the keys of all elements. That it can't be written only costs time later.
   * @param elements each after what it depends on
   */
  save(elements: readonly Element[], keysOf: (element: Element) => Keys | undefined): void {
    const { file } = this;
    if (file === undefined || elements.every((element) => this.reused.has(element))) return;
    const thisRun = 1 + [...this.lines.values()].reduce((last, line) => Math.max(last, Number.parseInt(line, 10)), 0);
    const runs = new Map(this.reused);
    let isChanged = false;
    for (const element of elements) {
      if (runs.has(element)) continue;
      const { fullName } = element;
      const entry = this.entry(element, keysOf(element));
      const known = this.lines.get(fullName);
      if (entry === undefined) {
        isChanged = this.lines.delete(fullName) || isChanged;
        continue;
      }
      const rest = JSON.stringify(entry);
      const run = known === undefined ? NEVER : Number.parseInt(known, 10);
      const isKnown =
        known === `${run} ${rest}` && everyDependency(element, (each) => (runs.get(each) ?? NEVER) <= run);
      runs.set(element, isKnown ? run : thisRun);
      if (isKnown) continue;
      isChanged = true;
      this.lines.set(fullName, `${thisRun} ${rest}`);
    }
    if (isChanged && writeCacheLines(file, HEADER, this.lines)) {
      keepNewestFiles(this.directory, KEPT_FILES, FILE_PREFIX);
    }
  }

  private entry(element: Element, keys: Keys | undefined): Omit<Entry, "run"> | undefined {
    const basis = this.bases.get(element);
    const { inputs, warnings, isOpen } = element.traces;
    if (basis === undefined || isOpen || usesModules(element.project)) return undefined;
    const digests: [string, string][] = [];
    // Looked at again after the key was computed: what changed meanwhile is not remembered.
    for (const path of inputs) {
      const hash = this.digest(path);
      if (hash === undefined) return undefined;
      digests.push([path, hash]);
    }
    return { basis, keys: keys ?? null, inputs: digests, warnings };
  }

  /** What holds for all elements; undefined where something is too young to be trusted. */
  private circumstances({ config, options, maxJobs, projects, files }: LoadSession): string | undefined {
    const described: string[] = [];
    for (const project of projects) {
      const identities = [...project.files].map((path) => files.identityOf(path));
      if (identities.includes(undefined) || project.refStorage !== "inline") return undefined;
      described.push(
        JSON.stringify([
          project.directory,
          project.junction?.fullName,
          project.options.printable(),
          [...project.files],
          identities,
          config.projectOverrides(project.name).toPlain(),
        ]),
      );
    }
    const { fetchSource, trackSource, defaultMirror } = config;
    return keyOf([
      this.build,
      hostSystem(),
      hostArch(),
      maxJobs,
      options.map((pair) => [...pair]),
      [fetchSource, trackSource, defaultMirror ?? null],
      described,
    ]);
  }

  /** Undefined for what cannot be told from its files. */
  private basis(element: Element): string | undefined {
    const { project, loaded, kind, workspace } = element;
    if (workspace !== undefined) return undefined;
    const parts: string[] = [element.fullName];
    for (const path of loaded.files) parts.push(path, project.session.files.identityOf(path) ?? "");
    if (parts.includes("")) return undefined;
    const sources = loaded.node.sequence("sources")?.items ?? [];
    const kinds = new Set(sources.map((node) => (node.type === "mapping" ? (node.string("kind") ?? "") : "")));
    parts.push(this.plugin(project, "elements", kind) ?? "");
    for (const each of kinds) parts.push(each, this.plugin(project, "sources", each) ?? "");
    if (parts.includes("")) return undefined;
    for (const { element: dependency, type, strict } of loaded.dependencies) {
      parts.push(dependency.fullName, `${type} ${strict}`);
    }
    return createHash("sha256").update(parts.join("\0")).digest("base64");
  }

  /** What tells a plugin from other versions of it; undefined where nothing does. */
  private plugin(project: Project, type: keyof PluginOrigins, kind: string): string | undefined {
    const id = `${project.id} ${type} ${kind}`;
    if (!this.plugins.has(id)) this.plugins.set(id, describePlugin(project, type, kind));
    return this.plugins.get(id);
  }

  private digest(path: string): string | undefined {
    try {
      return this.session?.localTree(path).hash;
    } catch (error) {
      if (systemErrorCode(error) === undefined && !(error instanceof BstError)) throw error;
      return undefined;
    }
  }
}

/** Undefined for what is no such line, as in a damaged file. */
function parse(line: string | undefined): Entry | undefined {
  const run = line === undefined ? Number.NaN : Number.parseInt(line, 10);
  if (line === undefined || Number.isNaN(run)) return undefined;
  try {
    return { run, ...JSON.parse(line.slice(line.indexOf(" ") + 1)) };
  } catch {
    return undefined;
  }
}

function everyDependency(element: Element, holds: (dependency: Element) => boolean): boolean {
  return element.buildDependencies.every(holds) && element.runtimeDependencies.every(holds);
}

function describePlugin(project: Project, type: keyof PluginOrigins, kind: string): string | undefined {
  const origin = project.plugins[type].get(kind);
  if (origin === undefined) return kind;
  try {
    if (type === "elements") elementKind(project, kind, origin.node);
    else sourceKind(project, kind, origin.node);
    const location = pluginLocation(project, type, kind);
    if (location === undefined || usesModules(project)) return undefined;
    const now = Date.now();
    const python = pluginText(project, type, kind);
    const defaults = location.defaults === undefined ? "none" : identityOf(location.defaults, now);
    if (python === undefined || defaults === undefined) return undefined;
    return `${location.directory} ${keyOfText(python)} ${defaults}`;
  } catch (error) {
    // To be met again, in its place, where the element is resolved.
    if (error instanceof BstError) return undefined;
    throw error;
  }
}
