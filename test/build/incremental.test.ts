/** The changes of sources are brought into a build tree, which otherwise stays as the build left it. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { applyChanges } from "../../src/build/incremental.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { tempDir } from "../helpers.ts";

const cas = new Cas(tempDir("cas"));

/** From paths to texts; a path that ends in `/` is an empty folder. */
type Files = Readonly<Record<string, string>>;

function write(files: Files): Digest {
  const tree = new Tree(cas);
  for (const [path, text] of Object.entries(files)) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    tree.makeDirectory(folder);
    if (path !== folder) tree.addFile(path, cas.write(text), { executable: text.startsWith("#!") });
  }
  return tree.digest();
}

function read(digest: Digest): Files {
  const files: Record<string, string> = {};
  for (const { path, node } of new Tree(cas, digest).entries()) {
    if (node.kind === "file") files[path] = cas.read(node.digest).toString();
    if (node.kind === "directory" && new Tree(cas, node.digest).isEmpty()) files[`${path}/`] = "";
  }
  return files;
}

function changed(built: Files, before: Files, after: Files): Files {
  return read(applyChanges(cas, write(built), write(before), write(after)));
}

it("adds, changes and removes what was added, changed and removed", () => {
  expect(
    changed(
      { "a.c": "1", "b.c": "1", "c.c": "1", "a.o": "A", "sub/d.c": "1", "sub/d.o": "D" },
      { "a.c": "1", "b.c": "1", "c.c": "1", "sub/d.c": "1" },
      { "a.c": "2", "c.c": "1", "new/e.c": "1", "sub/d.c": "2", "sub/f.c": "1" },
    ),
  ).toEqual({
    "a.c": "2",
    "a.o": "A",
    "c.c": "1",
    "new/e.c": "1",
    "sub/d.c": "2",
    "sub/d.o": "D",
    "sub/f.c": "1",
  });
});

it("keeps what the build did to sources that did not change", () => {
  expect(changed({ "a.c": "patched", extra: "x" }, { "a.c": "1", "b.c": "1" }, { "a.c": "1", "b.c": "2" })).toEqual({
    "a.c": "patched",
    "b.c": "2",
    extra: "x",
  });
});

it("takes no offence at removed sources that the build has removed too", () => {
  expect(changed({ out: "x" }, { gone: "1", other: "1" }, { other: "1" })).toEqual({ out: "x" });
});

it("lets folders take the place of files, and files that of folders", () => {
  expect(changed({ a: "1", "b/c": "1", "b/out": "x" }, { a: "1", "b/c": "1" }, { "a/x": "1", b: "2" })).toEqual({
    "a/x": "1",
    b: "2",
  });
  expect(changed({ "a/out": "x" }, {}, { "a/x": "1" })).toEqual({ "a/out": "x", "a/x": "1" });
});

it("tells an executable from a plain file, and an older file from a newer one", () => {
  const digest = cas.write("x");
  const [plain, executable, older, newer] = [
    { executable: false },
    { executable: true },
    { executable: false, mtime: { seconds: 1, nanos: 0 } },
    { executable: false, mtime: { seconds: 2, nanos: 0 } },
  ].map((attributes) => {
    const tree = new Tree(cas);
    tree.addFile("file", digest, attributes);
    return tree.digest();
  });
  if (!plain || !executable || !older || !newer) throw new Error("four trees were made");
  expect(applyChanges(cas, plain, plain, executable)).toEqual(executable);
  expect(applyChanges(cas, newer, older, newer)).toEqual(newer);
  expect(applyChanges(cas, older, older, newer)).toEqual(newer);
});

const name = fc.constantFrom("a", "b", "c", "d/a", "d/b", "d/e/a", "f/");
const files: fc.Arbitrary<Files> = fc.dictionary(name, fc.constantFrom("1", "2", "#!3"));

it("gives the new sources where nothing was built, for any two sources", () => {
  fc.assert(
    fc.property(files, files, (before, after) => {
      expect(changed(before, before, after)).toEqual(read(write(after)));
    }),
  );
});

it("leaves alone what sources never had, for any build", () => {
  const built = fc.dictionary(fc.constantFrom("x", "d/x", "d/e/x", "y/z"), fc.constantFrom("1", "2"));
  fc.assert(
    fc.property(files, files, built, (before, after, outputs) => {
      const both = { ...before, ...outputs };
      const result = changed(both, before, after);
      // Folders that a source file took the place of are gone, with all that was in them.
      const kept = Object.entries(outputs).filter(([path]) => path === "x" || path === "y/z");
      for (const [path, text] of kept) expect(result[path]).toBe(text);
      for (const [path, text] of Object.entries(read(write(after)))) {
        if (!path.endsWith("/")) expect(result[path]).toBe(text);
      }
    }),
  );
});
