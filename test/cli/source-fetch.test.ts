/** Fetching gets what is missing of the elements that are meant, and of no others. */
import { createHash } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { project, runCli, tempDir } from "../helpers.ts";

const remote = tempDir("remote");

function imported(name: string): string {
  writeFileSync(join(remote, name), name);
  const ref = createHash("sha256").update(name).digest("hex");
  return `kind: import\nsources:\n- kind: remote\n  url: file://${remote}/${name}\n  ref: ${ref}\n`;
}

const files = () => ({
  "tool.bst": imported("tool"),
  "library.bst": imported("library"),
  "data.bst": imported("data"),
  "top.bst": `${imported("top")}build-depends: [tool.bst]\nruntime-depends: [library.bst, data.bst]\n`,
});

async function stillMissing(cwd: string): Promise<string[]> {
  const format = ["--order", "alpha", "--format", "%{name} %{state}"];
  const { stdout } = await runCli(["show", ...format, "top.bst"], { cwd });
  return stdout.match(/\w+(?=\.bst fetch needed)/g) ?? [];
}

it.each([
  [["top.bst"], ["data", "library", "tool"]],
  [
    ["--deps", "build", "top.bst"],
    ["data", "library", "top"],
  ],
  [["--deps", "run", "top.bst"], ["tool"]],
  [["--deps", "all", "--except", "data.bst", "top.bst"], ["data"]],
  [["--deps", "all", "top.bst"], []],
])("%j leaves %j", async (args, missing) => {
  const cwd = project(files());
  expect(await runCli(["source", "fetch", ...args], { cwd })).toMatchObject({ code: 0 });
  expect(await stillMissing(cwd)).toEqual(missing);
});

it("fetches nothing twice, and says what it cannot fetch", async () => {
  const cwd = project(files());
  const fetch = (...args: string[]) => runCli(["source", "fetch", ...args], { cwd });
  expect(await fetch("tool.bst")).toMatchObject({ code: 0 });
  rmSync(join(remote, "tool"));
  expect(await fetch("tool.bst")).toMatchObject({ code: 0, stderr: expect.not.stringContaining("fetch:tool.bst") });
  rmSync(join(remote, "data"));
  const { code, error } = await fetch("--deps", "all", "top.bst");
  expect({ code, error }).toMatchObject({
    code: 255,
    error: { domain: "stream", reason: null, task: { domain: "source" } },
  });
});

it("asks for refs first", async () => {
  const cwd = project({ "a.bst": "kind: import\nsources:\n- kind: remote\n  url: file:///x\n" });
  expect(await runCli(["source", "fetch", "a.bst"], { cwd })).toMatchObject({
    code: 255,
    error: { domain: "pipeline", reason: "inconsistent-pipeline", detail: expect.stringContaining("a.bst") },
  });
});
