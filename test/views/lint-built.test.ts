/** `lint` on what was built: where an image is in the cache, its files tell what its commands only suggest. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const local = (path: string, more = "") => `kind: import\nsources: [{kind: local, path: files/${path}}]\n${more}`;
const image = (layer: string, command: string, config = "{}") =>
  `kind: script\nbuild-depends:\n- tools.bst\n- {filename: ${layer}, config: {location: /layer}}\nconfig:\n  build-oci: True\n` +
  `  commands:\n  - |\n    ${command}\n    cd '%{install-root}'\n    build-oci <<EOF\n    images:\n    - os: linux\n` +
  `      architecture: amd64\n      layer: /layer\n      config: ${config}\n    EOF\n`;
const oci = (layers: string, config: string) =>
  `kind: oci\nbuild-depends: [${layers}]\nconfig:\n  images:\n  - {os: linux, architecture: amd64, layer: [${layers}], config: ${config}}\n`;

const images = {
  // What it does, words alone do not tell.
  "moved.bst": image("etc.bst", "cd /layer/usr; mkdir ../etc; for f in etc/*; do mv $f ../etc/; done; rm -r etc"),
  "copied.bst": image("etc.bst", "cp -a /layer/usr/etc /layer/etc"),
  "part.bst": image("etc.bst", "rm /layer/usr/etc/one.conf"),
  "restored.bst": image("lean.bst", "mkdir -p /layer/usr/bin; echo '#!/bin/sh' > /layer/usr/bin/app", "{Cmd: [app]}"),
  "dropped.bst": image(
    "lean.bst",
    "true",
    "\n        Entrypoint:\n        - /bin/sh\n        - -c\n        - exec /usr/bin/app",
  ),
  "named.bst": oci("lean.bst", "{Cmd: [app]}"),
  "elsewhere.bst": oci("lean.bst", "{Cmd: [app], Env: ['PATH=/opt/bin']}"),
  "replaced.bst": oci("lean.bst, other.bst", "{Cmd: [app]}"),
  "early.bst": oci("leaner.bst", "{Cmd: [/usr/lib/debug/app]}"),
  "plain.bst": oci("plain-deps.bst", "{}"),
  "asking.bst": image("lean.bst", "if [ -e /layer/usr/bin/app ]; then cat /layer/usr/bin/app; fi"),
  "using.bst": image("leaner.bst", "l=/layer; cat $l/usr/bin/app || true"),
  "full.bst": image("all.bst", "true"),
  "thinned.bst": image("all.bst", "cd /layer/usr; rm -r lib/debug"),
  "two-roots.bst": image("lean.bst", "true").replace("- tools.bst\n", "- tools.bst\n- over.bst\n"),
};

let cwd: string;

beforeAll(async () => {
  cwd = project({
    ...images,
    "files/etc/usr/etc/one.conf": "1",
    "files/etc/usr/etc/two.conf": "2",
    "files/app/usr/bin/app": { executable: "#!/bin/sh\n" },
    "files/app/usr/share/app": "x",
    "files/app/usr/lib/debug/app": "x",
    "files/other/usr/local/bin/app": { executable: "#!/bin/sh\n" },
    "files/plain/usr/share/plain": "x",
    "tools.bst": local("root"),
    "etc.bst": local("etc"),
    "app.bst": local("app", "public: {bst: {split-rules: {tools: [/usr/bin/*], debug: ['/usr/lib/debug/**']}}}\n"),
    "other.bst": local("other"),
    "plain-files.bst": local("plain"),
    "plain-deps.bst": "kind: stack\ndepends: [plain-files.bst]\n",
    "deps.bst": "kind: stack\ndepends: [app.bst]\n",
    "all.bst": "kind: compose\nbuild-depends: [deps.bst]\nconfig: {exclude: [devel], integrate: False}\n",
    "files/over/usr/bin/sleep": "over",
    "over.bst": local("over"),
    "lean.bst": "kind: compose\nbuild-depends: [deps.bst]\nconfig: {exclude: [tools, debug], integrate: False}\n",
    "leaner.bst": "kind: compose\nbuild-depends: [lean.bst]\nconfig: {exclude: [devel], integrate: False}\n",
  });
  writeRoot(join(cwd, "files/root"));
  const { code, stderr } = await runCli(["build", ...Object.keys(images)], { cwd });
  expect(code, stderr).toBe(0);
});

async function found(rule: string): Promise<string[]> {
  const { stdout } = await runCli(["lint", "--json", "--rule", rule, ...Object.keys(images)], { cwd });
  const findings: { element: string; line: number; message: string }[] = JSON.parse(stdout).findings;
  return findings.map(({ element, line, message }) => `${element}:${line}: ${message}`);
}

test("/usr/etc is left where an image has it, whatever its commands look like", async () => {
  expect(await found("usr-etc-left")).toEqual([
    "copied.bst:9: It leaves /usr/etc where it is, beside /etc",
    "part.bst:9: It leaves /usr/etc where it is, beside /etc",
  ]);
});

test("commands of images need what a compose left out, by path or by name, unless it is there from elsewhere", async () => {
  const needs = "The command of the image needs /usr";
  expect(await found("dropped-file")).toEqual([
    `dropped.bst:20: ${needs}/bin/app of app.bst, which lean.bst leaves out (runtime, tools)`,
    `early.bst:5: ${needs}/lib/debug/app of app.bst, which lean.bst leaves out (debug)`,
    `named.bst:5: ${needs}/bin/app of app.bst, which lean.bst leaves out (runtime, tools)`,
    "using.bst:9: The command cat needs /usr/bin/app of app.bst, which lean.bst leaves out (runtime, tools)",
  ]);
});

test("what a script removes is not in its image", async () => {
  expect(await found("unneeded-in-layer")).toEqual([
    "full.bst:4: 1 file (1 byte) of debug is in the layer all.bst: /usr/lib/debug/app",
  ]);
});

test("files that replace others in the sandbox of a script are found as well", async () => {
  expect(await found("overlaps-not-whitelisted")).toEqual([
    "tools.bst:1: It replaces 1 file of over.bst: /usr/bin/sleep (staged for two-roots.bst)",
  ]);
});

test("nothing is assumed of a stack whose files are known", async () => {
  expect(await found("ldconfig-missing")).toEqual([]);
});
