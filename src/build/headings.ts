/** What is printed of each loaded project above a pipeline. */
import type { ProjectHeading } from "../base/messages.ts";
import type { LoadedGraph } from "../graph/load.ts";
import { describeRelations } from "../project/conflicts.ts";
import type { RemoteConfig } from "../project/remotes.ts";
import type { Remotes } from "./remotes.ts";

export function projectHeadings({ project, elements }: LoadedGraph, remotes: Remotes | undefined): ProjectHeading[] {
  return project.session.projects.map((each) => {
    const own = elements.filter((element) => element.project === each);
    const kinds = (names: Iterable<string>) =>
      Object.fromEntries([...new Set(names)].sort().map((name) => [name, "core plugin"]));
    const { provenance } = each.loader;
    const { duplicatedBy, internalTo } = describeRelations(each);
    return {
      name: each.name,
      ...(each.junction !== undefined && { junction: each.junction.fullName }),
      ...(each.junction !== undefined && provenance !== undefined && { provenance: provenance.provenance }),
      duplicates: duplicatedBy,
      internal: internalTo,
      options: Object.fromEntries(each.options.printable()),
      elementPlugins: kinds(own.map((element) => element.kind)),
      sourcePlugins: kinds(own.flatMap((element) => element.sources.map(({ definition }) => definition.kind))),
      artifactCaches: servers(remotes?.configured.artifacts.get(each.name)),
      sourceCaches: servers(remotes?.configured.sources.get(each.name)),
    };
  });
}

function servers(configs: readonly RemoteConfig[] = []): string[] {
  return configs.map(
    ({ url, push, type, instanceName, provenance }) =>
      `${url}\npush: ${push ? "True" : "False"} type: ${type} instance: ${instanceName ?? "None"}\nloaded from: ${provenance}`,
  );
}
