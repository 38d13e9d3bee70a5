/** Random projects that follow the rules of the format: the same seed makes the same project. */
import { stringify } from "yaml";
import { Random } from "./random.ts";

type Mapping = Record<string, unknown>;

const words: readonly [string, ...string[]] = [
  "plain",
  "two words",
  "%{prefix}/x",
  "%{project-v0}",
  "a: b",
  "# no comment",
  "- dash",
  "yes",
  "12",
  "1.50",
  "~",
  "",
  " leading",
  "trailing ",
  "it's",
  '"quoted"',
  "back\\slash",
  "tab\tinside",
  "line\nbreak",
  "lines\n\nmore\n",
  "  indented\nlines\n",
  "größe",
  "世界 🎉",
  "%{not a reference}",
  "100%",
  "[x]",
  "{x}",
  "*star",
  "&and",
  "!bang",
  "|",
  ">",
  "word ".repeat(30).trim(),
  "x".repeat(140),
];

const optionDefinitions: Mapping = {
  fast: { type: "bool", description: "Fast", default: false, variable: "is-fast" },
  level: { type: "enum", description: "Level", values: ["low", "middle", "high"], default: "low", variable: "level" },
  features: { type: "flags", description: "Features", values: ["a", "b", "c"], default: ["b"] },
};

const conditions: readonly [string, ...string[]] = [
  "fast",
  "not fast",
  'level == "low"',
  'level != "high" and fast',
  'level in ("middle", "high")',
  '"a" in features',
  '"b" not in features or fast',
];

/** Choices of options to ask with, as arguments. */
export const optionChoices: readonly (readonly string[])[] = [
  [],
  ["-o", "fast", "True", "-o", "level", "high"],
  ["-o", "level", "middle", "-o", "features", "c,a"],
];

/** One element's place in the graph. */
interface Node {
  readonly name: string;
  readonly kind: string;
}

