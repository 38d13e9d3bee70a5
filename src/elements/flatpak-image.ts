/** Kind `flatpak_image`: what it depends on in the form of a Flatpak application, runtime or extension. */
import { posix } from "node:path";
import { inTree, joinPath } from "../base/paths.ts";
import { record, text, textList, textMap } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import { readMetadata } from "./flatpak-metadata.ts";
import { Layout } from "./layout.ts";
import { writeFile } from "./write-file.ts";

const INPUT = "/buildstream/allfiles";
const INSTALL = "/buildstream/install";

export const flatpakImage: ElementKind = {
  kind: "flatpak_image",
  isPlugin: true,
  schema: record(
    {
      directory: text,
      include: textList,
      exclude: textList,
      metadata: { type: "object", additionalProperties: textMap },
      "component-ids": textList,
    },
    ["directory", "include", "exclude", "metadata", "component-ids"],
  ),
  dependencyConfig: record({ location: text }, ["location"]),
  defaults: { config: { include: [], exclude: [], "component-ids": [] } },
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
  configure(config, { error }) {
    const directory = config.string("directory") ?? "/";
    const include = config.strings("include") ?? [];
    const exclude = config.strings("exclude") ?? [];
    const componentIds = config.strings("component-ids") ?? [];
    const metadata = readMetadata(config.required("metadata", config.mapping("metadata")));
    const isRuntime = metadata.has("Runtime");
    if (!isRuntime && !metadata.has("Application")) {
      throw error("The metadata of a flatpak need a section 'Application' or 'Runtime'");
    }
    const isApplication = metadata.has("Application");
    const layout = new Layout();
    return {
      configureDependencies(dependencies) {
        for (const each of dependencies) layout.add(each, each.config?.string("location") ?? INPUT);
      },
      uniqueKey: () => ({
        directory,
        include: [...include].sort(),
        exclude: [...exclude].sort(),
        metadata: metadata.sections,
        ...(componentIds.length > 0 && { "component-ids": componentIds }),
        version: 4,
      }),
      sandbox: () => ({ workDirectory: "/", writable: [INPUT, INSTALL] }),
      stage: (io) => layout.stageOnly(io, (location) => (location === INPUT ? { include, exclude } : {})),
      async assemble(io) {
        // In BuildStream, too, only the last component is composed: an artifact of this key has no other.
        const component = componentIds.at(-1);
        if (component !== undefined) {
          await io.run([composeCatalogue(component, directory)], { readOnlyRoot: true });
        }
        const input = io.root.openDirectory(inTree(INPUT), { create: true });
        const install = io.root.openDirectory(inTree(INSTALL), { create: true });
        const files = install.makeDirectory("files");
        if (isApplication) install.makeDirectory("export");
        for (const extension of metadata.extensionDirectories(error)) {
          install.makeDirectory(posix.join("files", extension));
        }
        const prefix = inTree(posix.resolve("/", directory));
        if (input.exists(prefix)) files.importTree(input.openDirectory(prefix));
        const takesEtc = isRuntime && !isApplication && !metadata.has("ExtensionOf");
        if (takesEtc && input.exists("etc")) files.makeDirectory("etc").importTree(input.openDirectory("etc"));
        writeFile(io, joinPath(INSTALL, "metadata"), metadata.toText());
        return INSTALL;
      },
    };
  },
};

/** Makes the catalogue entry of an AppStream component, with its icons. */
function composeCatalogue(component: string, directory: string): string {
  const words = ["appstreamcli", "compose", "--components", component, "--result-root", INSTALL];
  const data = joinPath(INPUT, `${directory.replace(/^\/+/, "")}/share`);
  return [...words, "--prefix", directory, "--data-dir", data, "--origin", component, INPUT].join(" ");
}
