/** Kind `tar_element`: one tar archive of the files of its dependencies. */
import { inTree, joinPath } from "../base/paths.ts";
import { record, text } from "../base/schema.ts";
import type { Compression, ElementKind } from "../project/element-kind.ts";

const INPUT = "/input";
const OUTPUT = "/output";

const SUFFIXES: Readonly<Record<Compression, string>> = {
  none: ".tar",
  gzip: ".tar.gz",
  xz: ".tar.xz",
  bzip2: ".tar.bz2",
};

export const tarElement: ElementKind = {
  kind: "tar_element",
  isPlugin: true,
  schema: record({ filename: text, compression: text }, ["filename", "compression"]),
  defaults: { config: { filename: "files", compression: "gzip" } },
  strictRebuild: true,
  forbids: ["runtime-depends", "sources"],
  configure(config, { error }) {
    const filename = config.string("filename") ?? "";
    const compression = config.string("compression") ?? "";
    if (!isCompression(compression)) {
      throw error(`'${compression}' is no compression: it is one of ${Object.keys(SUFFIXES).join(", ")}`);
    }
    return {
      uniqueKey: () => ({ filename, compression }),
      stage: (io) => io.stageDependencies({ path: INPUT }),
      async assemble(io) {
        const files = io.root.openDirectory(inTree(INPUT), { create: true }).digest();
        io.root.openDirectory(inTree(OUTPUT), { create: true });
        const archive = await io.activity("Creating tarball", () => io.archive(files, compression));
        const path = joinPath(OUTPUT, filename + SUFFIXES[compression]);
        io.root.addFile(inTree(path), archive, { executable: false });
        return OUTPUT;
      },
    };
  },
};

function isCompression(name: string): name is Compression {
  return Object.hasOwn(SUFFIXES, name);
}
