/** Kind `dpkg_build`: builds the sources of Debian packages, and makes a split domain of each package. */
import { inTree, joinPath } from "../base/paths.ts";
import { formatDigest } from "../cas/digest.ts";
import type { Tree } from "../cas/tree.ts";
import type { BuildIo, ElementFacts, ElementKind } from "../project/element-kind.ts";
import { MappingNode, mappingFrom } from "../yaml/node.ts";
import { buildDefaults, buildElementShape, configureBuild } from "./build-element.ts";
import { CONTROL_DIRECTORY, MAINTAINER_SCRIPTS, withPackages } from "./dpkg-data.ts";

export const dpkgBuild: ElementKind = {
  ...buildElementShape,
  kind: "dpkg_build",
  isPlugin: true,
  defaults: buildDefaults({
    variables: {
      rulesfile: "debian/rules",
      "prepare-dir": "chmod +x debian/rules",
      clean: "%{rulesfile} clean",
      build: "%{rulesfile} build",
      binary: "env DH_OPTIONS='--destdir=.' %{rulesfile} binary",
      packages: "<PACKAGES>",
      "install-packages": 'for package in %{packages}; do cp -a "debian/$package/." %{install-root}; done',
      "clear-debian": `rm -r %{install-root}/${CONTROL_DIRECTORY}`,
    },
    commands: {
      "build-commands": ["%{prepare-dir}", "%{clean}", "%{build}", "%{binary}"],
      "install-commands": ["%{install-packages}", "%{clear-debian}"],
    },
    environment: { MAKEFLAGS: "-j%{max-jobs}", V: "1", DH_VERBOSE: "1", QUILT_PATCHES: "debian/patches" },
    nocache: ["MAKEFLAGS", "V", "DH_VERBOSE"],
  }),
  configure(config, facts) {
    const build = configureBuild(config, facts);
    const debian = inTree(joinPath(facts.variable("build-root") ?? "/", "debian"));
    return {
      ...build,
      async assemble(io) {
        const control = readText(io, io.root, `${debian}/control`);
        if (control === undefined) throw facts.error("The sources have no debian/control");
        const names = packagesOf(control);
        const collected = await build.assemble(io, withPackages(names));
        publish(io, facts, names, io.root.openDirectory(debian));
        return collected;
      },
    };
  },
};

function packagesOf(control: string): string[] {
  return [...control.matchAll(/Package:\s*(.+)\n/g)].map(([, name = ""]) => name);
}

/** Says in public data which files belong to which package, and what their control files and scripts are. */
function publish(io: BuildIo, { name, error }: ElementFacts, packages: readonly string[], debian: Tree): void {
  const splitRules: Record<string, string[]> = {};
  const dpkgData: Record<string, { name: string; control: string }> = {};
  const scripts: Record<string, Record<string, string>> = {};
  const contents = new Map<string, string>();
  const overlaps = new Set<string>();
  for (const each of packages) {
    const files = debian.openDirectory(each);
    const paths = [...files.paths()].filter((path) => !path.startsWith(CONTROL_DIRECTORY));
    splitRules[each] = paths.map((path) => `/${path}`);
    for (const path of paths) {
      const file = files.lookup(path);
      if (file?.kind !== "file") continue;
      const digest = formatDigest(file.digest);
      if (contents.has(path) && contents.get(path) !== digest) overlaps.add(`/${path}`);
      contents.set(path, digest);
    }
    const control = readText(io, files, `${CONTROL_DIRECTORY}/control`);
    if (control === undefined) {
      throw error(`The package ${each} of ${name} was built without ${CONTROL_DIRECTORY}/control`);
    }
    dpkgData[each] = { name: each, control: control.trim() };
    for (const script of MAINTAINER_SCRIPTS) {
      const content = readText(io, files, `${CONTROL_DIRECTORY}/${script}`);
      if (content !== undefined) scripts[each] = { ...scripts[each], [script]: content.trim() };
    }
  }
  if (overlaps.size > 0) {
    io.warn("Packages have different files of the same name", { detail: [...overlaps].join("\n") });
  }
  const hasScripts = Object.keys(scripts).length > 0;
  const data = mappingFrom({
    "split-rules": splitRules,
    "dpkg-data": dpkgData,
    ...(hasScripts && { "package-scripts": scripts }),
  });
  const own = io.ownPublicData("bst") ?? MappingNode.empty;
  io.setPublicData("bst", own.withEntries(new Map([...own.entries, ...data.entries])));
}

function readText(io: BuildIo, directory: Tree, path: string): string | undefined {
  const file = directory.lookup(path, { followSymlinks: true });
  return file?.kind === "file" ? io.cas.read(file.digest).toString("utf8") : undefined;
}
