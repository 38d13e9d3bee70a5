/** A small project that is edited at random, and by the simplest rules what each of its elements must hold. */
import fc from "fast-check";
import { stringify } from "yaml";
import type { Content } from "./cache.ts";

const imports = ["i0.bst", "i1.bst", "i2.bst", "i3.bst"];
const stacks = ["s0.bst", "s1.bst"];

/** Which of the dependencies an element may have, so that there are no cycles. */
const possible: Readonly<Record<string, readonly string[]>> = {
  "i1.bst": ["i0.bst"],
  "i2.bst": ["i0.bst", "i1.bst"],
  "i3.bst": ["i0.bst", "i2.bst"],
  "s0.bst": imports,
  "s1.bst": ["s0.bst", ...imports],
  "c0.bst": [...stacks, ...imports],
  "c1.bst": ["f0.bst", "s1.bst", "c0.bst"],
};

const element = fc.constantFrom(...imports);
// Nothing removes the file that an import begins with, since without any it fails.
const folder = fc.constantFrom("usr/include", "usr/share", "srv/x");
const dependency = fc
  .constantFrom(...Object.entries(possible).flatMap(([from, all]) => all.map((to) => [from, to] as const)))
  .map(([from, to]) => ({ type: "depend" as const, from, to }));

const edit = fc.oneof(
  fc.record({ type: fc.constant("file" as const), element, folder, text: fc.constantFrom("a", "b", undefined) }),
  dependency,
  fc.record({ type: fc.constant("split" as const), element }),
  fc.record({ type: fc.constant("script" as const), element, text: fc.constantFrom("one", "two", undefined) }),
  fc.constant({ type: "exclude" as const }),
  fc.record({
    type: fc.constant("forget" as const),
    element: fc.constantFrom(...imports, ...stacks, "c0.bst", "f0.bst", "k0.bst", "a0.bst", "a1.bst"),
    which: fc.oneof(fc.constant("all" as const), fc.nat(5)),
  }),
);

/** One thing that somebody does to the project, or to the cache, between two builds. */
export type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** What is done between two builds. */
export const edits = fc.array(edit, { minLength: 1, maxLength: 3 });

