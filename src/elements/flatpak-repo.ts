/** Kind `flatpak_repo`: a repository with the flatpaks among its dependencies. */
import { BstError } from "../base/errors.ts";
import { bool, listOf, record, text } from "../base/schema.ts";
import type { ConfiguredDependency, ElementKind } from "../project/element-kind.ts";
import { Script, scriptElementShape } from "./script-element.ts";

const REPOSITORY = "/buildstream/repo";

export const flatpakRepo: ElementKind = {
  ...scriptElementShape,
  kind: "flatpak_repo",
  isPlugin: true,
  schema: record(
    {
      "copy-refs": listOf(record({ src: text, dest: text }, ["src", "dest"])),
      "repo-mode": text,
      arch: text,
      branch: text,
    },
    ["copy-refs", "repo-mode", "arch", "branch"],
  ),
  dependencyConfig: record({ "flatpak-image": bool, "flatpak-stack": bool, branch: text, arch: text }),
  defaults: { config: { "copy-refs": [], "repo-mode": "archive", arch: "%{arch}", branch: "%{branch}" } },
  artifactVersion: 2,
  configure(config, facts) {
    const arch = config.string("arch") ?? "";
    const branch = config.string("branch") ?? "";
    const script = new Script(facts, { readOnlyRoot: true, installRoot: REPOSITORY });
    script.commands.set("init repository", [`ostree init --repo=${REPOSITORY} --mode=${config.string("repo-mode")}`]);
    let isEmpty = true;

    const addFlatpak = ({ element, path, config: own }: ConfiguredDependency) => {
      isEmpty = false;
      const directory = `/buildstream/input/${element.normalName}`;
      const words = [`--arch=${own?.string("arch") ?? arch}`, REPOSITORY, directory, own?.string("branch") ?? branch];
      script.layout.add({ element, path, config: undefined }, directory);
      script.commands.set(`export ${path}`, [`flatpak build-export --files=files ${words.join(" ")}`]);
    };
    const add = (dependency: ConfiguredDependency) => {
      const { element, path, config } = dependency;
      if (config === undefined) return script.layout.add(dependency, "/");
      const isStack = config.bool("flatpak-stack") ?? false;
      const isImage = config.bool("flatpak-image") ?? false;
      if (isStack === isImage) {
        const what = isStack ? "both a flatpak and a stack of flatpaks" : "neither a flatpak nor a stack of flatpaks";
        throw new BstError("element", `${config.provenance}: The dependency is declared as ${what}`);
      }
      if (isImage) return addFlatpak(dependency);
      for (const image of element.runtimeDependencies) {
        addFlatpak({ element: image, path: `${path} (${image.name})`, config });
      }
    };

    return {
      ...script.behaviour(),
      configureDependencies(dependencies) {
        dependencies.forEach(add);
        if (isEmpty) throw facts.error("A flatpak repository needs a dependency that is declared as a flatpak");
        for (const copy of config.sequence("copy-refs")?.mappings() ?? []) {
          const [from, to] = [copy.string("src") ?? "", copy.string("dest") ?? ""];
          script.commands.set(`copy ref ${from} -> ${to}`, [
            `flatpak build-commit-from --src-ref=${from} ${REPOSITORY} ${to}`,
          ]);
        }
      },
    };
  },
};
