/** Sources are checked out to a folder for each element, or to an archive, with scripts that build them. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { project, runCli, tempDir } from "../helpers.ts";

const cwd = project({
  "top.bst": `kind: manual
build-depends: [sub/tool.bst, 'junction.bst:sub/below.bst']
runtime-depends: [data.bst]
sources:
- kind: local
  path: files/top
environment: {NAME: it's}
config:
  build-commands:
  - echo "$NAME" > out
  install-commands:
  - cp out %{install-root}
`,
  "sub/tool.bst": "kind: import\nsources:\n- kind: local\n  path: files/tool\n",
  "data.bst": "kind: import\nsources:\n- kind: local\n  path: files/data\n",
  "stack.bst": "kind: stack\ndepends: [top.bst]\n",
  "junction.bst": "kind: junction\nsources:\n- kind: local\n  path: subproject\n",
  "subproject/project.conf": "name: sub\nmin-version: 2.0\n",
  "subproject/sub/below.bst": "kind: import\nsources:\n- kind: local\n  path: files\n",
  "subproject/files/b": "b",
  "files/top/t": "t",
  "files/tool/run": { executable: "#!/bin/sh\n" },
  "files/data/d": "d",
});

const run = (...args: string[]) => runCli(["source", "checkout", ...args], { cwd });

function listed(directory: string): string[] {
  const paths = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => statSync(join(directory, path)).isFile()).sort();
}

it.each([
  ["none", ["top/t"]],
  ["run", ["data/d", "top/t"]],
  ["build", ["junction/sub-below/b", "sub-tool/run"]],
  ["all", ["data/d", "junction/sub-below/b", "sub-tool/run", "top/t"]],
])("--deps %s", async (deps, expected) => {
  const to = join(tempDir("checkout"), "it");
  expect(await run("--deps", deps, "--directory", to, "top.bst")).toMatchObject({ code: 0 });
  expect(listed(to)).toEqual(expected);
  if (deps === "all") expect(statSync(join(to, "sub-tool/run")).mode & 0o111).not.toBe(0);
});

it("leaves out exceptions, and elements without sources", async () => {
  const to = join(tempDir("checkout"), "it");
  expect(await run("--deps", "all", "--except", "sub/tool.bst", "--directory", to, "stack.bst")).toMatchObject({
    code: 0,
  });
  expect(readdirSync(to).sort()).toEqual(["data", "junction", "top"]);
});

it("takes no folder with content, and no file that exists, unless it may", async () => {
  const to = join(tempDir("checkout"), "it");
  for (const where of [
    ["--directory", to],
    ["--tar", `${to}.tar`],
  ]) {
    expect(await run(...where, "top.bst")).toMatchObject({ code: 0 });
    expect(await run(...where, "top.bst")).toMatchObject({ code: 255, error: { domain: "stream" } });
    expect(await run("--force", ...where, "top.bst")).toMatchObject({ code: 0 });
  }
  expect(await run("--tar", `${to}.tar`, "--directory", to, "top.bst")).toMatchObject({
    code: 255,
    stderr: expect.stringContaining("ERROR: options --directory and --tar conflict"),
  });
  expect(await run("--directory", to, "--compression", "gz", "top.bst")).toMatchObject({
    code: 255,
    stderr: expect.stringContaining("ERROR: --compression specified without --tar"),
  });
  expect(await run()).toMatchObject({ code: 255, error: { domain: "app" } });
});

it.each(["gz", "xz", "bz2"])("archives by %s", async (compression) => {
  const tar = join(tempDir("checkout"), "it.tar");
  expect(await run("--tar", tar, "--compression", compression, "top.bst")).toMatchObject({ code: 0 });
  const flag = { gz: "z", xz: "J", bz2: "j" }[compression];
  const names = execFileSync("tar", [`-t${flag}f`, tar], { encoding: "utf8" });
  expect(names).toBe("top/\ntop/t\n");
});

it("adds scripts that build the elements", async () => {
  const to = join(tempDir("checkout"), "it");
  const args = ["--deps", "all", "--include-build-scripts", "--directory", to];
  expect(await run(...args, "top.bst")).toMatchObject({ code: 0 });
  const scripts = ["build-data", "build-sub-below", "build-sub-tool", "build-top", "build.sh"];
  expect(listed(to).filter((path) => path.startsWith("build"))).toEqual(scripts);
  for (const script of scripts) {
    expect(statSync(join(to, script)).mode & 0o111).not.toBe(0);
    execFileSync("sh", ["-n", join(to, script)]);
  }
  const modules = /for name in (.*); do/.exec(readFileSync(join(to, "build.sh"), "utf8"))?.[1];
  expect(modules).toBe("sub-below sub-tool data top");
});

it("means the workspace's element in its folder, and its files", async () => {
  const workspace = join(tempDir("workspace"), "it");
  const open = ["workspace", "open", "--directory", workspace, "data.bst"];
  expect(await runCli(open, { cwd })).toMatchObject({ code: 0 });
  const to = join(tempDir("checkout"), "it");
  const checkout = ["-C", workspace, "source", "checkout", "--directory", to];
  expect(await runCli(checkout, { cwd })).toMatchObject({ code: 0 });
  expect(existsSync(join(to, "data/.bstproject.yaml"))).toBe(true);
  expect(readFileSync(join(to, "data/d"), "utf8")).toBe("d");
});
