/** `why` and `artifact files`: where files of images come from, and where they were lost. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { callsOf } from "../../src/views/shell.ts";
import { making } from "../../src/views/why/commands.ts";
import { project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const local = (path: string, more = "") => `kind: import\nsources: [{kind: local, path: files/${path}}]\n${more}`;

const PROJECT = {
  "files/low/usr/bin/tool": "low",
  "files/low/usr/include/low.h": "header",
  "files/low/usr/lib/low.so": "library",
  "files/low/usr/share/doc/low/a": "a",
  "files/low/usr/share/doc/low/b": "b",
  "files/low/usr/etc/low.conf": "conf of low",
  "files/low/var/empty/": "",
  "files/low/bin": { symlink: "usr/bin" },
  "files/top/usr/bin/tool": "top, which is larger",
  "files/unused/usr/bin/unused": "unused",
  "low.bst": local("low"),
  "top.bst": local(
    "top",
    "depends: [low.bst]\npublic:\n  bst: {overlap-whitelist: [/usr/bin/tool]}\n" +
      '  initial-script:\n    script: |\n      #!/bin/sh\n      echo more >> "$1/usr/lib/low.so"\n',
  ),
  "collect.bst": "kind: collect_initial_scripts\nbuild-depends: [deps.bst]\nconfig: {path: /initial_scripts}\n",
  "unused.bst": local("unused"),
  "root.bst": local("root"),
  "deps.bst": "kind: stack\ndepends: [low.bst, top.bst]\n",
  "runtime.bst":
    "kind: compose\nbuild-depends: [deps.bst]\nconfig:\n  integrate: False\n  exclude:\n  - debug\n  - devel\n",
  "layer.bst":
    "kind: script\nbuild-depends:\n- root.bst\n- collect.bst\n- unused.bst\n- filename: runtime.bst\n  config:\n    location: '%{install-root}'\n" +
    "config:\n  commands:\n  - |\n    cd %{install-root}\n    mkdir etc && mv %{install-root}/usr/etc/* etc\n" +
    "  - rm -rf '%{install-root}/usr/share/doc'\n  - echo made > %{install-root}/etc/made\n  - for script in /initial_scripts/*; do \"$script\" %{install-root}; done\n",
  "image.bst":
    "kind: oci\nbuild-depends: [layer.bst]\nconfig:\n  images:\n  - os: linux\n    architecture: amd64\n    layer: [layer.bst]\n",
  "added.bst":
    "kind: oci\nbuild-depends: [image.bst, unused.bst]\nconfig:\n  images:\n  - os: linux\n    architecture: amd64\n" +
    "    parent: {element: image.bst}\n    add: [unused.bst]\n",
  "next.bst":
    "kind: oci\nbuild-depends: [image.bst]\nconfig:\n  images:\n  - os: linux\n    architecture: amd64\n    parent: {element: image.bst}\n",
} as const;

let cwd: string;

beforeAll(async () => {
  cwd = project(PROJECT);
  writeRoot(join(cwd, "files/root"));
  const { code, stderr } = await runCli(["build", "next.bst", "added.bst"], { cwd });
  expect(code, stderr).toBe(0);
});

interface File {
  readonly path: string;
  readonly present: boolean | null;
  readonly steps: readonly {
    element: string;
    outcome: string;
    text: string;
    file?: string;
    line?: number;
    column?: number;
  }[];
  readonly elsewhere?: readonly string[];
}

async function why(file: string, image: string): Promise<readonly File[]> {
  const { stdout, stderr } = await runCli(["why", "--json", file, image], { cwd });
  expect(stdout, stderr).toMatch(/^\{/);
  return JSON.parse(stdout).files;
}

const way = ({ steps }: File | { steps: File["steps"] }) =>
  steps.map(({ element, outcome }) => `${outcome} ${element}`);

/** `file:line:column` of a text, as it is in the project. */
function at(file: keyof typeof PROJECT, text: string): object {
  const before = readFileSync(join(cwd, file), "utf8").split(text, 1)[0]?.split("\n") ?? [];
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

describe("why", () => {
  test("tells the way of what is there, and what it stands over", async () => {
    const [tool] = await why("/usr/bin/tool", "next.bst");
    expect(tool?.present).toBe(true);
    expect(tool && way(tool)).toEqual([
      "installs top.bst",
      "replaces top.bst",
      "keeps runtime.bst",
      "keeps layer.bst",
      "keeps image.bst",
      "keeps next.bst",
    ]);
    expect(tool?.steps[0]?.text).toBe("it installs /usr/bin/tool: 20 bytes, of domain runtime");
    const [empty] = await why("/var/empty/", "next.bst");
    expect(empty).toMatchObject({ path: "/var/empty", present: true });
    expect(empty?.steps[0]?.text).toBe("it installs /var/empty: an empty folder, of no domain");
    expect(tool?.steps[1]?.text).toContain("over that of low.bst");
    expect(tool?.steps[1]?.text).toContain("as its overlap-whitelist allows");
  });

  test("sees what is added to a parent, and what that has", async () => {
    const [unused] = await why("/usr/bin/unused", "added.bst");
    expect(unused && way(unused)).toEqual(["installs unused.bst", "keeps added.bst"]);
    const [made] = await why("/etc/made", "added.bst");
    expect(made && way(made)).toEqual(["makes layer.bst", "keeps image.bst", "keeps added.bst"]);
  });

  test("tells which domain a file was left out with", async () => {
    const [header] = await why("usr/include/low.h", "image.bst");
    expect(header?.present).toBe(false);
    expect(header && way(header)).toEqual([
      "installs low.bst",
      "leaves-out runtime.bst",
      "lacks layer.bst",
      "lacks image.bst",
    ]);
    expect(header?.steps[1]).toMatchObject({ text: "it leaves out the domain devel", ...at("runtime.bst", "devel") });
  });

  test("tells which command removed, moved, made or changed a file", async () => {
    const [removed] = await why("/usr/share/doc/low/a", "image.bst");
    expect(removed?.present).toBe(false);
    expect(removed?.steps.find(({ outcome }) => outcome === "removes")).toMatchObject({
      element: "layer.bst",
      ...at("layer.bst", "rm -rf"),
    });
    const [moved] = await why("/etc/low.conf", "image.bst");
    expect(moved && way(moved)).toEqual([
      "installs low.bst",
      "keeps runtime.bst",
      "makes layer.bst",
      "keeps image.bst",
    ]);
    expect(moved?.steps[2]).toMatchObject({
      text: expect.stringContaining("it is made of /usr/etc/low.conf by the command 'mv "),
      ...at("layer.bst", "mv "),
    });
    const [gone] = await why("/usr/etc/low.conf", "image.bst");
    expect(gone?.steps.find(({ outcome }) => outcome === "removes")).toMatchObject(at("layer.bst", "mv "));
    const [made] = await why("/etc/made", "image.bst");
    expect(made && way(made)).toEqual(["makes layer.bst", "keeps image.bst"]);
    expect(made?.steps[0]).toMatchObject(at("layer.bst", "echo made"));
    const [changed] = await why("/usr/lib/low.so", "image.bst");
    expect(changed && way(changed)).toEqual([
      "installs low.bst",
      "keeps runtime.bst",
      "changes layer.bst",
      "keeps image.bst",
    ]);
  });

  test("sees what the scripts of elements do to an image", async () => {
    const [changed] = await why("/usr/lib/low.so", "layer.bst");
    expect(changed?.steps.at(-1)).toMatchObject({ outcome: "changes", ...at("top.bst", "echo more") });
  });

  test("takes patterns, folders, and paths with links", async () => {
    expect((await why("/usr/share/doc", "image.bst")).map(({ path }) => path)).toEqual([
      "/usr/share/doc/low/a",
      "/usr/share/doc/low/b",
    ]);
    expect((await why("/**/low.*", "runtime.bst")).map(({ path, present }) => [path, present])).toEqual([
      ["/usr/etc/low.conf", true],
      ["/usr/include/low.h", false],
      ["/usr/lib/low.so", true],
    ]);
    expect(await why("/bin/tool", "image.bst")).toMatchObject([
      { path: "/usr/bin/tool", asked: "/bin/tool", present: true },
    ]);
    const { stdout } = await runCli(["why", "/usr/share/doc", "image.bst"], { cwd });
    expect(stdout).toMatch(
      /^\/usr\/share\/doc\/low\/a, \/usr\/share\/doc\/low\/b are not in image\.bst\n {2}low\.bst \(import\): it installs/,
    );
  });

  test("tells what it does not know", async () => {
    expect(await why("/usr/bin/unused", "image.bst")).toMatchObject([
      { present: false, steps: [], elsewhere: ["unused.bst"] },
    ]);
    expect(await runCli(["why", "/nowhere", "image.bst"], { cwd })).toMatchObject({
      code: 1,
      stdout: "/nowhere is not in image.bst\n  nothing that it is made of has such a file\n",
    });
    expect((await runCli(["artifact", "delete", "low.bst"], { cwd })).code).toBe(0);
    try {
      const { stdout } = await runCli(["why", "/usr/include/low.h", "image.bst"], { cwd });
      expect(stdout).toContain("Not looked into, since they are not in the cache: low.bst");
    } finally {
      await runCli(["build", "low.bst"], { cwd });
    }
  });
});

describe("artifact files", () => {
  test("groups files by the elements that they come from", async () => {
    const origins = async (name: string) => {
      const { stdout } = await runCli(["artifact", "files", "--by-element", "--json", name], { cwd });
      const [{ origins: groups }] = JSON.parse(stdout);
      return groups.map(
        ({
          element,
          byCommands,
          size,
          files,
        }: {
          element: string;
          byCommands: boolean;
          size: number;
          files: { path: string }[];
        }) => [`${element}${byCommands ? "!" : ""}`, size, ...files.map(({ path }) => path)],
      );
    };
    const expected = [
      ["top.bst", 20, "/usr/bin/tool"],
      ["layer.bst!", 17, "/etc/low.conf", "/etc/made", "/usr/lib/low.so"],
      ["low.bst", 0, "/bin"],
    ];
    const found = await origins("image.bst");
    expect(found.map(([name]: string[]) => name).sort()).toEqual(expected.map(([name]) => name).sort());
    expect(found.find(([name]: string[]) => name === "top.bst")).toEqual(expected[0]);
    expect(found.find(([name]: string[]) => name === "low.bst")).toEqual(expected[2]);
    expect(await origins("next.bst")).toEqual(found);
    // A record in the artifact knows of elements whose own are gone.
    const composed = await origins("runtime.bst");
    await runCli(["artifact", "delete", "low.bst"], { cwd });
    expect(await origins("runtime.bst")).toEqual(composed);
    await runCli(["build", "low.bst"], { cwd });
  });

  test("is a list with sizes for people", async () => {
    expect((await runCli(["artifact", "files", "top.bst"], { cwd })).stdout).toBe(
      "top.bst:\n          20  /usr/bin/tool\n",
    );
    const { stdout } = await runCli(["artifact", "files", "--by-element", "--summary", "runtime.bst"], { cwd });
    expect(stdout).toMatch(/^runtime\.bst:\n {2}low\.bst: 5 files, \d+ bytes\n {2}top\.bst: 1 file, \d+ bytes\n$/);
    expect(await runCli(["artifact", "files", "unused.bst", "unbuilt.bst"], { cwd })).toMatchObject({ code: 255 });
  });
});

describe("images on images of others", () => {
  const oci = (needs: string, ...images: string[]) =>
    `kind: oci\nbuild-depends: [${needs}]\nconfig:\n  images:\n${images
      .map((words) => `  - {os: linux, architecture: amd64, ${words}}\n`)
      .join("")}`;
  const files = {
    "files/base/usr/bin/cat": "cat",
    "files/base/usr/bin/hello": "hello",
    "files/base/etc/passwd": "root",
    "files/app/usr/bin/hello": "another hello",
    "files/app/usr/bin/app": "app",
    "files/app/etc/passwd": "root",
    "files/headers/usr/include/x.h": "header",
    "files.bst": local("base"),
    "app.bst": local("app"),
    "headers.bst": local("headers", "depends: [app.bst]\n"),
    "i1.bst": oci("files.bst", "layer: [files.bst]"),
    "i2.bst": oci("i1.bst, app.bst", "parent: {element: i1.bst}, layer: [app.bst]"),
    "foreign.bst": local("image"),
    "i4.bst": oci("foreign.bst, app.bst", "parent: {element: foreign.bst}, add: [app.bst]"),
    "i5.bst": oci("foreign.bst, app.bst", "parent: {element: foreign.bst}, layer: [app.bst]"),
    "two.bst": oci("app.bst, headers.bst, files.bst", "layer: [files.bst]", "layer: [headers.bst]"),
    "on-two.bst": oci("two.bst", "parent: {element: two.bst, image: 1}"),
  };
  beforeAll(async () => {
    cwd = project(files);
    expect((await runCli(["build", "i1.bst"], { cwd })).code).toBe(0);
    const place = join(cwd, "files/image");
    await runCli(["artifact", "checkout", "--directory", place, "i1.bst"], { cwd });
    const { code, stderr } = await runCli(["build", "i2.bst", "i4.bst", "i5.bst", "on-two.bst"], { cwd });
    expect(code, stderr).toBe(0);
  });
  const ways = async (file: string, name: string) => (await why(file, name)).flatMap(way);

  test("take away what the layer lacks", async () => {
    const [cat] = await why("/usr/bin/cat", "i2.bst");
    expect(cat?.present).toBe(false);
    expect(cat && way(cat)).toEqual(["installs files.bst", "keeps i1.bst", "removes i2.bst"]);
    expect(cat?.steps.at(-1)).toMatchObject({
      text: "its layer takes it away from that of the parent, i1.bst, as it is not in app.bst",
      ...at("i2.bst" as keyof typeof PROJECT, "app.bst]}"),
    });
    expect(await ways("/usr/bin/cat", "i5.bst")).toEqual(["installs foreign.bst", "removes i5.bst"]);
  });

  test("have the files of an image that somebody else made", async () => {
    const [cat] = await why("/usr/bin/cat", "i4.bst");
    expect(cat && way(cat)).toEqual(["installs foreign.bst", "keeps i4.bst"]);
    expect(cat?.steps[0]?.text).toBe("its image has /usr/bin/cat: 3 bytes");
    const [hello] = await why("/usr/bin/hello", "i4.bst");
    expect(hello && way(hello)).toEqual(["installs app.bst", "replaces app.bst", "keeps i4.bst"]);
    expect(hello?.steps[1]?.text).toBe("it stands over that of the parent, foreign.bst");
    // Equal files replace nothing.
    expect(await ways("/etc/passwd", "i4.bst")).toEqual(["installs app.bst", "keeps i4.bst"]);
    const { stdout } = await runCli(["artifact", "files", "--by-element", "--summary", "i4.bst"], { cwd });
    expect(stdout).toBe("i4.bst:\n  app.bst: 3 files, 20 bytes\n  foreign.bst: 1 file, 3 bytes\n");
  });

  test("are told apart", async () => {
    const ask = async (...words: string[]) => (await runCli(["why", ...words], { cwd })).stdout.split("\n");
    const first = await ask("/usr/include/x.h", "two.bst");
    expect(first[0]).toBe("/usr/include/x.h is not in image 0 of the 2 of two.bst");
    expect(first.join()).not.toContain("removed");
    const second = await ask("--index", "1", "/usr/include/x.h", "two.bst");
    expect(second[0]).toBe("/usr/include/x.h is in image 1 of the 2 of two.bst");
    expect((await ask("/usr/bin/hello", "two.bst")).join()).not.toContain("stands over");
    expect(await ways("/usr/bin/app", "on-two.bst")).toEqual(["installs app.bst", "keeps two.bst", "keeps on-two.bst"]);
    const { stdout } = await runCli(["artifact", "files", "--by-element", "--summary", "two.bst"], { cwd });
    expect(stdout.split("\n").filter((line) => !line.startsWith(" "))).toEqual([
      "two.bst, image 0:",
      "two.bst, image 1:",
      "",
    ]);
  });
});

test("of a script's commands, one counts that names the file, or can have brought it", () => {
  const place = { file: "f", line: 1, column: 1 };
  const placed = (script: string) =>
    callsOf(script, { folder: "/" }).map((call, order) => ({ ...call, order, place, placeOfInput: () => place }));
  const script =
    "echo init >> $sysroot/etc/init-ran\ncp -r /layer/usr/etc/* /layer/etc/\nsystemd-sysusers /layer/etc\n";
  const calls = placed(script);
  const made = (path: string, isCopy: boolean, from = calls) =>
    making(from, path, ["/layer"], isCopy ? `usr/${path}` : undefined)?.program;
  expect(made("etc/init-ran", false)).toBe("echo");
  expect(made("etc/passwd", false)).toBe("systemd-sysusers");
  expect(made("etc/app.conf", true)).toBe("cp");
  expect(made("etc/app.conf", false, calls.slice(0, 2))).toBeUndefined();
  const caches = placed(`ldconfig -r /layer\nmkdir -p /layer/etc/xdg\n${script}`);
  expect(made("etc/ld.so.cache", false, caches)).toBe("ldconfig");
  expect(made("etc/xdg", false, caches)).toBe("mkdir");
  expect(made("etc/xdg/app", false, caches.slice(0, 2))).toBeUndefined();
});
