/** What bst-ts makes of the fuzzer's questions, in the form of reference.py. */
import { BstError } from "../../src/base/errors.ts";
import { elementKinds } from "../../src/elements/index.ts";
import { publicDataChecks } from "../../src/elements/public-data.ts";
import { loadGraph } from "../../src/graph/load.ts";
import { YamlFiles } from "../../src/project/files.ts";
import { loadUserConfig } from "../../src/project/user-config.ts";
import { sourceKinds } from "../../src/sources/index.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { placed } from "../yaml/nodes.ts";

/** A value, or the domain, the reason and the message of an error; without domain it is a fault of the program. */
export type Outcome =
  | { readonly value: unknown; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: readonly [string | null, string | null, string] };

export interface Question {
  readonly directory: string;
  readonly config: string;
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly targets: readonly string[];
}

function attempt(make: () => unknown): Outcome {
  try {
    return { value: make() };
  } catch (error) {
    if (error instanceof BstError) return { error: [error.domain, error.reason, error.message] };
    return { error: [null, null, error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  }
}

export function parse(text: string): Outcome {
  return attempt(() => placed(parseYaml(text, { path: "/x", shortName: "x", displayName: "x" })));
}

export function compose({ directory, config, options, targets }: Question): Outcome[] {
  const userConfig = loadUserConfig({ cwd: directory, env: {}, path: config, overrides: {} });
  const session = {
    config: userConfig,
    kinds: {
      elements: elementKinds,
      sources: sourceKinds,
      publicData: publicDataChecks,
      pluginPaths: [],
      modules: new Map(),
      pluginApi: undefined,
    },
    messenger: { emit: () => undefined },
    options,
    maxJobs: userConfig.build.maxJobs,
    // Only junctions have local sources here, and no keys are compared.
    localTree: () => ({ hash: "0".repeat(64), size: 0 }),
    workspace: () => undefined,
  };
  return targets.map((target) =>
    attempt(() => {
      const [element] = loadGraph({ ...session, files: new YamlFiles() }, directory, () => [target]).targets;
      if (element === undefined) throw new Error(`${target} was not loaded`);
      const { variables, environment, config, publicData } = element;
      return {
        variables: Object.fromEntries(variables),
        environment,
        config: config.toPlain(),
        public: publicData.toPlain(),
      };
    }),
  );
}
