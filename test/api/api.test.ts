/** The package as a library, as it is published: the example of docs/api.md runs, and its types are right. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cacheConfig, tempDir, writeFiles } from "../helpers.ts";

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "docs/api.md"), "utf8");
const block = (language: string) => new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "ms").exec(text)?.[1] ?? "";
const example = block("ts");
const cwd = tempDir("library");
const config = cacheConfig();

function run(file: string, code: string): { stdout: string; stderr: string; status: number | null } {
  writeFileSync(join(cwd, file), code);
  const env = { ...process.env, XDG_CONFIG_HOME: join(cwd, "config") };
  return spawnSync(process.execPath, [file], { cwd, encoding: "utf8", env, timeout: 60_000 });
}

/** What a program prints that gets `project` and `config`. */
function output(code: string): unknown {
  const whole = `import { loadProject, openImages, isBstError } from "bst-ts";
const config = ${JSON.stringify(config)};
const print = (value) => console.log(JSON.stringify(value));
const thrown = async (step) => {
  try { await step(); } catch (error) { return isBstError(error) ? [error.domain, error.reason] : String(error); }
};
${code}`;
  const { stdout, stderr, status } = run("other.mjs", whole);
  if (status !== 0) throw new Error(stderr);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

beforeAll(() => {
  const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", cwd], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const installed = join(cwd, "node_modules/bst-ts");
  mkdirSync(installed, { recursive: true });
  const archive = join(cwd, JSON.parse(packed)[0].filename);
  execFileSync("tar", ["-xzf", archive, "--strip-components=1", "-C", installed]);
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
  mkdirSync(join(cwd, "node_modules/@types"));
  symlinkSync(join(root, "node_modules/@types/node"), join(cwd, "node_modules/@types/node"));
  writeFiles(cwd, {
    "config/buildstream.conf": readFileSync(config, "utf8"),
    "project.conf":
      "name: example\nmin-version: 2.0\nelement-path: elements\noptions: {debug: {type: bool, description: d, default: False}}\n",
    "elements/files.bst":
      "kind: import\nsources: [{kind: local, path: files}]\n(?):\n- debug: {config: {target: /debug}}\n",
    "files/file": "text",
    "elements/image.bst":
      "kind: oci\nbuild-depends: [files.bst]\nconfig: {images: [{architecture: amd64, os: linux, layer: [files.bst]}]}\n",
    "elements/shell.bst": "kind: manual\nbuild-depends: [files.bst]\nconfig: {install-commands: ['false']}\n",
  });
});

test("The example of docs/api.md prints what it says", () => {
  const { stdout, stderr, status } = run("example.mjs", example);
  expect([stderr, status]).toEqual(["", 0]);
  expect(stdout).toBe(block("console"));
  expect(existsSync(join(cwd, "out/index.json"))).toBe(true);
});

test("The example has the types of the package, and mistakes in it are found", () => {
  const compilerOptions = { module: "nodenext", target: "es2023", types: ["node"], strict: true, noEmit: true };
  writeFiles(cwd, {
    "types/right.mts": example,
    "types/name.mts": example.replace("deps:", "dependencies:"),
    "types/result.mts": example.replace("problems.length", "problem.length"),
    "tsconfig.json": JSON.stringify({ compilerOptions, include: ["types"] }),
  });
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "--pretty", "false"], { cwd, encoding: "utf8" });
  const found = [...stdout.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map(([, file]) => file);
  expect([...new Set(found)].sort()).toEqual(["types/name.mts", "types/result.mts"]);
});

describe("A project", () => {
  test("has the options, configuration and keys that the command line would have", () => {
    const key = (...words: string[]) =>
      execFileSync(
        process.execPath,
        [join(root, "dist/bst-ts.js"), "-c", config, ...words, "show", "--format", "%{full-key}", "files.bst"],
        { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
      ).trim();
    const code = `
const keys = [];
for (const debug of ["False", "True"]) {
  const project = await loadProject("files", { config, options: { debug } });
  keys.push((await project.elements(["files.bst"]))[0].key);
}
print(keys);`;
    expect(output(code)).toEqual([key(), key("-o", "debug", "True")]);
  });

  test("says what it can't do as the command line does, tells of what happens, and can be ended", () => {
    const code = `
const events = [];
const project = await loadProject(".", { config, onEvent: ({ type, element }) => events.push(type) });
const aborted = await loadProject(".", { config, signal: AbortSignal.abort() });
print([
  await thrown(() => loadProject("/", { config })),
  await project.build(["shell.bst"]).catch(({ message, detail }) => [message, detail]),
  await thrown(async () => (await loadProject(".", { config, options: { wrong: "1" } })).elements()),
  await thrown(() => loadProject(".", { config: "/nowhere/at.all" })),
  await thrown(() => aborted.build(["image.bst"])) !== undefined,
  await thrown(() => project.images.copy("image.bst", "oci-archive:project.conf")),
  ["job-started", "job-ended"].every((type) => events.includes(type)),
  (await project.elements(["*.bst"])).map(({ name, buildDependencies }) => [name, buildDependencies]),
]);`;
    expect(output(code)).toEqual([
      ["stream", "project-not-loaded"],
      ["The build has failed", "shell.bst: The dependencies that are staged have no command 'sh'"],
      ["load", "invalid-data"],
      ["load", "missing-file"],
      true,
      ["stream", null],
      true,
      [
        ["files.bst", []],
        ["image.bst", ["files.bst"]],
        ["shell.bst", ["files.bst"]],
      ],
    ]);
  });
});

test("Images need no project", () => {
  const code = `
await (await loadProject(".", { config })).build(["image.bst"]);
const source = (await loadProject(".", { config })).images;
const digest = await source.copy("image.bst", "oci-archive:image.tar", { force: true });
const images = openImages({ config });
const copied = await images.copy("oci-archive:image.tar", "oci:copied", { referrers: true });
const { problems } = await images.verify("oci:copied", { platform: "linux/amd64" });
print([copied === digest, problems, await thrown(() => images.inspect("oci:copied", { platform: "linux/arm64" }))]);`;
  expect(output(code)).toEqual([true, [], ["element", "no-image-for-platform"]]);
});
