/** Kind `snap_image`: the files of its dependencies with the metadata that makes a snap of them. */
import { posix } from "node:path";
import { Document, isCollection, isPair, visit } from "yaml";
import { bool, record, text, textList } from "../base/schema.ts";
import type { ElementKind } from "../project/element-kind.ts";
import type { Plain } from "../yaml/node.ts";
import { writeFile } from "./write-file.ts";

export const snapImage: ElementKind = {
  kind: "snap_image",
  isPlugin: true,
  schema: record({ directory: text, include: textList, exclude: textList, "include-orphans": bool, metadata: {} }, [
    "directory",
    "include",
    "exclude",
    "include-orphans",
    "metadata",
  ]),
  defaults: { config: { include: [], exclude: [], "include-orphans": "True" } },
  artifactVersion: 1,
  collects: true,
  forbids: ["runtime-depends", "sources"],
  configure(config) {
    const directory = config.string("directory") ?? "/";
    const include = config.strings("include") ?? [];
    const exclude = config.strings("exclude") ?? [];
    const orphans = config.bool("include-orphans") ?? true;
    const metadata = config.get("metadata")?.toPlain() ?? {};
    const root = posix.resolve("/", directory);
    return {
      uniqueKey: () => ({
        directory,
        include: [...include].sort(),
        exclude: [...exclude].sort(),
        "include-orphans": orphans,
        metadata,
      }),
      stage: (io) => io.activity("Staging dependencies", () => io.stageDependencies({ include, exclude, orphans })),
      assemble(io) {
        writeFile(io, posix.join(root, "meta/snap.yaml"), snapYaml(metadata));
        return root;
      },
    };
  },
};

/** All values are text, and quoted where they would be read as something else. */
function snapYaml(metadata: Plain): string {
  const document = new Document(metadata, { sortMapEntries: true });
  visit(document, {
    Collection(_, node) {
      node.flow = !node.items.some((item) => isCollection(isPair(item) ? item.value : item));
    },
  });
  return document.toString({ singleQuote: true, flowCollectionPadding: false, indentSeq: false });
}
