/** What elements declare for images, through compositions, and what is said where that can't be. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type FileContent, project, type RunResult, runCli, tempDir } from "../helpers.ts";
import type { Configuration, Index, Manifest } from "../oci/helpers.ts";

const importOf = (folder: string, oci: string) =>
  `kind: import\nsources: [{kind: local, path: ${folder}}]\npublic:\n  oci:\n${oci}`;
const image = (name: string) => `
kind: oci
build-depends: [${name}]
config:
  compression: none
  images: [{architecture: amd64, os: linux, layer: [${name}], layers: {max: 9}}]
`;
const files: Record<string, FileContent> = {
  "a/usr/bin/tool": { executable: "tool" },
  "a/usr/share/both": "a",
  "a/usr/include/a.h": "a",
  "b/usr/share/both": "b",
  "b/usr/share/own": "b",
  "a.bst": importOf(
    "a",
    "    files:\n      /usr/bin/*: {mode: '4755'}\n      /usr/share: {user: '1'}\n      /usr/bin/tol: {mode: '0700'}\n      /usr/share/: {capabilities: cap_chown=ep}\n",
  ),
  "b.bst": `${importOf("b", "    changes: often\n    files: [{path: /usr/share, user: '2'}]\n")}  bst:\n    overlap-whitelist: [/usr/share/both]\n`,
  "all.bst": "kind: stack\ndepends: [a.bst, b.bst]\n",
  "inner.bst": "kind: compose\nbuild-depends: [all.bst]\nconfig: {integrate: False, exclude: [devel]}\n",
  "outer.bst": `
kind: compose
build-depends: [inner.bst]
config: {integrate: False}
public:
  oci:
    files:
      /usr/share/own: {mode: '0600'}
`,
  "filtered.bst": "kind: filter\nbuild-depends: [outer.bst]\nconfig: {exclude: [runtime], include-orphans: True}\n",
  "image.bst": image("outer.bst"),
  "rest.bst": image("filtered.bst"),
  "plain.bst": image("all.bst"),
  "base.bst": "kind: import\nsources: [{kind: local, path: a}]\nconfig: {target: /base}\n",
  ...Object.fromEntries(
    ["d", "e", "f", "g"].map((name) => [
      `${name}.bst`,
      `kind: import\nsources: [{kind: local, path: b}]\nconfig: {target: /${name}}\n${
        name === "d" ? "" : "runtime-depends: [links.bst]\n"
      }`,
    ]),
  ),
  "links.bst": "kind: stack\ndepends: [base.bst]\n",
  "based.bst": "kind: compose\nbuild-depends: [d.bst, e.bst, f.bst, g.bst]\nconfig: {integrate: False}\n",
  "based-image.bst": image("based.bst").replace("max: 9", "max: 4"),
  "owner.bst": importOf("a", "    files: {/usr/bin/tool: {user: nobody}}\n"),
  "owner-image.bst": image("owner.bst"),
  "owners.bst": "kind: compose\nbuild-depends: [b.bst, owner.bst]\nconfig: {integrate: False}\n",
  "owners-image.bst": image("owners.bst"),
  "own-owner.bst":
    "kind: compose\nbuild-depends: [a.bst]\nconfig: {integrate: False}\npublic: {oci: {files: {/usr/bin/tool: {user: mine}}}}\n",
  "own-owner-image.bst": image("own-owner.bst"),
};

/** Each layer's entries, by what the history says of it. */
function layersOf(folder: string): Record<string, string[]> {
  const json = <T>(path: string): T => JSON.parse(readFileSync(join(folder, path), "utf8"));
  const blob = (digest = "") => `blobs/${digest.replace(":", "/")}`;
  const manifest = json<Manifest>(blob(json<Index>("index.json").manifests[0]?.digest));
  const { history } = json<Configuration & { history: { created_by: string }[] }>(blob(manifest.config.digest));
  return Object.fromEntries(
    manifest.layers.map(({ digest }, i) => {
      const listed = execFileSync("tar", ["--numeric-owner", "-tvf", join(folder, blob(digest))], { encoding: "utf8" });
      const lines = listed
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/));
      return [history[i]?.created_by ?? "", lines.map((words) => [words[0], words[1], words.at(-1)].join(" "))];
    }),
  );
}

