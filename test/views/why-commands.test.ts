/** `why`: which command of a script moved, changed or removed a file, and what folders came to. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const COMMANDS = [
  "mv /layer/ren/one /layer/ren/uno",
  "mv /layer/moved /layer/other",
  "cd /layer/copied && cp one copy",
  "ln /layer/linked/one /layer/linked/hard",
  "cd /layer/etc\nsed -i s/conf/CONF/ b.conf",
  "find /layer/lib -name '*.la' -exec rm {} +",
  "rm -rf /layer/emptied/*",
  "for f in one; do rm /layer/looped/$f; done",
  "mv /layer/was /layer/wasdata; ln -s wasdata /layer/was",
  "mkdir /layer/usr; cp -a /layer/opt/. /layer/usr/opt/; rm -rf /layer/opt; ln -s usr/opt /layer/opt",
  "chmod +x /layer/etc/mode",
  "ln -sf elsewhere /layer/etc/link",
];

const PROJECT = {
  ...Object.fromEntries(
    [
      "ren/one",
      "moved/sub/three",
      "copied/one",
      "linked/one",
      "lib/x.la",
      "lib/z.so",
      "emptied/e",
      "looped/one",
      "was/one",
      "opt/o",
      "etc/mode",
    ].map((path) => [`files/all/${path}`, path]),
  ),
  "files/all/etc/b.conf": "conf",
  "files/all/etc/link": { symlink: "b.conf" },
  "files/all/odd/a[b]": "odd",
  "files/all/lonely/": "",
  "files/empty/lib/": "",
  "files/empty/doc/": "",
  "files/doc/doc/page": "page",
  "root.bst": "kind: import\nsources: [{kind: local, path: files/root}]\n",
  "all.bst": "kind: import\nsources: [{kind: local, path: files/all}]\n",
  "doc.bst":
    "kind: import\nsources: [{kind: local, path: files/doc}]\npublic: {bst: {split-rules: {doc: ['/doc/**']}}}\n",
  "empty.bst": "kind: import\nsources: [{kind: local, path: files/empty}]\ndepends: [all.bst, doc.bst]\n",
  "layer.bst": "kind: compose\nbuild-depends: [empty.bst]\nconfig: {exclude: [doc]}\n",
  "image.bst":
    "kind: script\nbuild-depends:\n- root.bst\n- filename: layer.bst\n  config: {location: /layer}\nconfig:\n  build-oci: True\n  commands:\n" +
    COMMANDS.map((command) => `  - |\n${command.replace(/^/gm, "    ")}\n`).join("") +
    "  - |\n    cd '%{install-root}'\n    build-oci <<EOF\n    images: [{os: linux, architecture: amd64, layer: /layer}]\n    EOF\n",
  "upper.bst":
    "kind: oci\nbuild-depends: [image.bst, all.bst]\nconfig:\n  images:\n" +
    "  - {os: linux, architecture: amd64, parent: {element: image.bst}, layer: [all.bst]}\n",
  "junction.bst": "kind: junction\nsources: [{kind: local, path: files}]\n",
} as const;

let cwd: string;

beforeAll(async () => {
  cwd = project(PROJECT);
  writeRoot(join(cwd, "files/root"));
  const { code, stderr } = await runCli(["build", "upper.bst"], { cwd });
  expect(code, stderr).toBe(0);
});

/** What is said, without the steps that tell nothing new. */
async function ask(...words: string[]): Promise<string[]> {
  const { stdout } = await runCli(["why", ...words], { cwd });
  return stdout.split("\n").filter((line) => line !== "" && !/it takes it|it is in the image/.test(line));
}

