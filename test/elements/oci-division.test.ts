/** Layers by element: of what differs from the parent only, and the same whatever compositions are in the cache already. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, tempDir, writeFiles } from "../helpers.ts";

const importOf = (name: string, more = "") =>
  `kind: import\nsources: [{kind: local, path: files}]\nconfig: {target: /${name}}\n${more}`;

const IMAGE = `
kind: oci
build-depends: [{LAYER}]
config:
  compression: none
  images: [{architecture: amd64, os: linux, layer: [{LAYER}], layers: {max: 4}}]
`;
const imageOf = (layer: string) => IMAGE.replaceAll("{LAYER}", layer);

const names = ["b", "c", "d", "e"];
const library = {
  "files/x": "x",
  "a.bst": importOf("a"),
  ...Object.fromEntries(names.map((name) => [`${name}.bst`, importOf(name)])),
  "all.bst": "kind: compose\nbuild-depends: [a.bst, b.bst, c.bst, d.bst, e.bst]\nconfig: {integrate: False}\n",
  "image.bst": imageOf("all.bst"),
};

async function run(args: readonly string[], cwd: string, config: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, { cwd, config });
  expect(code, stderr).toBe(0);
  return stdout;
}

async function indexOf(element: string, cwd: string, config: string): Promise<string> {
  await run(["build", element], cwd, config);
  const folder = join(tempDir("checkout"), "image");
  await run(["artifact", "checkout", "--directory", folder, element], cwd, config);
  return readFileSync(join(folder, "index.json"), "utf8");
}

test("only what an image does not have from its parent counts, and is named", async () => {
  const apps = ["f", "g", "h"];
  const cwd = project({
    ...library,
    "large/x": "x".repeat(200_000),
    "b.bst": importOf("b").replace("files", "large"),
    "based.bst": imageOf(`all.bst, ${apps.map((name) => `${name}.bst`).join(", ")}`)
      .replace("build-depends: [", "build-depends: [image.bst, ")
      .replace("layer: ", "parent: {element: image.bst}, layer: ")
      .replace("max: 4", "max: 5"),
    ...Object.fromEntries(apps.map((name) => [`${name}.bst`, importOf(name)])),
  });
  const config = cacheConfig();
  await run(["build", "based.bst"], cwd, config);
  const { history } = JSON.parse(await run(["image", "inspect", "--config", "based.bst"], cwd, config));
  const steps: string[] = history.map((step: { created_by: string }) => step.created_by);
  expect(steps.slice(-apps.length).sort()).toEqual(apps.map((name) => `${name}.bst`));
});

describe("an image is the same as with an empty cache", () => {
  test("where elements need another meanwhile, which is in no key of the composition", async () => {
    const warm = cacheConfig();
    const cwd = project(library);
    const key = (element: string) => run(["show", "--deps", "none", "--format", "%{full-key}", element], cwd, warm);
    const before = await indexOf("image.bst", cwd, warm);
    const keys = [await key("all.bst"), await key("image.bst")];
    writeFiles(
      cwd,
      Object.fromEntries(names.map((name) => [`${name}.bst`, importOf(name, "runtime-depends: [a.bst]\n")])),
    );
    expect(await key("all.bst")).toBe(keys[0]);
    expect(await key("image.bst")).not.toBe(keys[1]);
    const after = await indexOf("image.bst", cwd, warm);
    expect(after).not.toBe(before);
    expect(await indexOf("image.bst", cwd, cacheConfig())).toBe(after);
  });

  test("where the project of a composition was built by itself before", async () => {
    const warm = cacheConfig();
    const cwd = project({
      "sub.bst": "kind: junction\nsources: [{kind: local, path: sub}]\n",
      "own.bst": importOf("own"),
      "files/own": "own",
      "all.bst": "kind: compose\nbuild-depends: [own.bst, 'sub.bst:all.bst']\nconfig: {integrate: False}\n",
      "image.bst": imageOf("all.bst"),
    });
    writeFiles(join(cwd, "sub"), { "project.conf": "name: library\nmin-version: 2.0\n", ...library });
    await run(["build", "all.bst"], join(cwd, "sub"), warm);
    const index = await indexOf("image.bst", cwd, warm);
    const cold = cacheConfig();
    expect(await indexOf("image.bst", cwd, cold)).toBe(index);
    const [list, expected] = await Promise.all(
      [warm, cold].map((config) => run(["image", "sbom", "image.bst"], cwd, config)),
    );
    expect(list).toBe(expected);
  });
});
