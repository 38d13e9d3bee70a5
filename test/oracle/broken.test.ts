/** Broken projects fail with BuildStream's domain, reason, exit status and place, in loading and in building. */
import { describe, expect, it } from "vitest";
import { cacheConfig } from "../helpers.ts";
import { expectSameEnding } from "./compare.ts";
import { faults, writeFault } from "./faults.ts";
import { absent, ask } from "./oracle.ts";

describe.each([...faults])("%s", (_, cases) => {
  it.concurrent.for(cases)("$name", async (fault, context) => {
    if (absent !== undefined) return context.skip(absent);
    const cwd = writeFault(fault);
    const configs = { theirs: cacheConfig(), ours: cacheConfig() };
    for (const [index, command] of fault.commands.entries()) {
      const answers = await ask(command, { cwd, configs });
      expectSameEnding(answers);
      const last = index === fault.commands.length - 1;
      expect(answers.theirs.code !== 0, `does not fail: ${answers.theirs.stdout}`).toBe(last);
    }
  });
});