test.each<[path: string, text: string]>([
  ["/ren/one", "it is removed by the command 'mv /layer/ren/one /layer/ren/uno'"],
  ["/ren/uno", "it is made of /ren/one by the command 'mv /layer/ren/one /layer/ren/uno'"],
  ["/other/sub/three", "it is made of /moved/sub/three by the command 'mv /layer/moved /layer/other'"],
  ["/copied/copy", "it is made of /copied/one by the command 'cp one copy'"],
  ["/linked/hard", "it is made of /linked/one by the command 'ln /layer/linked/one /layer/linked/hard'"],
  ["/etc/b.conf", "its content is changed by the command 'sed -i s/conf/CONF/ b.conf'"],
  ["/lib/x.la", "it is removed by the command 'find /layer/lib -name *.la -exec rm {} +'"],
  ["/looped/one", "it is removed by the command 'rm /layer/looped/$f'"],
  ["/wasdata/one", "it is made of /was/one by the command 'mv /layer/was /layer/wasdata'"],
  ["/was", "a link to wasdata takes the place of the folder by the command 'ln -s wasdata /layer/was'"],
  ["/usr/opt/o", "it is made of /opt/o by the command 'cp -a /layer/opt/. /layer/usr/opt/'"],
  ["/opt", "a link to usr/opt takes the place of the folder by the command 'ln -s usr/opt /layer/opt'"],
  ["/etc/mode", "its executable bit is set by the command 'chmod +x /layer/etc/mode'"],
  ["/etc/link", "it is made to lead elsewhere by the command 'ln -sf elsewhere /layer/etc/link'"],
])("%s: %s", async (path, text) => {
  expect((await ask(path, "image.bst")).at(-1)).toContain(`image.bst (script): ${text} (`);
});

test("what nothing touched is kept", async () => {
  expect(await ask("/lib/z.so", "image.bst")).toHaveLength(2);
});

test("a folder whose files are gone is told with these", async () => {
  expect((await ask("/emptied", "image.bst")).map((line) => line.replace(/ \(.*/, ""))).toEqual([
    "/emptied is in image.bst",
    "  all.bst",
    "/emptied/e is not in image.bst",
    "  all.bst",
    "  image.bst",
  ]);
});

test("folders that are empty in one element and full in another are where they are", async () => {
  const all = await ask("/**", "image.bst");
  expect(all.filter((line) => /^\/\S*lib[ ,]/.test(line))).toEqual([]);
  expect(await ask("/doc", "layer.bst")).toEqual([
    "/doc is in layer.bst",
    expect.stringContaining("empty.bst (import): it installs /doc: an empty folder"),
    "/doc/page is not in layer.bst",
    expect.stringContaining("of domain doc"),
    expect.stringContaining("it leaves out the domain doc"),
  ]);
});

test("what a parent lost is told with where, and not as a part of nothing", async () => {
  expect(await ask("/doc/page", "upper.bst")).toEqual([
    "/doc/page is not in upper.bst",
    expect.stringContaining("doc.bst (import): it installs /doc/page"),
    expect.stringContaining("layer.bst (compose): it leaves out the domain doc"),
    "  image.bst (script): so it does not get it",
    "  upper.bst (oci): so it does not get it",
  ]);
});

test("files are told together only where all of it is true of each", async () => {
  const all = (await ask("/**", "image.bst")).filter((line) => line.startsWith("/"));
  expect(all).toContain("/lib/x.la is not in image.bst");
  expect(all.join()).toMatch(/\/copied\/one, \/emptied, \/lib\/z\.so and \d+ more are in image\.bst/);
  expect(await ask("/", "image.bst")).toEqual(await ask("/**", "image.bst"));
});

test("paths are meant as they are", async () => {
  expect((await ask("/odd/a[b]", "image.bst"))[0]).toBe("/odd/a[b] is in image.bst");
  expect((await ask("/odd/[ab]*", "image.bst"))[0]).toBe("/odd/a[b] is in image.bst");
  expect(await ask("/odd/../lib/z.so", "image.bst")).toEqual(await ask("/lib/z.so", "image.bst"));
  expect((await ask("/opt/o", "image.bst"))[1]).toBe("  /opt/o leads there through links");
  expect(await ask("/nowhere[x]", "image.bst")).toEqual(["No file /nowhere[x] is in any part of image.bst"]);
});

test("what can't be asked is an error", async () => {
  const error = async (...words: string[]) => {
    const { code, stderr } = await runCli(["why", ...words], { cwd });
    expect(code).not.toBe(0);
    return stderr;
  };
  expect(await error("", "image.bst")).toContain("FILE is a path");
  expect(await error("/x", "junction.bst")).toContain("junction.bst is a junction");
  expect(await error("--index", "-1", "/x", "image.bst")).toContain("has no image -1");
  expect(await error("--index", "1", "/x", "image.bst")).toContain("has no image 1");
});
