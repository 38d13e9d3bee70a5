import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { digestOf } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import { type MaterialiseOptions, materialise } from "../../src/cas/materialise.ts";
import { ABSENT, checkedObjects, digestOfLayout, temporaryCas, temporaryDirectory, treeOf } from "./helpers.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const LAYOUT = {
  bin: { run: "* #!/bin/sh\n", sh: "-> run" },
  empty: {},
  etc: { conf: "text", none: "" },
  same: "#!/bin/sh\n",
};
const TIME = 1321009871;

/** `path mode mtime target`, of everything. */
function listing(directory: string): string[] {
  const names = fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).sort();
  return ["", ...names].map((name) => {
    const stat = fs.lstatSync(`${directory}/${name}`);
    const target = stat.isSymbolicLink() ? ` ${fs.readlinkSync(`${directory}/${name}`)}` : "";
    return `${name} ${(stat.mode & 0o7777).toString(8)} ${stat.mtimeMs / 1000}${target}`;
  });
}

const modes: MaterialiseOptions[] = [
  { mode: "copy" },
  { mode: "hardlink" },
  { mode: "copy", mtime: TIME },
  { mode: "hardlink", mtime: TIME },
];

describe.each(modes)("with %o", (options) => {
  test("what is written is what the tree says, each time", () => {
    const cas = temporaryCas();
    const digest = digestOfLayout(cas, LAYOUT);
    const target = temporaryDirectory();
    const umask = process.umask(0o077);
    materialise(cas, digest, `${target}/new/one`, options);
    process.umask(umask);
    materialise(cas, digest, `${target}/two`, options);
    for (const written of ["new/one", "two"]) expect(importLocal(cas, `${target}/${written}`)).toEqual(digest);
    if (options.mtime !== undefined) expect(listing(`${target}/two`)).toEqual(listing(`${target}/new/one`));
    expect(fs.readdirSync(cas.temporaryDirectory)).toEqual([]);
    checkedObjects(cas);
  });

  test("a missing blob is an error, and nothing is left of what was made for it", () => {
    const cas = temporaryCas();
    const tree = treeOf(cas, LAYOUT);
    tree.addFile("etc/zzz", ABSENT, { executable: false });
    const target = temporaryDirectory();
    const notFound = { domain: "cas", message: expect.stringContaining("not found") };
    expect(() => materialise(cas, tree.digest(), `${target}/a/b/c`, options)).toThrow(
      expect.objectContaining(notFound),
    );
    expect(fs.readdirSync(target)).toEqual([]);
    fs.writeFileSync(`${target}/mine`, "kept");
    expect(() => materialise(cas, tree.digest(), target, options)).toThrow();
    expect(fs.readFileSync(`${target}/mine`, "utf8")).toBe("kept");
  });

  test("a damaged blob is an error", () => {
    const cas = temporaryCas();
    const digest = digestOfLayout(cas, LAYOUT);
    fs.rmSync(cas.objectPath(digestOf("text")));
    fs.writeFileSync(cas.objectPath(digestOf("text")), "te");
    const damaged = { domain: "cas", message: expect.stringContaining("damaged") };
    const target = `${temporaryDirectory()}/new`;
    expect(() => materialise(cas, digest, target, options)).toThrow(expect.objectContaining(damaged));
  });

  test("a symlink that is in the way is not followed, and nothing is replaced unless asked", () => {
    const cas = temporaryCas();
    const digest = digestOfLayout(cas, { a: { file: "young" }, file: "young", link: "-> young" });
    const elsewhere = temporaryDirectory();
    fs.writeFileSync(`${elsewhere}/file`, "old");
    const target = temporaryDirectory();
    fs.symlinkSync(elsewhere, `${target}/a`);
    const refused = expect.objectContaining({ domain: "cas" });
    expect(() => materialise(cas, digest, target, { ...options, overwrite: true })).toThrow(refused);
    fs.rmSync(`${target}/a`);
    fs.rmSync(`${target}/file`);
    fs.rmSync(`${target}/link`);
    fs.symlinkSync(`${elsewhere}/file`, `${target}/file`);
    expect(() => materialise(cas, digest, target, options)).toThrow(refused);
    materialise(cas, digest, target, { ...options, overwrite: true });
    expect(importLocal(cas, target)).toEqual(digest);
    expect(fs.readFileSync(`${elsewhere}/file`, "utf8")).toBe("old");
    expect(fs.readdirSync(elsewhere)).toEqual(["file"]);
  });

  test("times that the tree itself has are used, to the microsecond", () => {
    const cas = temporaryCas();
    const tree = treeOf(cas, {});
    for (let i = 0; i < 100; i++) {
      const mtime = { seconds: 1795258065, nanos: 304_158_000 + i * 1000 };
      tree.addFile(`dated${i}`, cas.write("text"), { executable: true, mtime });
    }
    const mtime = { seconds: 1000, nanos: 7000 };
    const target = `${temporaryDirectory()}/new`;
    const digest = cas.writeDirectory({ ...cas.readDirectory(tree.digest()), mtime });
    materialise(cas, digest, target, options);
    expect(importLocal(cas, target, { mtimes: true })).toEqual(digest);
  });
});

