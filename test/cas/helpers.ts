/** Temporary stores, trees written as text, and random trees. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { onTestFinished } from "vitest";
import { type Digest, digestOf } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";

export function temporaryDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "bst-ts-cas-"));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function temporaryCas(): Cas {
  return new Cas(`${temporaryDirectory()}/cas`);
}

/** `text`: a file; `* text`: an executable; `-> target`: a symlink; an object: a directory. */
export interface Layout {
  readonly [name: string]: string | Layout;
}

export function treeOf(cas: Cas, layout: Layout): Tree {
  const tree = new Tree(cas);
  for (const [name, content] of Object.entries(layout)) {
    if (typeof content !== "string") tree.makeDirectory(name).importTree(treeOf(cas, content));
    else if (content.startsWith("-> ")) tree.addSymlink(name, content.slice(3));
    else if (content.startsWith("* ")) tree.addFile(name, cas.write(content.slice(2)), { executable: true });
    else tree.addFile(name, cas.write(content), { executable: false });
  }
  return tree;
}

export function digestOfLayout(cas: Cas, layout: Layout): Digest {
  return treeOf(cas, layout).digest();
}

export function layoutOf(tree: Tree): Layout {
  const layout: Record<string, string | Layout> = {};
  for (const { path: name, node } of tree.entries()) {
    if (name.includes("/")) continue;
    if (node.kind === "directory") layout[name] = layoutOf(tree.openDirectory(name));
    else if (node.kind === "symlink") layout[name] = `-> ${node.target}`;
    else layout[name] = `${node.executable ? "* " : ""}${tree.cas.read(node.digest)}`;
  }
  return layout;
}

/** Few names and contents, so that random trees have much in common. */
export function arbitraryLayout(): fc.Arbitrary<Layout> {
  const { layout } = fc.letrec<{ layout: Layout; entry: string | Layout }>((tie) => ({
    layout: fc.dictionary(fc.constantFrom("a", "b", "c", "é", "\uffee", "\u{1f600}"), tie("entry"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    entry: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom("one", "two", "* one", "-> a", "-> ../b/c"),
      tie("layout"),
      tie("layout"),
    ),
  }));
  return layout;
}

/** Paths of all objects; fails if one is not what its name says. */
export function checkedObjects(cas: Cas): string[] {
  if (!fs.existsSync(`${cas.root}/objects`)) return [];
  const objects = fs.readdirSync(`${cas.root}/objects`, { recursive: true, withFileTypes: true });
  return objects
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = `${entry.parentPath}/${entry.name}`;
      const hash = createHash("sha256").update(fs.readFileSync(file)).digest("hex");
      if (!file.endsWith(`/${hash.slice(0, 2)}/${hash.slice(2)}`)) throw new Error(`${file} has the hash ${hash}`);
      return file;
    });
}

export const ABSENT = digestOf("never stored");
