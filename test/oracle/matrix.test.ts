/** List directives compose as BuildStream composes them, in every combination. */
import { expect, it } from "vitest";
import { cacheConfig, project } from "../helpers.ts";
import { shownElements } from "./areas.ts";
import { expectSameElements } from "./compare.ts";
import { matrixProject } from "./matrix.ts";
import { absent, ask, showArguments } from "./oracle.ts";

it("every combination of list directives", { timeout: 120_000 }, async (context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project(matrixProject());
  const shown = await ask([...showArguments(), ...shownElements(cwd)], {
    cwd,
    configs: { theirs: cacheConfig(), ours: cacheConfig() },
  });
  expectSameElements(shown);
  expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
});
