/** Random projects show the same with both programs. `BST_TS_SEEDS=FIRST-LAST` asks about others. */
import { expect, it } from "vitest";
import { cacheConfig, project } from "../helpers.ts";
import { shownElements } from "./areas.ts";
import { expectSameElements } from "./compare.ts";
import { generateProject, optionChoices } from "./generate.ts";
import { absent, ask, showArguments } from "./oracle.ts";

const { BST_TS_SEEDS, BST_TS_SIZE } = process.env;
const [first = 1, last = first] = (BST_TS_SEEDS ?? "1-6").split("-").map(Number);
const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);

it.concurrent.for(seeds)("seed %i", async (seed, context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project(generateProject(seed, Number(BST_TS_SIZE ?? 60)));
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  for (const options of optionChoices) {
    const shown = await ask([...options, ...showArguments(), ...shownElements(cwd)], { cwd, configs });
    expectSameElements(shown);
    expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  }
});
