/** Overlaps of staged artifacts are found, forgiven and told of as BuildStream does it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type OverlapAction,
  type StagedElement,
  StagingArea,
  type StagingWarning,
} from "../../src/artifact/overlaps.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { mappingFrom } from "../../src/yaml/node.ts";
import { arbitraryLayout, digestOfLayout, type Layout, layoutOf, temporaryCas } from "../cas/helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";

function emptyRoot(cas: Cas): () => Tree {
  const root = new Tree(cas);
  return () => root;
}

function element(cas: Cas, name: string, layout: Layout, whitelist: string[] = []): StagedElement {
  const publicData = mappingFrom({ bst: { "overlap-whitelist": whitelist } });
  return { name, files: digestOfLayout(cas, layout), publicData };
}

describe("staging", () => {
  test("puts later files over earlier ones, and says so once", () => {
    const cas = temporaryCas();
    const root = new Tree(cas);
    const warnings = new StagingArea(() => root).stage([
      element(cas, "a.bst", { etc: { conf: "a" }, only: "a" }),
      element(cas, "b.bst", { etc: { conf: "b" } }),
      element(cas, "c.bst", { etc: { conf: "c" } }, ["/etc/*"]),
    ]);
    expect(layoutOf(root)).toEqual({ etc: { conf: "c" }, only: "a" });
    expect(warnings).toEqual([
      {
        token: "overlaps",
        text: expect.any(String),
        detail: "Staged into /:\n/etc/conf: b.bst may not replace it, in the order c.bst above b.bst above a.bst",
      },
    ]);
  });

  test("is silent where the upper element's whitelist has the file", () => {
    const cas = temporaryCas();
    const elements = [element(cas, "a.bst", { x: "a" }), element(cas, "b.bst", { x: "b" }, ["/x"])];
    expect(new StagingArea(emptyRoot(cas)).stage(elements)).toEqual([]);
  });

  test("leaves files out where there is a folder with content", () => {
    const cas = temporaryCas();
    const root = new Tree(cas);
    const elements = [element(cas, "a.bst", { x: { y: "y" } }), element(cas, "b.bst", { x: "file", z: "z" })];
    const [warning, ...others] = new StagingArea(() => root).stage(elements, "/opt");
    expect(layoutOf(root)).toEqual({ opt: { x: { y: "y" }, z: "z" } });
    expect(warning).toMatchObject({ token: "unstaged-files", detail: "Staged into /opt:\n\nFrom b.bst:\n  /opt/x" });
    expect(others).toEqual([]);
  });

  test("says whose folder can't be where another's file is", () => {
    const cas = temporaryCas();
    const area = new StagingArea(emptyRoot(cas));
    const lib = element(cas, "lib.bst", { usr: { lib: {} }, x: "x" });
    const [file, folder] = [element(cas, "a.bst", { x: "a" }), element(cas, "b.bst", { x: { y: "y" } })];
    expect(() => area.stage([lib, file, folder], "/opt")).toThrow(
      expect.objectContaining({
        domain: "virtual-fs",
        message: "b.bst has a folder at /opt/x, where a.bst has a file",
      }),
    );
    // It was there before.
    expect(() => area.stage([folder], "/opt")).toThrow("b.bst has a folder at /opt/x, where there is a file");
  });

  test.each<[OverlapAction, number]>([
    ["warning", 1],
    ["ignore", 0],
  ])("over files of an earlier call with action %s gives %i warnings", (action, count) => {
    const cas = temporaryCas();
    const area = new StagingArea(emptyRoot(cas));
    area.stage([element(cas, "a.bst", { opt: { x: "a" } })]);
    const warnings = area.stage([element(cas, "b.bst", { x: "b" })], "/opt", action);
    expect(warnings).toHaveLength(count);
    for (const { token, detail } of warnings) {
      expect(token).toBe("overlaps");
      expect(detail).toContain("/opt/x: of b.bst, replaces that of a.bst, staged into /");
    }
  });

  test("over files of an earlier call can be an error", () => {
    const cas = temporaryCas();
    const area = new StagingArea(emptyRoot(cas));
    area.stage([element(cas, "a.bst", { x: "a" })]);
    expect(() => area.stage([element(cas, "b.bst", { x: "b" })], "/", "error")).toThrow(
      expect.objectContaining({ domain: "element", reason: "overlaps" }),
    );
  });

  test.skipIf(absent)("finds the overlaps that BuildStream finds", () => {
    const cas = temporaryCas();
    const staged = fc.record({
      layout: arbitraryLayout(),
      whitelist: fc.subarray(["/a", "/b", "/a/*", "/opt/b", "/*/c"], { maxLength: 2 }),
    });
    const session = fc.record({
      location: fc.constantFrom("/", "/opt", "/a"),
      elements: fc.array(staged, { minLength: 1, maxLength: 4 }),
    });
    const scenarios = fc.sample(fc.array(session, { minLength: 1, maxLength: 3 }), { numRuns: 400, seed: 3 });
    const runs = scenarios.flatMap((sessions) => {
      try {
        return [play(cas, sessions)];
      } catch {
        return []; // A folder over a file, which both refuse.
      }
    });
    const answers = askEach<unknown>(
      SCRIPT,
      runs.map(({ question }) => question),
    );
    let found = 0;
    for (const [index, { facts }] of runs.entries()) {
      // It cannot say who made an empty folder that a file replaced.
      if (answers[index]?.error?.[0] === "AssertionError") continue;
      expect({ value: facts }).toEqual(answers[index]);
      found += facts.length;
    }
    expect(found).toBeGreaterThan(100);
  });
});

