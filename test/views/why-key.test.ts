/** `why-key`: which field made a key another, and where that is. */
import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { cacheConfig, project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

let cwd: string;
let config: string;

const run = (...args: string[]) => runCli(args, { cwd, config });

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(cwd, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(cwd, file), text.replace(from, to));
}

beforeAll(async () => {
  cwd = project({
    "files/a/usr/a": "a",
    "a.bst": "kind: import\nsources:\n- kind: local\n  path: files/a\n",
    "b.bst": "kind: import\nsources:\n- kind: local\n  path: files/a\nconfig:\n  target: /b\n",
    "stack.bst": "kind: stack\ndepends: [a.bst]\n",
    "composed.bst": "kind: compose\nbuild-depends:\n- stack.bst\nconfig:\n  integrate: False\n  exclude:\n  - devel\n",
  });
  config = cacheConfig();
  expect((await run("build", "composed.bst", "b.bst")).code).toBe(0);
});

test("tells fields, places and dependencies, down to where a change began", async () => {
  expect(await run("why-key", "composed.bst")).toMatchObject({ code: 255, error: { reason: "nothing-to-compare" } });
  writeFileSync(join(cwd, "files/a/usr/a"), "other");
  edit("composed.bst", "  - devel\n", "  - devel\n  - doc\npublic:\n  mine:\n    said: so\n");
  edit("composed.bst", "- stack.bst\n", "- stack.bst\n- b.bst\n");
  const told = JSON.parse((await run("why-key", "--json", "composed.bst")).stdout);
  expect(told).toMatchObject([
    {
      element: "composed.bst",
      partial: false,
      added: ["b.bst"],
      removed: [],
      others: ["a.bst", "stack.bst"],
      changes: [
        { field: "config.exclude[1]", after: "doc", file: "composed.bst", line: 9, column: 5 },
        { field: "public.mine", after: { said: "so" }, file: "composed.bst", line: 12, column: 5 },
      ],
    },
    {
      element: "a.bst",
      changes: [
        { field: "sources[0].key", before: expect.stringMatching(/^[0-9a-f]{64}$/), file: "a.bst", line: 3, column: 3 },
      ],
    },
    { element: "stack.bst", changes: [], others: ["a.bst"] },
  ]);
  const { stdout } = await run("why-key", "composed.bst");
  expect(stdout).toMatch(
    /^composed\.bst has the key [0-9a-f]{8}, and had [0-9a-f]{8}\n {2}config\.exclude\[1\] is new: "doc" \(composed\.bst:9:5\)\n/,
  );
  // What only passes the change on is left out.
  expect(stdout).not.toMatch(/^stack\.bst/m);
  expect(stdout).toMatch(
    /^a\.bst has the key .*\n {2}sources\[0\]\.key: "[0-9a-f]{64}" became "[0-9a-f]{64}" \(a\.bst:3:3\)$/m,
  );

  const [{ before }] = told;
  const again = await run("why-key", "--json", "--against", before.slice(0, 10), "composed.bst");
  expect(JSON.parse(again.stdout)).toEqual(told);
  expect(await run("why-key", "--against", "0000000000", "composed.bst")).toMatchObject({ code: 255 });
});

test("remembers the last builds of an element only", async () => {
  const records = join(dirname(config), "cache/bst-ts/key-fields/test/a");
  mkdirSync(records, { recursive: true });
  for (let i = 0; i < 40; i++) {
    writeFileSync(join(records, `old${i}`), "{}");
    utimesSync(join(records, `old${i}`), i, i);
  }
  writeFileSync(join(cwd, "files/a/usr/a"), "another again");
  const { code, stderr } = await run("build", "a.bst");
  expect(code, stderr).toBe(0);
  const left = readdirSync(records);
  expect(left).toHaveLength(32);
  expect(left).not.toContain("old0");
  edit("a.bst", "files/a\n", "files/a\nconfig: {target: /a}\n");
  const [told] = JSON.parse((await run("why-key", "--json", "a.bst")).stdout);
  expect(told).toMatchObject({ partial: false, changes: [{ after: "/a" }] });
});

test("tells what artifacts of others have of it", async () => {
  rmSync(join(dirname(config), "cache/bst-ts"), { recursive: true });
  const told = JSON.parse((await run("why-key", "--json", "composed.bst")).stdout);
  expect(told[0]).toMatchObject({ partial: true, changes: [], added: ["b.bst"], others: ["a.bst", "stack.bst"] });
  expect((await run("why-key", "a.bst")).stdout).toContain("what else it said itself is not known");
});

test("tells which command of a script is another, and where it is", async () => {
  const folder = project({
    "script.bst": "kind: script\nbuild-depends: [root.bst]\nconfig:\n  commands:\n  - 'true'\n  - 'true'\n",
    "root.bst": "kind: import\nsources: [{kind: local, path: files}]\n",
  });
  writeRoot(join(folder, "files"));
  const settings = { cwd: folder, config };
  expect((await runCli(["build", "script.bst"], settings)).code).toBe(0);
  const text = readFileSync(join(folder, "script.bst"), "utf8");
  writeFileSync(join(folder, "script.bst"), text.replace(/'true'\n$/, "'false'\n"));
  expect((await runCli(["why-key", "script.bst"], settings)).stdout).toContain(
    '  config.commands[1]: "true" became "false" (script.bst:6:5)\n',
  );
});
