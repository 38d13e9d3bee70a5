/** One cache for both: BuildStream builds on what we stored, and we read what it built. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { digestOf, formatDigest, parseDigest } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import { materialise } from "../../src/cas/materialise.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { checkedObjects, layoutOf, temporaryDirectory } from "./helpers.ts";
import { absent, bst } from "./oracle.ts";

const LAYOUT = {
  bin: { run: "* #!/bin/sh\n", sh: "-> run" },
  empty: {},
  größe: "one",
  "\uffee": "two",
  "\u{1f600}": "",
};

interface Project {
  readonly directory: string;
  readonly cas: Cas;
  /** Runs BuildStream; its standard output. */
  readonly run: (...args: string[]) => string;
}

function writeProject(): Project {
  const directory = temporaryDirectory();
  const cache = temporaryDirectory();
  fs.mkdirSync(`${directory}/files/bin`, { recursive: true });
  fs.mkdirSync(`${directory}/files/empty`);
  fs.writeFileSync(`${directory}/files/bin/run`, "#!/bin/sh\n", { mode: 0o711 });
  fs.symlinkSync("run", `${directory}/files/bin/sh`);
  for (const name of ["größe", "\uffee", "\u{1f600}"] as const) {
    fs.writeFileSync(`${directory}/files/${name}`, LAYOUT[name], { mode: 0o600 });
  }
  fs.writeFileSync(`${directory}/project.conf`, "name: test\nmin-version: 2.0\n");
  fs.writeFileSync(`${directory}/a.bst`, "kind: import\nsources:\n- kind: local\n  path: files\n");
  fs.writeFileSync(`${cache}/bst.conf`, `cachedir: ${cache}\n`);
  const run = (...args: string[]) => {
    const command = ["--config", `${cache}/bst.conf`, "--no-interactive", ...args];
    return execFileSync(bst, command, { cwd: directory, encoding: "utf8", stdio: "pipe" });
  };
  return { directory, cas: new Cas(`${cache}/cas`), run };
}

/** The tree that BuildStream says it built. */
function builtTree({ run }: Project): string {
  return run("show", "--format", "%{artifact-cas-digest}", "a.bst").trim();
}

describe.skipIf(absent)("with BuildStream", () => {
  test("we read what it built, and make the same of the same files", () => {
    const project = writeProject();
    project.run("build", "a.bst");
    const { cas, directory } = project;
    const digest = parseDigest(builtTree(project));
    expect(digest && cas.hasTree(digest)).toBe(true);
    expect(layoutOf(new Tree(cas, digest))).toEqual(LAYOUT);
    expect(importLocal(cas, `${directory}/files`)).toEqual(digest);
    expect(importLocal(new Cas(temporaryDirectory()), `${directory}/files`)).toEqual(digest);
    const target = temporaryDirectory();
    for (const mode of ["copy", "hardlink"] as const) {
      materialise(cas, digest ?? digestOf(""), `${target}/${mode}`, { mode });
      expect(importLocal(cas, `${target}/${mode}`)).toEqual(digest);
    }
    checkedObjects(cas);
  });

  test("it builds on what we stored, and checks it out", () => {
    const project = writeProject();
    const { cas, directory, run } = project;
    const digest = importLocal(cas, `${directory}/files`);
    const inodes = checkedObjects(cas).map((object) => [object, fs.statSync(object).ino]);
    run("build", "a.bst");
    expect(builtTree(project)).toBe(formatDigest(digest));
    // Ours, not others in their place.
    for (const [object, inode] of inodes) expect(fs.statSync(String(object)).ino).toBe(inode);
    for (const object of checkedObjects(cas)) expect(fs.statSync(object).mode & 0o777).toBe(0o444);
    // Now the other way round: files of its artifact come from us.
    for (const { node } of new Tree(cas, digest).entries()) {
      if (node.kind === "file") fs.rmSync(cas.objectPath(node.digest), { force: true });
    }
    importLocal(cas, `${directory}/files`);
    const target = `${temporaryDirectory()}/checkout`;
    run("artifact", "checkout", "--hardlinks", "--directory", target, "a.bst");
    expect(importLocal(cas, target)).toEqual(digest);
    // It has made an object executable; we still link to it as a file that is not.
    materialise(cas, digest, `${target}2`, { mode: "hardlink" });
    expect(importLocal(cas, `${target}2`)).toEqual(digest);
  });
});
