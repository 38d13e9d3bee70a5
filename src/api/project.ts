/** Projects for programs: elements and builds, as `show` and `build` have them. */
import { resolve } from "node:path";
import { BstError } from "../base/errors.ts";
import { buildTargets } from "../build/build.ts";
import { elementView } from "../build/element-view.ts";
import { select } from "../build/selection.ts";
import type { Session } from "../build/session.ts";
import type { CommandContext } from "../cli/app.ts";
import { openWorkbench } from "../cli/workbench.ts";
import type { Element } from "../project/element.ts";
import { type ApiContext, contextIn } from "./context.ts";
import { imagesOf } from "./images.ts";
import type { ElementInfo, Options, Project } from "./types.ts";

/** No server is asked but those of the configuration and the projects. */
const SERVERS = { servers: [], ignoreProjectServers: false };

export async function loadProject(directory: string, options: Options): Promise<Project> {
  const start = resolve(directory);
  using context = contextIn(start, options);
  const { graph } = await openWorkbench(context, { targets: [], withoutDefaults: true });
  const { name, directory: found } = graph.project;
  const begin = () => contextIn(found, options);
  return {
    name,
    directory: found,
    images: imagesOf(begin),
    async elements(targets = [], { deps = "none" } = {}) {
      using context = begin();
      const bench = await openWorkbench(context, { targets });
      return select(bench.targets, deps).map((element) => describe(bench, element));
    },
    async build(targets = [], { deps } = {}) {
      using context = begin();
      const bench = await openForBuild(context, targets);
      try {
        await buildTargets(bench, bench.targets, deps ?? bench.config.build.dependencies);
      } catch (error) {
        throw withFailures(error, context);
      }
      return bench.targets.map((element) => describe(bench, element));
    },
  };
}

/** A command has said by then what failed. */
function withFailures(error: unknown, { failures }: ApiContext): unknown {
  if (!(error instanceof BstError) || error.message !== "") return error;
  const { domain, reason } = error;
  return new BstError(domain, "The build has failed", { reason, detail: failures.join("\n"), cause: error });
}

function openForBuild(context: CommandContext, targets: readonly string[]) {
  return openWorkbench(context, {
    targets,
    retryFailed: false,
    skipDefaultJunctions: true,
    storesLocal: true,
    servers: { artifacts: SERVERS, sources: SERVERS },
  });
}

function describe(session: Session, element: Element): ElementInfo {
  const view = elementView(session, element);
  const names = (elements: readonly Element[]) => elements.map(({ fullName }) => fullName);
  return {
    name: element.fullName,
    kind: element.kind,
    key: view.value("full-key"),
    state: view.value("state") as ElementInfo["state"],
    description: element.description,
    buildDependencies: names(element.buildDependencies),
    runtimeDependencies: names(element.runtimeDependencies),
  };
}
