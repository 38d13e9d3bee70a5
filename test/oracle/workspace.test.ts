/** Both programs take each other's workspaces, and give elements in them the same keys and states. */
import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cacheConfig, project } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { expectSameElements, expectSameEnding } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";

const imported = (path: string) => `kind: import\nsources:\n- kind: local\n  path: ${path}\n`;

it("workspaces while they are worked in", { timeout: 180_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project({
    "root.bst": imported("root"),
    "data.bst": imported("data"),
    "program.bst": `kind: manual
build-depends: [root.bst]
runtime-depends: [data.bst]
sources:
- kind: local
  path: program
config:
  configure-commands: ["touch configured"]
  build-commands: ["cat source >> built"]
  install-commands: ["cp built %{install-root}"]
`,
    "composed.bst": "kind: compose\nbuild-depends: [program.bst]\nconfig: {integrate: False}\n",
    "data/file": "1",
    "program/source": "1\n",
    "program/folder/file": "x",
  });
  writeRoot(join(cwd, "root"));
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const sameStates = async (when: string) => {
    for (const mode of ["--strict", "--no-strict"]) {
      const shown = await ask([mode, ...showArguments(), "composed.bst"], { cwd, configs });
      expect(shown.theirs.code, when).toBe(0);
      expectSameElements(shown);
    }
  };
  const workspace = join(cwd, "workspace");
  mkdirSync(workspace);
  writeFileSync(join(workspace, "source"), "1\n");
  mkdirSync(join(workspace, "folder/deep"), { recursive: true });
  symlinkSync("folder", join(workspace, "link"));
  utimesSync(join(workspace, "folder"), 1_000_000_000.25, 1_000_000_000.25);
  mkdirSync(join(cwd, ".bst2"));
  const open = "format-version: 4\nworkspaces:\n  program.bst:\n    path: workspace\n";
  writeFileSync(join(cwd, ".bst2/workspaces.yml"), open);
  await sameStates("it is open");
  expectSameEnding(await ask(["build", "composed.bst"], { cwd, configs }));
  await sameStates("it is built");
  writeFileSync(join(workspace, "source"), "2\n");
  await sameStates("a file has changed");
  expectSameEnding(await ask(["build", "composed.bst"], { cwd, configs }));
  await sameStates("it is built again");
  rmSync(join(workspace, "folder"), { recursive: true });
  utimesSync(workspace, 5, 5);
  await sameStates("files are gone");
});
