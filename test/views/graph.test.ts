/** The graph as other programs and people get it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";
import { expect, test } from "vitest";
import type { Graph } from "../../src/views/graph.ts";
import { graphAsDot, graphAsMermaid } from "../../src/views/graph-formats.ts";
import { graphAsPage } from "../../src/views/graph-page.ts";
import { project, runCli, tempDir } from "../helpers.ts";

const NASTY = `a'"\\b</script><b>&#35;\n.bst`;

function nasty(): Graph {
  const node = (name: string) => ({ name, kind: `k"`, description: NASTY, key: "ab".repeat(32), state: "cached" });
  return {
    project: `p"</title>`,
    nodes: [
      { ...node("low.bst"), isTarget: false },
      { ...node(NASTY), isTarget: false },
      { ...node("top.bst"), isTarget: true },
    ],
    edges: [
      { from: NASTY, to: "low.bst", build: true, runtime: false, strict: true },
      { from: "top.bst", to: NASTY, build: false, runtime: true, strict: false },
    ],
  };
}

test("the command tells of nodes and edges", async () => {
  const cwd = project({
    "base.bst": "kind: import\nsources: [{kind: local, path: files}]\n",
    "it's.bst": "kind: manual\nbuild-depends: [{filename: base.bst, strict: true}]\n",
    "all.bst": "kind: stack\ndescription: All of it\ndepends: [base.bst, it's.bst]\n",
    "files/x": "x",
  });
  const graph = async (...args: string[]) => {
    const { code, stdout } = await runCli(["graph", "--format", "json", ...args, "all.bst"], { cwd });
    expect(code).toBe(0);
    return JSON.parse(stdout);
  };
  const first = await graph();
  expect(first).toMatchObject({
    project: "test",
    nodes: [
      {
        name: "base.bst",
        kind: "import",
        state: "buildable",
        target: false,
        key: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
      { name: "it's.bst", kind: "manual", state: "waiting", target: false },
      { name: "all.bst", kind: "stack", state: "waiting", target: true, description: "All of it" },
    ],
  });
  expect(first.edges).toEqual([
    { from: "it's.bst", to: "base.bst", build: true, runtime: false, strict: true },
    { from: "all.bst", to: "base.bst", build: true, runtime: true, strict: false },
    { from: "all.bst", to: "it's.bst", build: true, runtime: true, strict: false },
  ]);
  expect((await runCli(["build", "base.bst"], { cwd })).code).toBe(0);
  const names = async (deps: string) => (await graph("--deps", deps)).nodes.map((node: { name: string }) => node.name);
  expect(await names("plan")).toEqual(["it's.bst", "all.bst"]);
  expect(await names("build")).toEqual(["base.bst", "it's.bst"]);
  const output = join(tempDir(), "graph.html");
  expect(await runCli(["graph", "--format", "html", "--output", output], { cwd })).toMatchObject({
    code: 0,
    stdout: "",
  });
  expect(readFileSync(output, "utf8")).toContain(`["it's.bst","manual"`);
});

test("dot takes names for what they are", () => {
  const text = graphAsDot(nasty());
  const strings = [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? "");
  const unescaped = strings.map((each) => each.replace(/\\(.)/g, (_, next) => (next === "n" ? "\n" : next)));
  expect(unescaped).toContain(NASTY);
  expect(unescaped).toContain(`${NASTY}\nk" abababab cached`);
  // What is left without the strings is plain words.
  expect(text.replace(/"(?:[^"\\]|\\.)*"/g, "")).toMatch(/^[\w\s{}[\];=,>-]+$/);
  expect(text.split("\n").find((line) => line.includes("->") && line.includes("top.bst"))).toContain("style=dashed");
});

test("Mermaid takes names for what they are", () => {
  const lines = graphAsMermaid(nasty()).split("\n");
  for (const line of lines.slice(1, 4))
    expect(line).toMatch(/^ {2}n\d\["[\p{L}\p{N} ._/:+#;-]+<br\/>[\p{L}\p{N} ._/:+#;-]+"\]$/u);
  const name = /\["(.*)<br/.exec(lines[2] ?? "")?.[1] ?? "";
  expect(name.replace(/#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))).toBe(NASTY);
  expect(lines.slice(4)).toEqual(["  n1 ==> n0", "  n2 -.-> n1"]);
});

test("the page is one file that shows what a click asks for", () => {
  const page = graphAsPage(nasty());
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toMatch(/(src|href)=|@import|url\(|<b>|<\/title>.*<\/title>/s);
  const opened = openPage(page);
  // The target is shown first.
  expect(opened.texts("about")).toContain("top.bst");
  expect(opened.texts("about")).toContain("Needs (1)");
  opened.click("list", NASTY);
  const about = opened.texts("about");
  expect(about[0]).toBe(NASTY);
  expect(about).toContain("1 elements below it, 1 above it");
  expect(about.slice(about.indexOf("Needs (1)"))).toEqual([
    "Needs (1)",
    "low.bst ",
    "build, strict",
    "Is needed by (1)",
    "top.bst ",
    "run",
  ]);
  expect(about.slice(about.indexOf("Why it is here"), about.indexOf("Needs (1)"))).toContain("top.bst ");
  opened.search("LOW cached");
  expect(opened.texts("count")).toEqual(["1 of 3"]);
});

test("the page of a large project is made and opened at once", () => {
  const nodes = Array.from({ length: 1300 }, (_, i) => ({
    name: `element-${i}.bst`,
    kind: "manual",
    description: "",
    key: undefined,
    state: "waiting",
    isTarget: i === 1299,
  }));
  const edges = nodes.flatMap((node, i) =>
    [1, 7, 40].flatMap((back) => {
      const to = nodes[i - back];
      return to === undefined ? [] : [{ from: node.name, to: to.name, build: true, runtime: true, strict: false }];
    }),
  );
  const began = performance.now();
  const opened = openPage(graphAsPage({ project: "large", nodes, edges }));
  opened.click("list", "element-650.bst");
  expect(opened.texts("about")).toContain("650 elements below it, 649 above it");
  expect(performance.now() - began).toBeLessThan(3000);
});

/** As much of a browser as the page needs. */
class Node {
  textContent = "";
  className = "";
  hidden = false;
  value = "";
  readonly children: Node[] = [];
  readonly listeners = new Map<string, () => void>();
  readonly attributes = new Map<string, unknown>();
  append(...nodes: Node[]): void {
    this.children.push(...nodes);
  }
  replaceChildren(...nodes: Node[]): void {
    this.children.splice(0, this.children.length, ...nodes);
  }
  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, value);
  }
  addEventListener(name: string, listener: () => void): void {
    this.listeners.set(name, listener);
  }
  texts(): string[] {
    return [
      ...(this.textContent === "" ? [] : [String(this.textContent)]),
      ...this.children.flatMap((each) => each.texts()),
    ];
  }
}

function openPage(page: string) {
  const [, data = "", script = ""] = /id="data">(.*)<\/script>\n<script>(.*)<\/script>/s.exec(page) ?? [];
  const ids = new Map<string, Node>();
  const byId = (id: string) => {
    const node = ids.get(id) ?? new Node();
    ids.set(id, node);
    return node;
  };
  byId("data").textContent = data;
  const document = { getElementById: byId, createElement: () => new Node(), createElementNS: () => new Node() };
  // A text that is set makes an element of it, as in browsers.
  vm.runInNewContext(script, { document, location: { hash: "" } });
  return {
    texts: (id: string) => byId(id).texts(),
    click: (id: string, name: string) =>
      byId(id)
        .children.find((each) => each.textContent === `${name} `)
        ?.listeners.get("click")?.(),
    search: (text: string) => {
      byId("search").value = text;
      byId("search").listeners.get("input")?.();
    },
  };
}
