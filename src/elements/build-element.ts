/** What the kinds have in common that build sources by commands, step by step: BuildStream's BuildElement. */
import type { KeyValue } from "../base/json.ts";
import { inTree, joinPath } from "../base/paths.ts";
import { record, text, textList } from "../base/schema.ts";
import type {
  BuildIo,
  ConfiguredDependency,
  ElementBehaviour,
  ElementFacts,
  ElementKind,
} from "../project/element-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { Layout } from "./layout.ts";

const STEPS = ["configure-commands", "build-commands", "install-commands", "strip-commands"] as const;
/** In a workspace, this file in the build root says that the configure commands have run. */
const CONFIGURED_MARKER = ".bst-prepared";

/** What a kind starts from where its own defaults can't be had; of the steps, those that it does not name do nothing. */
export interface BuildDefaults {
  readonly variables?: { readonly [name: string]: string };
  readonly commands?: { readonly [step in (typeof STEPS)[number]]?: string[] };
  readonly environment?: { readonly [name: string]: string };
  /** Names of the environment that stay out of the key. */
  readonly nocache?: string[];
}

export interface BuildOptions {
  /** Absolute paths in the sandbox of folders that stay writable besides those for sources and results. */
  readonly writable?: readonly string[];
}

/** A kind that runs commands over sources, and differs from others in its defaults only. */
export function buildElement(kind: string, defaults: BuildDefaults, options?: BuildOptions): ElementKind {
  return {
    ...buildElementShape,
    kind,
    isPlugin: true,
    defaults: buildDefaults(defaults),
    configure: (config, facts) => configureBuild(config, facts, options),
  };
}

/** The schemas of all such kinds. */
export const buildElementShape = {
  schema: record(Object.fromEntries(STEPS.map((step) => [step, textList]))),
  dependencyConfig: record({ location: text, "digest-environment": text }),
} as const;

export function buildDefaults({ variables, commands, environment, nocache }: BuildDefaults): { [key: string]: Plain } {
  const nothing = Object.fromEntries(STEPS.map((step) => [step, [] as string[]]));
  return {
    config: { ...nothing, "strip-commands": ["%{strip-binaries}"], ...commands },
    ...(variables !== undefined && { variables }),
    ...(environment !== undefined && { environment }),
    ...(nocache !== undefined && { "environment-nocache": nocache }),
  };
}

export interface BuildBehaviour extends ElementBehaviour {
  /** @param edit changes commands as they are run */
  assemble(io: BuildIo, edit?: (command: string) => string): Promise<string>;
}

export function configureBuild(
  config: MappingNode,
  facts: ElementFacts,
  { writable = [] }: BuildOptions = {},
): BuildBehaviour {
  const commandsOf = (step: (typeof STEPS)[number]) => config.strings(step) ?? [];
  const subdirectory = facts.variable("command-subdir");
  const buildRoot = facts.variable("build-root") ?? "/";
  const installRoot = facts.variable("install-root") ?? "/";
  const layout = new Layout();
  /** Variables for the digests of what elements stage. */
  let digests: Map<string, ConfiguredDependency[]> | undefined;
  return {
    configureDependencies(dependencies) {
      for (const dependency of dependencies) {
        const name = dependency.config?.string("digest-environment");
        if (name !== undefined) {
          digests ??= new Map();
          digests.set(name, [...(digests.get(name) ?? []), dependency]);
        }
        layout.add(dependency);
      }
    },
    uniqueKey() {
      const key: Record<string, KeyValue> = Object.fromEntries(STEPS.map((step) => [step, commandsOf(step)]));
      if (subdirectory) key["command-subdir"] = subdirectory;
      if (facts.variable("notparallel")) key["notparallel"] = true;
      if (layout.hasOtherLocations) key["layout"] = layout.keyFields();
      if (digests !== undefined) {
        // Spelt so in every key that there is.
        key["digest-enviornment"] = Object.fromEntries(
          [...digests].map(([name, elements]) => [name, elements.map(({ path }) => path)]),
        );
      }
      return key;
    },
    sandbox: () => ({
      workDirectory: subdirectory ? joinPath(buildRoot, subdirectory) : buildRoot,
      writable: [buildRoot, installRoot, ...writable],
      digestVariables: new Map([...(digests ?? [])].map(([name, all]) => [name, all.map(({ element }) => element)])),
    }),
    script: () => STEPS.flatMap(commandsOf),
    async stage(io) {
      await layout.stage(io);
      io.stageSources(buildRoot);
    },
    async assemble(io, edit = (command) => command) {
      const marker = joinPath(buildRoot, CONFIGURED_MARKER);
      const isConfigured = io.isWorkspaced && io.root.exists(inTree(marker));
      const lines = STEPS.flatMap((step) => {
        const own = commandsOf(step).map(edit);
        if (step !== "configure-commands" || own.length === 0 || !io.isWorkspaced) return own;
        return isConfigured ? [] : [...own, `touch '${marker}'`];
      });
      await io.run(lines, { readOnlyRoot: true });
      return installRoot;
    },
  };
}