describe("attributes that elements declare", () => {
  const cwd = project(files);
  let built: RunResult;

  const layers = async (name: string) => {
    const folder = join(tempDir("checkout"), "image");
    await runCli(["artifact", "checkout", "--directory", folder, name], { cwd });
    return layersOf(folder);
  };

  beforeAll(async () => {
    built = await runCli(["build", "image.bst", "rest.bst", "plain.bst"], { cwd });
    expect(built.code, built.stderr).toBe(0);
  });

  const share = ["drwxr-xr-x 0/0 usr/", "drwxr-xr-x 2/0 usr/share/"];

  test("come through compositions of compositions, and files with the elements that they are of", async () => {
    expect(await layers("image.bst")).toEqual({
      "a.bst": ["drwxr-xr-x 0/0 usr/", "drwxr-xr-x 0/0 usr/bin/", "-rwsr-xr-x 0/0 usr/bin/tool"],
      "b.bst": [...share, "-rw-r--r-- 0/0 usr/share/both", "-rw------- 0/0 usr/share/own"],
    });
  });

  test("come through filters", async () => {
    expect(await layers("rest.bst")).toEqual({
      "b.bst": [...share, "-rw-r--r-- 0/0 usr/share/both", "-rw------- 0/0 usr/share/own"],
    });
  });

  test("count where elements are a layer without a composition", async () => {
    expect(await layers("plain.bst")).toEqual({
      "a.bst": [
        "drwxr-xr-x 0/0 usr/",
        "drwxr-xr-x 0/0 usr/bin/",
        "-rwsr-xr-x 0/0 usr/bin/tool",
        "drwxr-xr-x 0/0 usr/include/",
        "-rw-r--r-- 0/0 usr/include/a.h",
      ],
      "b.bst": [...share, "-rw-r--r-- 0/0 usr/share/both", "-rw-r--r-- 0/0 usr/share/own"],
    });
  });

  test("that contradict each other, or are for no file, are warned of", () => {
    expect(built.stderr).toContain("No file of a.bst is among those that it declares attributes for: /usr/bin/tol");
    expect(built.stderr).toContain(
      "Only folders of a.bst are among those that it declares attributes for: /usr/share/; capabilities are for files",
    );
    expect(built.stderr).toContain("a.bst and b.bst declare different attributes for /usr/share");
  });

  test("have a layer of their own where most others need them", async () => {
    const { code, stderr } = await runCli(["build", "based-image.bst"], { cwd });
    expect(code, stderr).toBe(0);
    const names = Object.keys(await layers("based-image.bst"));
    expect(names[0]).toBe("base.bst");
    expect(names.slice(1).join()).toMatch(/d\.bst.*/);
  });

  test.each([
    ["owner-image.bst", "owner.bst [line 1 column 0]: /usr/bin/tool shall belong to 'nobody', whom"],
    ["owners-image.bst", "owner.bst [line 1 column 0]: /usr/bin/tool shall belong to 'nobody', whom"],
    ["own-owner-image.bst", "own-owner.bst [line 1 column 0]: /usr/bin/tool shall belong to 'mine', whom"],
  ])("need an owner whom the image knows: %s", async (name, message) => {
    const owner = await runCli(["build", name], { cwd });
    expect(owner.error?.task).toMatchObject({ domain: "element", reason: "oci-unknown-owner" });
    expect(owner.stderr).toContain(message);
  });
});

test.each([
  ["{files: {/usr/bin/tool: {mode: rwx}}}", "rwx", "A mode has three or four octal digits"],
  ["{files: {/usr/bin/tool: {colour: red}}}", "red", "Unexpected key: colour"],
  ["{files: [{user: app}]}", "{user", "It must say for which 'path' or 'paths' it is"],
  ["{files: {'/%{where}': {capabilities: cap_none=ep}}}", "cap_none", "The capabilities can't be read"],
  ["{files: {bin/tool: {mode: '755'}}}", "{bin", "'bin/tool' matches nothing: patterns are of absolute paths"],
  ["{files: {/x: {user: ''}}}", "''", "Value of 'user' can't be empty"],
  ["{files: {/x: {group: 4294967295}}}", "4294967295", "Numbers of users and groups end at 4294967294"],
  [
    "{files: {/x: {xattrs: {security.capability: x}}}}",
    "{security",
    "'security.capability' is what 'capabilities' says",
  ],
  ["{files: {/x: {xattrs: {user.a=b: x}}}}", "{user", "'user.a=b' is no name of an extended attribute"],
  ["{files: {/x: {xattrs: {user.a: ''}}}}", "''", "Value of 'user.a' can't be empty: layers can't hold such"],
  ["{files: {/: {mode: '0711'}}}", "{/:", "The root folder is of no element"],
  ["{changes: never}", "never", "Value of 'changes' must be one of"],
])("what is wrong in %s is found when it is loaded", async (data, at, message) => {
  const line = `public: {oci: ${data}}`;
  const cwd = project({
    "wrong.bst": `kind: manual\nvariables: {where: usr}\n${line}\n`,
    "top.bst": "kind: stack\ndepends: [wrong.bst]\n",
  });
  const { error } = await runCli(["show", "top.bst"], { cwd });
  expect(error).toMatchObject({ domain: "load", reason: "invalid-data" });
  expect(error?.message).toMatch(`wrong.bst [line 3 column ${line.indexOf(at)}]: ${message}`);
});

