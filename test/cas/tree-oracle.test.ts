/** The same imports done by BuildStream's own code: equal digests, results and lists, on random trees. */
import { execFileSync } from "node:child_process";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { formatDigest } from "../../src/cas/digest.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { arbitraryLayout, digestOfLayout, type Layout, temporaryCas } from "./helpers.ts";
import { absent, python } from "./oracle.ts";

interface Case {
  readonly into: Layout;
  readonly sources: readonly Layout[];
  /** Paths that the filter refuses; null for no filter. */
  readonly refused: readonly string[] | null;
  readonly probes: readonly string[];
}

const PATHS = ["a", "b", "c", "a/a", "a/b", "b/c", "c/a", "a/b/c", "c/c/c"];

function answer(cas: Cas, { into, sources, refused, probes }: Case): unknown {
  const tree = new Tree(cas, digestOfLayout(cas, into));
  const results: unknown[] = [];
  try {
    for (const layout of sources) {
      const options = refused === null ? {} : { filter: (path: string) => !refused.includes(path) };
      const result = tree.importTree(digestOfLayout(cas, layout), options);
      results.push([result.overwritten, result.ignored, [...result.filesWritten()]]);
    }
  } catch (error) {
    if (!(error instanceof BstError && error.domain === "virtual-fs")) throw error;
    return { error: /'(\/.*?)'/.exec(error.message)?.[1] };
  }
  const exists = probes.map((probe) => {
    const followSymlinks = true;
    const kind = tree.lookup(probe, { followSymlinks })?.kind;
    return [tree.exists(probe), tree.exists(probe, { followSymlinks }), kind === "directory"];
  });
  return { digest: formatDigest(tree.digest()), results, paths: [...tree.paths()], exists };
}

function ask(cases: readonly Case[]): unknown[] {
  const script = path.join(import.meta.dirname, "reference.py");
  return JSON.parse(execFileSync(python, [script], { input: JSON.stringify(cases), encoding: "utf8" }));
}

describe.skipIf(absent)("as BuildStream does it", () => {
  test("imports", () => {
    const layouts = fc.record({
      into: arbitraryLayout(),
      sources: fc.array(arbitraryLayout(), { minLength: 1, maxLength: 3 }),
      refused: fc.option(fc.subarray(PATHS)),
      probes: fc.constant(PATHS),
    });
    const cases = fc.sample(layouts, 300);
    const theirs = ask(cases);
    const [failed, imported] = [theirs.filter((item) => isError(item)), theirs.filter((item) => !isError(item))];
    expect(failed.length).toBeGreaterThan(20);
    expect(imported.length).toBeGreaterThan(100);
    const cas = temporaryCas();
    for (const [i, item] of cases.entries()) {
      expect({ case: item, answer: answer(cas, item) }).toEqual({ case: item, answer: theirs[i] });
    }
  });
});

function isError(value: unknown): boolean {
  return value !== null && typeof value === "object" && "error" in value;
}