export class Model {
  /** Elements that are made of the files of others. */
  readonly assembled = ["c0.bst", "c1.bst", "f0.bst", "k0.bst", "a0.bst", "a1.bst"];
  readonly #texts = new Map(imports.map((name) => [name, new Map([["usr/lib", "first"]])]));
  readonly #depends = new Map<string, Set<string>>([
    ["s0.bst", new Set(["i0.bst"])],
    ["s1.bst", new Set(["s0.bst", "i1.bst"])],
    ["c0.bst", new Set(["s0.bst"])],
    ["c1.bst", new Set(["f0.bst"])],
    ["f0.bst", new Set(["i0.bst"])],
    ["k0.bst", new Set(["s1.bst"])],
    ["a0.bst", new Set(["c0.bst"])],
    ["a1.bst", new Set(["a0.bst", "s1.bst", "k0.bst"])],
  ]);
  readonly #scripts = new Map<string, string>();
  /** Those whose files below /srv are for developers. */
  readonly #develSrv = new Set<string>();
  #excludesDevel = true;

  apply(edit: Exclude<Edit, { type: "forget" }>): void {
    switch (edit.type) {
      case "file":
        set(this.#texts.get(edit.element) ?? new Map(), edit.folder, edit.text);
        break;
      case "depend": {
        const depends = this.#depends.get(edit.from) ?? new Set();
        this.#depends.set(edit.from, depends);
        if (!depends.delete(edit.to)) depends.add(edit.to);
        break;
      }
      case "split":
        if (!this.#develSrv.delete(edit.element)) this.#develSrv.add(edit.element);
        break;
      case "script":
        set(this.#scripts, edit.element, edit.text);
        break;
      case "exclude":
        this.#excludesDevel = !this.#excludesDevel;
    }
  }

  kind(name: string): string {
    const kinds = new Map(
      Object.entries({ i: "import", s: "stack", c: "compose", f: "filter", k: "collect_initial_scripts", a: "oci" }),
    );
    return kinds.get(name.charAt(0)) ?? "";
  }

  /** The project's files. */
  files(): Record<string, string> {
    const names = [...imports, ...stacks, ...this.assembled];
    return {
      ...Object.fromEntries(names.map((name) => [name, stringify(this.#body(name))])),
      ...Object.fromEntries(
        imports.flatMap((name) => [
          [`files/${baseName(name)}/`, ""],
          ...Object.entries(this.#own(name)).map(([path, text]) => [`files/${baseName(name)}/${path}`, text]),
        ]),
      ),
    };
  }

  /** What an element must hold; of an image, its root. */
  content(name: string): Content {
    switch (this.kind(name)) {
      case "import":
        return this.#own(name);
      case "compose":
        return this.#staged([...this.#dependsOf(name)], (each, path) =>
          name === "c0.bst" && this.#excludesDevel ? !this.#isDevel(each, path) : true,
        );
      case "filter":
        return Object.fromEntries(
          Object.entries(this.content("i0.bst")).filter(([path]) => this.#isDevel("i0.bst", path)),
        );
      case "collect_initial_scripts":
        return this.#collected();
      case "oci":
        return this.#staged(name === "a0.bst" ? ["c0.bst"] : ["s1.bst", "k0.bst"], () => true);
      default:
        return {};
    }
  }

  #own(name: string): Record<string, string> {
    const texts = this.#texts.get(name) ?? new Map();
    return Object.fromEntries([...texts].map(([folder, text]) => [`${folder}/${baseName(name)}`, `${text}\n`]).sort());
  }

  #dependsOf(name: string): ReadonlySet<string> {
    return this.#depends.get(name) ?? new Set();
  }

  #isDevel(name: string, path: string): boolean {
    return path.startsWith("usr/include/") || (this.#develSrv.has(name) && path.startsWith("srv/"));
  }

  /** Some elements with all that they need at run time; only imports and stacks need anything. */
  #closure(names: readonly string[]): Set<string> {
    const reached = new Set<string>();
    const add = (name: string) => {
      reached.add(name);
      if (imports.includes(name) || stacks.includes(name)) for (const each of this.#dependsOf(name)) add(each);
    };
    names.forEach(add);
    return reached;
  }

  #staged(names: readonly string[], keeps: (element: string, path: string) => boolean): Content {
    const files = [...this.#closure(names)].flatMap((name) =>
      Object.entries(this.content(name)).filter(([path]) => keeps(name, path)),
    );
    return Object.fromEntries(files.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Dependencies come first; those that know nothing of each other by name. */
  #collected(): Content {
    const scripts: [string, string][] = [];
    const done = new Set<string>();
    const visit = (name: string) => {
      if (done.has(name)) return;
      done.add(name);
      for (const each of this.#ordered(name)) visit(each);
      const text = this.#scripts.get(name);
      const number = String(scripts.length + 1).padStart(3, "0");
      if (text !== undefined) scripts.push([`scripts/${number}-${name.replace(".", "_")}`, `*${text}`]);
    };
    visit("s1.bst");
    return Object.fromEntries(scripts);
  }

  #ordered(name: string): string[] {
    const needs = (a: string, b: string) => a !== b && this.#closure([a]).has(b);
    return [...this.#dependsOf(name)].sort((a, b) => (needs(a, b) ? 1 : needs(b, a) ? -1 : a < b ? -1 : 1));
  }

  #body(name: string): object {
    const kind = this.kind(name);
    const depends = [...this.#dependsOf(name)];
    const script = this.#scripts.get(name);
    switch (kind) {
      case "import":
        return {
          kind,
          sources: [{ kind: "local", path: `files/${baseName(name)}` }],
          depends,
          public: {
            bst: { "split-rules": { devel: { "(>)": this.#develSrv.has(name) ? ["/srv/**"] : [] } } },
            ...(script !== undefined && { "initial-script": { script } }),
          },
        };
      case "stack":
        return { kind, depends };
      case "compose":
        return {
          kind,
          "build-depends": depends,
          config: { integrate: "False", exclude: name === "c0.bst" && this.#excludesDevel ? ["devel"] : [] },
        };
      case "filter":
        return { kind, "build-depends": depends, config: { include: ["devel"] } };
      case "collect_initial_scripts":
        return { kind, "build-depends": depends, config: { path: "/scripts" } };
      default:
        return { kind, "build-depends": depends, config: { images: [this.#image(name)] } };
    }
  }

  #image(name: string): object {
    const platform = { architecture: "amd64", os: "linux" };
    return name === "a0.bst"
      ? { ...platform, layer: ["c0.bst"] }
      : { ...platform, parent: { element: "a0.bst" }, layer: ["s1.bst", "k0.bst"] };
  }
}

function baseName(name: string): string {
  return name.replace(".bst", "");
}

function set(map: Map<string, string>, key: string, value: string | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