describe("attributes of a file that another element replaces", () => {
  const one = (more: string) =>
    `kind: oci\n${more.split(";")[0]}\nconfig:\n  compression: none\n  images: [{architecture: amd64, os: linux, ${more.split(";")[1]}}]\n`;
  const cwd = project({
    "f/usr/bin/x": { executable: "of f" },
    "f/usr/bin/own": { executable: "of f" },
    "g/usr/bin/x": { executable: "of g" },
    "f.bst": importOf("f", "    files: {/usr/bin/*: {mode: '4755', user: '5', capabilities: cap_net_raw=ep}}\n").concat(
      "  bst: {split-rules: {extra: [/usr/bin/own]}}\n",
    ),
    "g.bst":
      "kind: import\ndepends: [f.bst]\nsources: [{kind: local, path: g}]\npublic: {bst: {overlap-whitelist: [/usr/bin/x]}}\n",
    "all.bst": "kind: compose\nbuild-depends: [g.bst]\nconfig: {integrate: False}\n",
    "part.bst": "kind: filter\nbuild-depends: [all.bst]\nconfig: {include-orphans: True}\n",
    "extra.bst":
      "kind: compose\nbuild-depends: [f.bst]\nconfig: {integrate: False, include: [extra], include-orphans: False}\n",
    "declaring.bst":
      "kind: compose\nbuild-depends: [g.bst]\nconfig: {integrate: False}\npublic: {oci: {files: {/usr/bin/x: {mode: '0700'}}}}\n",
    "composed.bst": one("build-depends: [all.bst];layer: [all.bst]"),
    "filtered.bst": one("build-depends: [part.bst];layer: [part.bst]"),
    "direct.bst": one("build-depends: [g.bst];layer: [g.bst]"),
    "divided.bst": one("build-depends: [g.bst];layer: [g.bst], layers: {max: 5}"),
    // What the composition left out is not its own.
    "beside.bst": one("build-depends: [extra.bst, g-alone.bst];layer: [extra.bst, g-alone.bst]"),
    "g-alone.bst": "kind: import\nsources: [{kind: local, path: g}]\n",
    "own.bst": one("build-depends: [declaring.bst];layer: [declaring.bst]"),
  });
  const images = ["composed", "filtered", "direct", "divided", "beside"];
  let built: RunResult;

  beforeAll(async () => {
    built = await runCli(["build", ...images.map((name) => `${name}.bst`), "own.bst"], { cwd });
    expect(built.code, built.stderr).toBe(0);
  });

  const entries = async (name: string) => {
    const folder = join(tempDir("checkout"), "image");
    await runCli(["artifact", "checkout", "--directory", folder, `${name}.bst`], { cwd });
    return Object.values(layersOf(folder)).flat();
  };

  test.each(images)("are not those of the file in its place: %s", async (name) => {
    const listed = await entries(name);
    expect(listed).toContain("-rwxr-xr-x 0/0 usr/bin/x");
    expect(listed).toContain("-rwsr-xr-x 5/0 usr/bin/own");
    expect(listed).toHaveLength(name === "divided" ? 6 : 4);
  });

  test("are declared by the composition itself", async () => {
    expect(await entries("own")).toContain("-rwx------ 0/0 usr/bin/x");
  });

  test("are told to be lost", () => {
    expect(built.stderr).toContain("g.bst replaces files that f.bst declares attributes for, and declares none");
    expect(built.stderr).toContain("They are as usual: /usr/bin/x");
  });
});

test("what links can't have is warned of, and who owns them is not", async () => {
  const importOf = (files: string) =>
    `kind: import\nsources: [{kind: local, path: files}]\npublic: {oci: {files: ${files}}}\n`;
  const cwd = project({
    "mode.bst": importOf("{/link: {mode: '0700'}}"),
    "owner.bst": importOf("{/link: {user: '5', mode: '0700'}, /file: {mode: '0700'}}"),
    "image.bst":
      "kind: oci\nbuild-depends: [mode.bst, owner.bst]\nconfig:\n  images:\n" +
      "  - {architecture: amd64, os: linux, layer: [mode.bst]}\n  - {architecture: amd64, os: linux, layer: [owner.bst]}\n",
    "files/link": { symlink: "file" },
    "files/file": "x",
  });
  const { code, stderr } = await runCli(["build", "image.bst"], { cwd });
  expect([code, stderr.match(/(No file|Only links) of .*/g)]).toEqual([
    0,
    [expect.stringMatching(/^Only links of mode\.bst are among those that it declares attributes for: \/link;/)],
  ]);
});