interface StagedLayout {
  readonly layout: Layout;
  readonly whitelist: string[];
}

/** Stages, and keeps what each import said for the same question to BuildStream's collector. */
function play(cas: Cas, sessions: readonly { location: string; elements: readonly StagedLayout[] }[]) {
  const root = new Tree(cas);
  const mirror = new Tree(cas);
  const area = new StagingArea(() => root);
  const facts: unknown[] = [];
  let id = 0;
  const question = sessions.map(({ location, elements }) => {
    const named = elements.map(({ layout, whitelist }) => ({ name: `e${id++}.bst`, layout, whitelist }));
    const staged = named.map(({ name, layout, whitelist }) => element(cas, name, layout, whitelist));
    facts.push(...area.stage(staged, location).flatMap(parse));
    const folder = mirror.openDirectory(location.slice(1), { create: true });
    return {
      location,
      elements: named.map(({ name, whitelist }, index) => {
        const result = folder.importTree(staged[index]?.files ?? root);
        return { name, whitelist, ...result, written: [...result.filesWritten()] };
      }),
    };
  });
  return { question, facts };
}

/** What a warning says, as data. */
function parse({ token, detail }: StagingWarning): unknown[] {
  const lines = detail.split("\n").slice(1);
  if (token === "unstaged-files") return lines.filter((line) => line !== "").map((line) => ["unstaged", line.trim()]);
  return lines.map((line) => {
    const [, path, names, order] = /^(.*): (.*) may not replace it, in the order (.*)$/.exec(line) ?? [];
    if (path !== undefined) return ["overlap", path, names, order];
    const [, file, by, of, into] = /^(.*): of (.*), replaces that of (.*), staged into (.*)$/.exec(line) ?? [];
    return ["external", file, by, of, into];
  });
}

const SCRIPT = `
import re
from buildstream import Element, Plugin
from buildstream.node import Node
from buildstream.types import OverlapAction
from buildstream.utils import FileListResult
from buildstream._overlapcollector import OverlapCollector
class Variables:
    def subst(self, node):
        return node.as_str()
def make(name, unique_id, whitelist):
    element = object.__new__(Element)
    element._unique_id = unique_id
    element._get_full_name = lambda: name
    data = Node.from_dict({"overlap-whitelist": whitelist})
    element.get_public_data = lambda domain: data
    element._Element__whitelist_regex = None
    element._Element__variables = Variables()
    return element
def parse(token, detail):
    lines = detail.split("\\n")[1:]
    if token == "unstaged-files":
        return [["unstaged", line.strip()] for line in lines if line.strip()]
    facts = []
    for line in lines:
        match = re.match(r"^(.*): (.*) (?:is|are) not permitted to overlap other elements, order (.*) $", line)
        if match:
            facts.append(["overlap", *match.groups()])
        match = re.match(r"^(.*): (.*) overlaps files previously staged by (.*) in: (.*)$", line)
        if match:
            facts.append(["external", *match.groups()])
    return facts
def answer(sessions):
    elements = {}
    Plugin._lookup = classmethod(lambda cls, unique_id: elements[unique_id])
    facts = []
    owner = make("owner", -1, [])
    owner.warn = lambda text, detail=None, warning_token=None: facts.extend(parse(warning_token, detail))
    collector = OverlapCollector(owner)
    for session in sessions:
        with collector.session(OverlapAction.WARNING, session["location"]):
            for each in session["elements"]:
                element = make(each["name"], len(elements), each["whitelist"])
                elements[element._unique_id] = element
                result = FileListResult()
                result.overwritten = each["overwritten"]
                result.ignored = each["ignored"]
                result.files_written = each["written"]
                collector.collect_stage_result(element, result)
    return facts
`;