test("copies are the caller's own", () => {
  const cas = temporaryCas();
  const target = `${temporaryDirectory()}/new`;
  materialise(cas, digestOfLayout(cas, LAYOUT), target, { mode: "copy", mtime: TIME });
  expect(listing(target)).toEqual([
    " 755 1321009871",
    "bin 755 1321009871",
    "bin/run 755 1321009871",
    "bin/sh 777 1321009871 run",
    "empty 755 1321009871",
    "etc 755 1321009871",
    "etc/conf 644 1321009871",
    "etc/none 644 1321009871",
    "same 644 1321009871",
  ]);
  fs.appendFileSync(`${target}/same`, "changed");
  checkedObjects(cas);
});

test("links without a time share the objects, but for those that must be executable", () => {
  const cas = temporaryCas();
  const target = temporaryDirectory();
  const digest = digestOfLayout(cas, LAYOUT);
  // As BuildStream's checkout by hard links leaves an object.
  fs.chmodSync(cas.objectPath(digestOf("text")), 0o555);
  for (const name of ["one", "two"]) materialise(cas, digest, `${target}/${name}`, { mode: "hardlink" });
  const stat = (path: string) => fs.statSync(path);
  const object = stat(cas.objectPath(digestOf("#!/bin/sh\n")));
  expect(stat(`${target}/one/same`).ino).toBe(object.ino);
  expect(stat(`${target}/one/bin/run`).ino).not.toBe(object.ino);
  expect(stat(`${target}/one/bin/run`).ino).toBe(stat(`${target}/two/bin/run`).ino);
  const permissions = ["bin/run", "same", "etc/conf"].map((name) => stat(`${target}/one/${name}`).mode & 0o777);
  expect(permissions).toEqual([0o555, 0o444, 0o444]);
});

test("links with a time keep mode and time, whatever happens to the objects' own", () => {
  const cas = temporaryCas();
  const target = temporaryDirectory();
  const digest = digestOfLayout(cas, LAYOUT);
  const options = { mode: "hardlink", mtime: TIME } as const;
  materialise(cas, digest, `${target}/one`, options);
  const before = listing(`${target}/one`);
  // As buildbox-casd does when an object is used.
  for (const object of checkedObjects(cas)) fs.utimesSync(object, 2e9, 2e9);
  materialise(cas, digest, `${target}/two`, options);
  expect(listing(`${target}/one`)).toEqual(before);
  expect(listing(`${target}/two`)).toEqual(before);
  expect(fs.statSync(`${target}/one/same`).ino).toBe(fs.statSync(`${target}/two/same`).ino);
  materialise(cas, digest, `${target}/three`, { ...options, mtime: 5 });
  expect(fs.statSync(`${target}/three/same`).mtimeMs).toBe(5000);
  expect(listing(`${target}/one`)).toEqual(before);
});

test("a file to link to that a crash left empty is made again", () => {
  const cas = temporaryCas();
  const target = temporaryDirectory();
  const digest = digestOfLayout(cas, LAYOUT);
  const options = { mode: "hardlink", mtime: TIME } as const;
  materialise(cas, digest, `${target}/one`, options);
  execFileSync("find", [`${cas.root}/linkable`, "-type", "f", "-exec", "truncate", "-s0", "{}", "+"]);
  materialise(cas, digest, `${target}/two`, options);
  expect(importLocal(cas, `${target}/two`)).toEqual(digest);
});

test.each(["EXDEV", "EMLINK", "EPERM"])("where a link fails with %s, there is a copy", (code) => {
  const cas = temporaryCas();
  const digest = digestOfLayout(cas, LAYOUT);
  vi.spyOn(fs, "linkSync").mockImplementation(() => {
    throw Object.assign(new Error(code), { code });
  });
  for (const mtime of [undefined, TIME]) {
    const target = `${temporaryDirectory()}/new`;
    materialise(cas, digest, target, mtime === undefined ? { mode: "hardlink" } : { mode: "hardlink", mtime });
    expect(importLocal(cas, target)).toEqual(digest);
    expect(fs.statSync(`${target}/same`)).toMatchObject({ nlink: 1, mode: 0o100644 });
  }
});
