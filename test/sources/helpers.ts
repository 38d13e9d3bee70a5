/** What a source kind is given by the engine, in a simple form for tests. */
import { mkdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Digest } from "../../src/cas/digest.ts";
import { importLocal, importLocalFile } from "../../src/cas/import.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { LocalTreeOptions, Source, SourceContext, SourceIo, SourceKind } from "../../src/project/source-kind.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";
import { tempDir } from "../helpers.ts";

export interface Bench {
  readonly cas: Cas;
  readonly context: SourceContext;
  readonly io: SourceIo;
  readonly warnings: string[];
  configure(kind: SourceKind, config: { readonly [key: string]: Plain }): Source;
  stage(source: Source): Promise<Tree>;
}

export function bench(aliases: Readonly<Record<string, readonly string[]>> = {}): Bench {
  const directory = tempDir("source");
  const cas = new Cas(join(directory, "cas"));
  const mirrorDirectory = join(directory, "mirror");
  mkdirSync(mirrorDirectory);
  const warnings: string[] = [];
  const candidates = (url: string) => {
    const [alias = "", rest = ""] = url.split(/:(.*)/s);
    return (aliases[alias] ?? [`${alias}:`]).map((base) => ({ url: base + rest }));
  };
  const localTree = (path: string, { mtimes = false, store = false }: LocalTreeOptions = {}): Digest => {
    if (statSync(path).isDirectory()) return importLocal(cas, path, { mtimes, store: store ? "all" : "none" });
    const tree = new Tree(cas);
    const { digest, executable } = importLocalFile(cas, path);
    tree.addFile(basename(path), digest, { executable });
    return tree.digest();
  };
  const context: SourceContext = {
    name: "target.bst-0",
    elementName: "target.bst",
    provenance: "target.bst [line 3 column 2]",
    projectDirectory: directory,
    projectPath: (node) => node.value,
    resolveUrl: (url) => candidates(url)[0]?.url ?? url,
    candidates,
    localTree,
    warn: (text) => warnings.push(text),
  };
  const io: SourceIo = {
    cas,
    mirrorDirectory,
    signal: new AbortController().signal,
    info: () => {},
    warn: (text) => warnings.push(text),
    activity: async (_text, step) => await step(),
  };
  return {
    cas,
    context,
    io,
    warnings,
    configure: (kind, config) => kind.configure(mappingFrom(config), context),
    async stage(source) {
      const tree = new Tree(cas);
      await source.stage(tree, io);
      return tree;
    },
  };
}

/** Every entry of a tree in one line each: `path`, `path*` if executable, `path -> target`, `path/`, with its content. */
export function listing(cas: Cas, tree: Tree): string[] {
  return [...tree.entries()].map(({ path, node }) => {
    if (node.kind === "directory") return `${path}/`;
    if (node.kind === "symlink") return `${path} -> ${node.target}`;
    return `${path}${node.executable ? "*" : ""} = ${cas.read(node.digest).toString("latin1").slice(0, 40)}`;
  });
}