class Generator {
  readonly files: Record<string, string> = {};
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  /** Writes a project below `folder`; returns the elements that others can depend on. */
  project(folder: string, name: string, size: number, outside: readonly Node[] = [], extra: Mapping = {}): Node[] {
    const random = this.#random;
    this.#write(`${folder}project.conf`, {
      name,
      "min-version": "2.0",
      "element-path": "elements",
      ...(random.chance(0.3) ? { "fatal-warnings": random.some(["overlaps", "other", "ref-not-in-track"], 3) } : {}),
      options: optionDefinitions,
      variables: this.#variables("project-v", 3),
      ...(random.chance(0.7) ? { environment: this.#environment("PROJECT") } : {}),
      ...(random.chance(0.3) ? { "environment-nocache": random.some(["PROJECT0", "OWN1", "PATH"], 2) } : {}),
      ...(random.chance(0.5) ? { "split-rules": this.#splitRules() } : {}),
      elements: {
        manual: this.#conditional({ variables: this.#variables("kind-v", 2), config: this.#commands() }),
        ...(random.chance(0.5) ? { script: { environment: this.#environment("SCRIPT") } } : {}),
      },
      ...(random.chance(0.3) ? { sandbox: { "build-uid": Math.floor(random.fraction(5)) } } : {}),
      ...extra,
    });
    const includes = random.list(4, (index) => {
      const path = `include/i${index}.yml`;
      this.#write(`${folder}${path}`, {
        ...(index > 0 && random.chance(0.5) ? { "(@)": `include/i${index - 1}.yml` } : {}),
        variables: this.#variables(`include-v${index}-`, 2),
        config: this.#commands(),
        public: { bst: { "split-rules": this.#splitRules() } },
      });
      return path;
    });
    const nodes: Node[] = [];
    for (let index = 0; index < size; index++)
      nodes.push(this.#element(folder, index, [...outside, ...nodes], includes));
    return nodes;
  }

  #element(folder: string, index: number, below: readonly Node[], includes: readonly string[]): Node {
    const random = this.#random;
    const kind = random.pick(["manual", "manual", "manual", "import", "stack", "script", "compose", "filter", "link"]);
    const filtered = below.filter((node) => node.kind !== "stack" && node.kind !== "link");
    // A filter needs something to filter, and a link a target.
    const possible = (kind !== "filter" || filtered.length > 0) && (kind !== "link" || below.length > 0);
    const node = {
      name: `${random.pick(["", "", "folder/", "Z-", "_"])}${kind}${index}.bst`,
      kind: possible ? kind : "manual",
    };
    this.#write(`${folder}elements/${node.name}`, this.#body(node, below, filtered, includes));
    return node;
  }

  #body(node: Node, below: readonly Node[], filtered: readonly Node[], includes: readonly string[]): Mapping {
    const random = this.#random;
    const common = {
      kind: node.kind,
      ...(random.chance(0.2) ? { description: random.pick(words) } : {}),
      ...(random.chance(0.5) ? { variables: this.#conditional(this.#variables("own-v", 3)) } : {}),
      ...(random.chance(0.3) ? { environment: this.#environment("OWN") } : {}),
      ...(random.chance(0.3) ? { public: this.#public() } : {}),
    };
    const others = random.some(below, 5);
    switch (node.kind) {
      case "link":
        return { kind: "link", config: { target: random.pick(below.map(nameOf) as [string, ...string[]]) } };
      case "filter":
        return {
          ...common,
          "build-depends": [random.pick(filtered.map(nameOf) as [string, ...string[]])],
          config: { include: random.some(["runtime", "devel", "doc"], 2), "include-orphans": random.chance(0.5) },
        };
      case "stack":
        return { ...common, depends: others.map(nameOf) };
      case "compose":
        return {
          ...common,
          "build-depends": others.map(nameOf),
          config: { exclude: random.some(["debug", "doc"], 2), integrate: random.chance(0.5) },
        };
      case "script":
        return {
          ...common,
          "build-depends": others.map((other) => this.#dependency(other)),
          config: { commands: random.list(3, () => random.pick(words)), "root-read-only": random.chance(0.5) },
        };
      case "import":
        return {
          ...common,
          ...this.#dependencies(others, false),
          sources: [
            { kind: "local", path: "project.conf", ...(random.chance(0.5) ? { directory: "sub/%{level}" } : {}) },
            ...random.list(2, (i) => ({ kind: "remote", url: `https://example.com/${i}`, ref: `${i}`.repeat(64) })),
          ],
          config: { target: random.pick(["/", "%{bindir}", "/opt"]) },
        };
      default:
        return {
          ...common,
          ...this.#dependencies(others, true),
          ...(includes.length > 0 && random.chance(0.5)
            ? { "(@)": [random.pick(includes as [string, ...string[]]), ...random.some(includes, 2)] }
            : {}),
          ...(random.chance(0.2) ? { sandbox: { "build-gid": 7, "build-arch": random.pick(["x86-64", "arm"]) } } : {}),
          config: this.#conditional(this.#commands()),
        };
    }
  }

  #dependencies(others: readonly Node[], configured: boolean): Mapping {
    const lists: Record<string, unknown[]> = {};
    const add = (key: string, value: unknown) => {
      lists[key] = [...(lists[key] ?? []), value];
    };
    for (const other of others) {
      const key = this.#random.pick(["depends", "build-depends", "runtime-depends"]);
      if (key === "build-depends" && configured) add(key, this.#dependency(other));
      else if (key === "depends" && this.#random.chance(0.4))
        add(key, { filename: nameOf(other), type: this.#random.pick(["build", "runtime", "all"]) });
      else add(key, nameOf(other));
    }
    return lists;
  }

  #dependency(other: Node): unknown {
    const random = this.#random;
    const details = {
      ...(random.chance(0.2) ? { strict: true } : {}),
      ...(random.chance(0.3) ? { config: { location: random.pick(["/", "/sysroot", "%{prefix}/deps"]) } } : {}),
    };
    return Object.keys(details).length > 0 ? { filename: nameOf(other), ...details } : nameOf(other);
  }

  /** `PREFIX0`, `PREFIX1`, …, each free to refer to those before it. */
  #variables(prefix: string, atMost: number): Mapping {
    const random = this.#random;
    const entries = random.list(atMost, (index) => {
      const before = index > 0 && random.chance(0.5) ? `%{${prefix}${index - 1}}-` : "";
      // What every project has may be referred to, but not by itself.
      const word =
        prefix === "project-v" ? random.pick(words).replace("%{project-v0}", "%{libdir}") : random.pick(words);
      return [`${prefix}${index}`, before + word];
    });
    if (prefix === "project-v" && entries.length === 0) entries.push(["project-v0", "first"]);
    if (prefix === "own-v" && random.chance(0.2)) entries.push(["notparallel", random.pick(["True", "False"])]);
    return Object.fromEntries(entries);
  }

  #environment(prefix: string): Mapping {
    return Object.fromEntries(this.#random.list(3, (index) => [`${prefix}${index}`, this.#random.pick(words)]));
  }

  #commands(): Mapping {
    const random = this.#random;
    const steps = random.some(["configure-commands", "build-commands", "install-commands", "strip-commands"], 3);
    return Object.fromEntries(steps.map((step) => [step, this.#directives()]));
  }

  #directives(): unknown {
    const random = this.#random;
    const list = () => random.list(3, () => random.pick(words));
    switch (random.pick(["plain", "append", "prepend", "both", "replace"])) {
      case "append":
        return { "(>)": list() };
      case "prepend":
        return { "(<)": list() };
      case "both":
        return { "(>)": list(), "(<)": list() };
      case "replace":
        return { "(=)": list() };
      default:
        return list();
    }
  }

  #splitRules(): Mapping {
    return {
      ...(this.#random.chance(0.5) ? { runtime: this.#directives() } : {}),
      ...(this.#random.chance(0.5) ? { doc: this.#directives() } : {}),
    };
  }

  #public(): Mapping {
    const random = this.#random;
    return {
      bst: {
        ...(random.chance(0.5) ? { "integration-commands": random.list(3, () => random.pick(words)) } : {}),
        "split-rules": this.#splitRules(),
      },
      ...(random.chance(0.5) ? { other: { list: random.list(3, () => [random.pick(words), { a: [] }]) } } : {}),
    };
  }

  /** Adds conditionals that lay more of the same kind over a mapping. */
  #conditional(mapping: Mapping): Mapping {
    const random = this.#random;
    if (random.chance(0.6)) return mapping;
    const fragments = Object.entries(mapping).map(([key, value]) => ({ [random.pick(conditions)]: { [key]: value } }));
    return { ...mapping, "(?)": fragments };
  }

  #write(path: string, content: Mapping): void {
    const defaultStringType = this.#random.pick(["PLAIN", "QUOTE_DOUBLE", "QUOTE_SINGLE"] as const);
    this.files[path] = stringify(content, {
      lineWidth: this.#random.pick([0, 80]),
      defaultStringType,
      // The format has no anchors.
      aliasDuplicateObjects: false,
    });
  }
}

function nameOf(node: Node): string {
  return node.name;
}

/** Files of a project of `size` elements, a third of them in a subproject. */
export function generateProject(seed: number, size: number): Record<string, string> {
  const generator = new Generator(seed);
  const inside = generator.project("sub/", "sub", Math.floor(size / 3));
  const outside = inside.map(({ name, kind }) => ({ name: `sub.bst:${name}`, kind }));
  generator.project("", "generated", size - inside.length, outside);
  generator.files["elements/sub.bst"] = stringify({
    kind: "junction",
    sources: [{ kind: "local", path: "sub" }],
    config: { options: { level: "middle", "(?)": [{ fast: { fast: "True" } }] } },
  });
  return generator.files;
}
