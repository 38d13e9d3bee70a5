/** Random texts and projects are read as BuildStream reads them, and no broken file is more than an error. */
import { cpSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { bstTs, tempDir, writeFiles } from "../helpers.ts";
import { generateProject } from "../oracle/generate.ts";
import { absent } from "../oracle/oracle.ts";
import { type Comparison, compareCompositions, compareTexts, compareYaml } from "./differential.ts";
import { found } from "./found.ts";
import { mutateProject } from "./project.ts";

const here = import.meta.dirname;
const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

/** Expects no difference, and enough of both kinds of answers for that to mean something. */
function expectSame({ differences, values, errors }: Comparison): void {
  expect(differences.slice(0, 3)).toEqual([]);
  expect(Math.min(values, errors) / (values + errors)).toBeGreaterThan(0.15);
}

describe.skipIf(absent !== undefined)(`as BuildStream reads them (${absent ?? "compared"})`, () => {
  test("texts that were read in another way", () => expectSame(compareTexts(found, here)));

  test("random texts", () => expectSame(compareYaml(range(1, 2000), here)));

  test("random projects", () => expectSame(compareCompositions(range(1, 40), here)));
});

describe("files that are broken", () => {
  const expectProperEnds = async (folder: string, first: number) => {
    const config = join(tempDir("user"), "user.conf");
    writeFileSync(config, `cachedir: ${dirname(config)}/cache\n`);
    const { ends, failures } = await mutateProject(folder, { first, count: 20, command: bstTs, config });
    expect(failures).toEqual([]);
    // Some mistakes make no difference; others do.
    expect(ends.size).toBeGreaterThan(2);
    expect(ends.get("ok")).toBeGreaterThan(2);
  };

  test("of the example", async () => {
    const copy = tempDir("example");
    for (const name of ["project.conf", "elements", "files"]) {
      cpSync(join(here, "../..", name), join(copy, name), { recursive: true, verbatimSymlinks: true });
    }
    await expectProperEnds(copy, 1);
  });

  test("of a generated project", async () => {
    const folder = tempDir("generated");
    writeFiles(folder, generateProject(1, 30));
    await expectProperEnds(folder, 101);
  });
});
