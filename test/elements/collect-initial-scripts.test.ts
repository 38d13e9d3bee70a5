/** Kind `collect_initial_scripts`: what is wrong with an initial script is told with the element that has it. */
import { expect, test } from "vitest";
import { project, runCli } from "../helpers.ts";

function collected(data: string) {
  const cwd = project({
    "files/x": "x",
    "low.bst": "kind: import\nsources: [{kind: local, path: files}]\npublic: {initial-script: {script: 'echo low'}}\n",
    "top.bst": `kind: import\nsources: [{kind: local, path: files/x}]\ndepends: [low.bst]\npublic: {initial-script: ${data}}\n`,
    "init.bst": "kind: collect_initial_scripts\nbuild-depends: [top.bst]\nconfig: {path: /init}\n",
  });
  return { cwd, build: runCli(["build", "init.bst"], { cwd }) };
}

test("scripts are numbered in the order in which they are staged", async () => {
  const { cwd, build } = collected("{script: 'echo top'}");
  expect((await build).code).toBe(0);
  const { stdout } = await runCli(["artifact", "list-contents", "init.bst"], { cwd });
  expect(stdout.trim().split(/\s+/).slice(1)).toEqual(["init", "init/001-low_bst", "init/002-top_bst"]);
});

test.each(["{script: [a]}", "[]", "text"])("%s is an error", async (data) => {
  const { code, stderr } = await collected(data).build;
  expect([code, stderr]).toEqual([255, expect.stringContaining("The initial-script of top.bst can't be used: ")]);
});

test.each(["{scrpt: echo}", "{script: ' '}"])("%s is warned of", async (data) => {
  const { code, stderr } = await collected(data).build;
  expect([code, stderr]).toEqual([0, expect.stringMatching(/WARNING .*The initial-script of top\.bst is empty/)]);
});
