/** Kind `dpkg_deploy`: Debian packages of the split domains of an element, by what its public data say of them. */
import { createHash } from "node:crypto";
import { inTree, joinPath } from "../base/paths.ts";
import { record, textList } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { BuildIo, DependencyFacts, ElementFacts, ElementKind } from "../project/element-kind.ts";
import { MappingNode } from "../yaml/node.ts";
import { CONTROL_DIRECTORY, MAINTAINER_SCRIPTS, withPackages } from "./dpkg-data.ts";
import { ImageScript, imageElementShape } from "./image-element.ts";
import { writeFile } from "./write-file.ts";

const STEP = "build-commands";

export const dpkgDeploy: ElementKind = {
  ...imageElementShape,
  kind: "dpkg_deploy",
  schema: record({ [STEP]: textList }),
  defaults: {
    variables: {
      packages: "<PACKAGES>",
      buildpkg: `for package in %{packages}; do
  chmod 0755 %{build-root}/$package/${CONTROL_DIRECTORY}
  dpkg-deb --build %{build-root}/$package %{install-root}
done`,
    },
    config: { [STEP]: ["%{buildpkg}"] },
  },
  configure(config, facts) {
    const commands = config.strings(STEP);
    if (commands === undefined) throw facts.error(`The step '${STEP}' has no commands`);
    const script = new ImageScript(facts);
    script.commands.set(STEP, commands);
    let input: DependencyFacts | undefined;
    const data = (io: BuildIo) => {
      if (input === undefined) throw new Error(`${facts.fullName} was built before its dependencies were checked`);
      return new PackageData(io, facts, input);
    };
    return {
      ...script.behaviour(),
      configureDependencies(dependencies) {
        input = script.addDependencies(dependencies);
      },
      uniqueKey: () => ({ ...script.keyFields(), "unedited-commands": { [STEP]: commands } }),
      async stage(io) {
        await script.stage(io);
        const packages = data(io);
        for (const name of packages.names) packages.unpack(name, facts.variable("build-root") ?? "/");
      },
      assemble: (io) => script.assemble(io, withPackages(data(io).names)),
    };
  },
};

/** The packages that an element's public data describe. */
class PackageData {
  readonly names: readonly string[];
  private readonly io: BuildIo;
  private readonly facts: ElementFacts;
  private readonly input: DependencyFacts;
  private readonly bst: MappingNode;
  private readonly packages: MappingNode;

  constructor(io: BuildIo, facts: ElementFacts, input: DependencyFacts) {
    this.io = io;
    this.facts = facts;
    this.input = input;
    this.bst = io.publicData(input, "bst") ?? MappingNode.empty;
    const packages = this.bst.mapping("dpkg-data");
    if (packages === undefined) {
      throw facts.error(`${input.fullName} has no Debian packages: its public data have no 'dpkg-data' under 'bst'`);
    }
    this.packages = packages;
    this.names = packages.keys();
  }

  /** Makes a folder below the input, of the package's name, with the files and the control data of the package. */
  unpack(name: string, directory: string): void {
    const { io, facts, input, bst } = this;
    if (!bst.mapping("split-rules")?.has(name)) {
      throw facts.error(`${input.fullName} has no split domain for its package ${name}`);
    }
    const control = this.packages.mapping(name)?.string("control");
    if (control === undefined) {
      throw facts.error(`${input.fullName} has no control file for its package ${name}`, {
        detail: `It belongs under bst: dpkg-data: ${name}: control: in its public data.`,
      });
    }
    const fullName = this.packages.mapping(name)?.string("name") ?? `${input.normalName}-${name}`;
    const paths = new Set(io.manifest(input, { include: [name] }));
    const files = io.root.openDirectory(inTree(directory), { create: true });
    const all = files.digest();
    files.openDirectory(name, { create: true }).importTree(all, { filter: (path) => paths.has(path) });

    const write = (file: string, content: string, executable = false) =>
      writeFile(io, joinPath(directory, `${name}/${CONTROL_DIRECTORY}/${file}`), content, { executable });
    write("control", `${control.replace(/^Package:\s*\S+/, () => `Package: ${fullName}`)}\n`);
    write("md5sums", checksums(io, files, paths));
    const scripts = bst.mapping("package-scripts")?.mapping(name);
    for (const script of MAINTAINER_SCRIPTS) {
      const content = scripts?.string(script);
      if (content) write(script, content, true);
    }
  }
}

/** In the form of the program `md5sum`. */
function checksums(io: BuildIo, files: Tree, paths: Iterable<string>): string {
  let lines = "";
  for (const path of paths) {
    const file = files.lookup(path);
    if (file?.kind !== "file") continue;
    const hash = createHash("md5");
    io.cas.readPieces(file.digest, (piece) => hash.update(piece));
    lines += `${hash.digest("hex")}  ${path}\n`;
  }
  return lines;
}
