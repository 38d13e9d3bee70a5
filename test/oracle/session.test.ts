/** Along a session of builds and edits both programs see the same states and keys, strict and not. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cacheConfig, project } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { expectSameElements, expectSameEnding } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";

const imported = (path: string) => `kind: import\nsources:\n- kind: local\n  path: ${path}\n`;

it("states and keys while files change", { timeout: 120_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project({
    "data/file": "first\n",
    "root.bst": imported("root"),
    "data.bst": imported("data"),
    "program.bst": `kind: manual
build-depends:
- root.bst
- data.bst
config:
  install-commands:
  - cp /file "%{install-root}"
`,
    "strict.bst": `kind: manual
build-depends:
- root.bst
- filename: data.bst
  strict: True
config:
  install-commands:
  - cp /file "%{install-root}"
`,
    "failing.bst":
      "kind: manual\nbuild-depends: [root.bst, data.bst]\nconfig:\n  build-commands: ['grep second /file']\n",
    "user.bst": "kind: manual\nbuild-depends: [root.bst, failing.bst]\n",
    "composed.bst": "kind: compose\nbuild-depends: [data.bst]\nconfig: {integrate: False}\n",
  });
  writeRoot(join(cwd, "root"));
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const targets = ["program.bst", "strict.bst", "composed.bst", "user.bst"];
  const same = async (...args: string[]) => expectSameEnding(await ask(args, { cwd, configs }));
  const sameStates = async (when: string) => {
    for (const mode of ["--strict", "--no-strict"]) {
      const shown = await ask([mode, ...showArguments(), ...targets], { cwd, configs });
      expect(shown.theirs.code, when).toBe(0);
      expectSameElements(shown);
    }
  };
  await sameStates("nothing is built");
  await same("build", "program.bst", "strict.bst", "composed.bst");
  await sameStates("most is built");
  await same("--on-error", "continue", "build", ...targets);
  await sameStates("one has failed");
  appendFileSync(join(cwd, "data/file"), "second\n");
  await sameStates("a file has changed");
  await same("--no-strict", "build", ...targets);
  await sameStates("what has to be is built again");
  await same("artifact", "delete", "data.bst");
  await sameStates("an artifact is deleted");
});
