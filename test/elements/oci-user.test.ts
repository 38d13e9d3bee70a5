/** As who containers run, where their image does not say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { project, runCli, tempDir } from "../helpers.ts";
import type { Index, Manifest } from "../oci/helpers.ts";

const image = (config: string, more = "") => `
kind: oci
build-depends: [files.bst]
config:
${more}  images:
  - {architecture: amd64, os: linux, layer: [files.bst], config: {${config}}}
`;
const files = {
  "files.bst": "kind: import\nsources: [{kind: local, path: files}]\n",
  "files/a": "a",
  "silent.bst": image("Cmd: [a]"),
  "root.bst": image("User: root"),
  "docker.bst": image("Cmd: [a]", "  mode: docker\n"),
  "own.bst": image("Cmd: [a]", "  default-user: '1000'\n"),
  "empty.bst": image("Cmd: [a]", "  default-user: ''\n"),
};
const conf = "name: test\nmin-version: 2.0\n";
const images = ["silent.bst", "root.bst", "docker.bst", "own.bst"];

/** What the configuration of each image says. */
async function users(cwd: string): Promise<(string | undefined)[]> {
  const { code, stderr } = await runCli(["build", ...images], { cwd });
  expect(code, stderr).toBe(0);
  const found: (string | undefined)[] = [];
  for (const name of images) {
    const folder = join(tempDir("image"), "image");
    await runCli(["artifact", "checkout", "--directory", folder, name], { cwd });
    const json = <T>(path: string): T => JSON.parse(readFileSync(join(folder, path), "utf8"));
    const blob = (digest = "") => `blobs/${digest.replace(":", "/")}`;
    const path =
      name === "docker.bst"
        ? json<{ Config: string }[]>("manifest.json")[0]?.Config
        : blob(json<Manifest>(blob(json<Index>("index.json").manifests[0]?.digest)).config.digest);
    found.push(json<{ config: { User?: string } }>(path ?? "").config.User);
  }
  return found;
}

async function keys(cwd: string): Promise<string[]> {
  const { stdout } = await runCli(["show", "--deps", "none", "--format", "%{full-key}", ...images], { cwd });
  return stdout.trim().split("\n");
}

describe("the user of images that name none", () => {
  test("is root, or who the element or the project says, for all of its images", async () => {
    const plain = project({ ...files, "project.conf": conf });
    expect(await users(plain)).toEqual([undefined, "root", undefined, "1000"]);
    const cwd = project({
      ...files,
      "project.conf": `${conf}elements: {oci: {config: {default-user: '65534:65534'}}}\n`,
    });
    expect(await users(cwd)).toEqual(["65534:65534", "root", "65534:65534", "1000"]);
    const [before, after] = [await keys(plain), await keys(cwd)];
    expect(after.map((key, i) => key === before[i])).toEqual([false, false, false, true]);
  });

  test("has a name or a number", async () => {
    const { error } = await runCli(["show", "empty.bst"], { cwd: project({ ...files, "project.conf": conf }) });
    expect(error).toMatchObject({ domain: "load", reason: "invalid-data" });
    expect(error?.message).toContain("default-user");
  });
});
