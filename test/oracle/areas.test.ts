/** Both programs show, and build, the same from the projects in fixtures/projects/. */
import { describe, expect, it } from "vitest";
import { cacheConfig } from "../helpers.ts";
import { areas, copyArea, questions, shownElements } from "./areas.ts";
import { expectSameElements, expectSameEnding } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";

describe.each(areas)("%s", (area) => {
  it.concurrent.for(questions(area))("$name", { timeout: 120_000 }, async (question, context) => {
    if (absent !== undefined) return context.skip(absent);
    const cwd = copyArea(area, question);
    const env = { BST_TS_UNAME: question.uname };
    const configs = { theirs: cacheConfig(question.config), ours: cacheConfig(question.config) };
    const options = Object.entries(question.options ?? {}).flatMap(([name, value]) => ["-o", name, value]);
    const before = [...(question.args ?? []), ...options];
    if (question.build !== undefined) {
      const built = await ask([...before, "build", ...question.build], { cwd, configs, env });
      expectSameEnding(built);
      expect(built.theirs.code, built.theirs.stderr).toBe(0);
    }
    const targets = question.targets ?? shownElements(cwd);
    const shown = await ask([...before, ...showArguments(question), ...targets], { cwd, configs, env });
    expectSameElements(shown);
    expect(shown.theirs.code, shown.theirs.stderr).toBe(0);
  });
});
