/** Random projects with directives of all kinds, right and wrong: the same seed makes the same project. */
import { Random } from "../oracle/random.ts";

type Mapping = Record<string, unknown>;
type Words = readonly [string, ...string[]];

/** A project, and what is asked about it. */
export interface Composition {
  readonly files: Readonly<Record<string, string>>;
  /** `-o NAME VALUE`. */
  readonly options: readonly (readonly [name: string, value: string])[];
  readonly targets: readonly string[];
}

const optionTypes: Mapping = {
  fast: { type: "bool", description: "d", default: false, variable: "is_fast" },
  slow: { type: "bool", description: "d", default: true },
  level: { type: "enum", description: "d", values: ["low", "mid", "high"], default: "low", variable: "level" },
  feats: { type: "flags", description: "d", values: ["a", "b", "c"], default: ["b", "a"], variable: "feats" },
  mask: { type: "element-mask", description: "d", default: ["e0.bst"] },
  cpu: { type: "arch", description: "d", values: ["x86-64", "aarch64", "i686"], variable: "cpu" },
  sys: { type: "os", description: "d", values: ["Linux", "AIX"] },
};
const choices: Readonly<Record<string, Words>> = {
  fast: ["True", "true", "False", "false", "yes"],
  slow: ["False", "True"],
  level: ["low", "mid", "high", "none"],
  feats: ["a", "a,c", "c,b", "", "a, b", "d"],
  mask: ["e1.bst", "e0.bst,e1.bst", "x.bst"],
  cpu: ["aarch64", "x86-64", "arm"],
  sys: ["AIX", "Linux"],
  nothing: ["x"],
};
const atoms: Words = [
  ...(["fast", "slow", "not fast", "not slow", "fast and slow", "fast or slow", "fast == slow"] as const),
  ...[
    'level == "low"',
    "level == 'high'",
    'level != "mid"',
    'level in ["low", "mid"]',
    'level not in ("low",)',
    "level",
  ],
  ...[
    '"a" in feats',
    '"c" not in feats',
    "feats",
    "feats == ['a', 'b']",
    "feats|length > 1",
    "'a' in feats and 'b' in feats",
  ],
  ...['"e0.bst" in mask', 'cpu == "x86-64"', 'cpu in ["x86-64", "aarch64"]', 'sys == "Linux"', 'sys != "AIX"'],
  ...["True", "False", "true", "1 == 1", "level < 'm'", "(fast)"],
];
const wrong: Words = [
  "nothing",
  "level ==",
  "(fast",
  "fast slow",
  "",
  "fast = True",
  "level | nofilter",
  "1 in level",
  "%{v0}",
];
const texts: Words = [
  ...([
    "x",
    "two words",
    "%{v0}",
    "%{v1}-%{v2}",
    "%{prefix}/x",
    "%{p0}",
    "%{level}",
    "%{is_fast}",
    "%{k0}",
    "%{i0}",
  ] as const),
  ...[
    "",
    " ",
    "100%",
    "%%{v0}",
    "%{ v0}",
    "%{v0",
    "%{0}",
    "%{v0}%{v0}",
    "\\%{v1}",
    "%{%{v0}}",
    "a\nb",
    "%{bindir}",
    "é %{v0}",
  ],
];
const commands: Words = ["configure-commands", "build-commands", "install-commands", "strip-commands"];

const SUBPROJECT = "sub.bst";

class Generator {
  readonly files: Record<string, string> = {};
  readonly #random: Random;
  /** How often something is wrong. */
  readonly #faults: number;

  constructor(random: Random) {
    this.#random = random;
    this.#faults = random.pick([0, 0, 0, 0.01, 0.03, 0.1]);
  }

  get #isFault(): boolean {
    return this.#random.chance(this.#faults);
  }

  composition(): Composition {
    const random = this.#random;
    const includes = random.list(3, (index) => {
      const path = `i${index}.yml`;
      const content = this.#layer(`i${index}-`, index);
      this.#write(path, this.#isFault ? { ...content, kind: "stack" } : content);
      return path;
    });
    this.#write("project.conf", this.#conf("fuzz", includes));
    const targets = ["e0.bst", ...random.list(3, (index) => `e${index + 1}.bst`)];
    if (random.chance(0.35)) includes.push(...this.#subproject());
    for (const target of targets) {
      const included = includes.length > 0 && random.chance(0.6) ? { "(@)": this.#includes(includes) } : {};
      const kind = this.#isFault ? random.pick(["stack", "nothing", ""]) : "manual";
      this.#write(target, { kind, ...included, ...this.#layer("v", 0) });
    }
    if (SUBPROJECT in this.files) targets.push(`${SUBPROJECT}:e0.bst`);
    const options = random.some(Object.keys(choices).slice(0, this.#isFault ? undefined : -1), 3).map((name) => {
      const [first, ...rest] = choices[name] ?? ["x"];
      return [name, this.#isFault ? random.pick([first, ...rest]) : first] as const;
    });
    return { files: this.files, options, targets };
  }

  /** A project behind a junction; returns the names of files to include from it. */
  #subproject(): string[] {
    const random = this.#random;
    this.#write("sub/project.conf", this.#conf("sub", []));
    this.#write("sub/i0.yml", this.#layer("i0-", 0));
    this.#write("sub/i1.yml", this.#layer("i1-", 1));
    this.#write("sub/e0.bst", {
      kind: "manual",
      ...(random.chance(0.5) ? { "(@)": "i1.yml" } : {}),
      ...this.#layer("v", 0),
    });
    const options = {
      level: this.#isFault
        ? random.pick<unknown>(["x", "%{v0}", [], "%{nothing}"])
        : random.pick(["mid", "%{level}", "high"]),
      ...(random.chance(0.5) ? { fast: random.pick(["True", "%{is_fast}", "False"]) } : {}),
      ...(random.chance(0.3)
        ? { feats: random.pick<unknown>([["c"], ["a", "b"], [], this.#isFault ? "a" : ["b"]]) }
        : {}),
      ...(this.#isFault ? { nothing: "x" } : {}),
    };
    const changed = random.chance(0.5) ? { "(?)": [{ [this.#expression()]: { options: { level: "low" } } }] } : {};
    this.#write(SUBPROJECT, {
      kind: "junction",
      sources: [{ kind: "local", path: "sub" }],
      ...(random.chance(0.2) ? { variables: this.#variables("v") } : {}),
      config: { options, ...changed },
    });
    // Not both, as i1 may include i0: BuildStream remembers it with the variables that it was first included with.
    return [`${SUBPROJECT}:${random.pick(["i0", "i1"])}.yml`];
  }

  #conf(name: string, includes: readonly string[]): Mapping {
    const random = this.#random;
    const conf = {
      name,
      "min-version": "2.0",
      options: this.#isFault
        ? { ...optionTypes, level: { type: random.pick(["bool", "enum", "x"]), values: [] } }
        : optionTypes,
      variables: this.#conditional({
        v0: "project",
        v1: "%{v0}-1",
        v2: "2",
        k0: "k",
        i0: "i",
        ...this.#variables("p"),
      }),
      ...(random.chance(0.5) ? { environment: this.#conditional(this.#environment()) } : {}),
      ...(random.chance(0.5) ? { elements: { manual: this.#layer("k", 0) } } : {}),
      ...(random.chance(0.3)
        ? { "split-rules": this.#conditional({ runtime: this.#list(), mine: this.#list(false) }) }
        : {}),
      // Those of element kinds may be unknown there.
      ...(includes.length > 0 && this.#isFault ? { "(@)": this.#includes(includes) } : {}),
    };
    const declared = random.chance(0.2)
      ? { "(?)": [{ [this.#expression()]: { variables: this.#variables("p") } }] }
      : {};
    return { ...conf, ...declared };
  }

  #includes(from: readonly string[]): unknown {
    const random = this.#random;
    if (this.#isFault)
      return random.pick<unknown>(["missing.yml", [], {}, ["i0.yml", ["i1.yml"]], ".", "no.bst:i0.yml", ""]);
    const [first = "", ...rest] = from;
    return random.chance(0.5) ? random.pick([first, ...rest]) : [first, ...random.some(rest, 2)];
  }

  /** What an element, an include, or the defaults of a kind have. */
  #layer(prefix: string, index: number): Mapping {
    const random = this.#random;
    const below = Array.from({ length: index }, (_, i) => `i${i}.yml`);
    // A file may include those before it, or, where that is wrong, itself.
    const included = this.#isFault ? [`i${index}.yml`] : below;
    return this.#conditional({
      ...(prefix.startsWith("i") && included.length > 0 && random.chance(0.4)
        ? { "(@)": this.#includes(included) }
        : {}),
      ...(random.chance(0.6) ? { variables: this.#conditional(this.#variables(prefix)) } : {}),
      ...(random.chance(0.4) ? { environment: this.#conditional(this.#environment()) } : {}),
      ...(random.chance(0.6) ? { config: this.#conditional(this.#config()) } : {}),
      ...(random.chance(0.6) ? { public: this.#conditional(this.#public()) } : {}),
    });
  }

  #variables(prefix: string): Mapping {
    const random = this.#random;
    const names = [`${prefix}0`, `${prefix}1`, "v0", "v1", "v2"] as const;
    return Object.fromEntries(
      random.list(3, () => {
        const name = random.pick([...names, ...(this.#isFault ? (["element-name", "max-jobs", "1x"] as const) : [])]);
        return [
          name,
          this.#isFault ? random.pick<unknown>(["%{nothing}", "%{v0}", [], {}, `%{${name}}`]) : this.#text(name),
        ];
      }),
    );
  }

  /** Refers to what sorts before `name` only, unless that is wrong, so that there are no circles. */
  #text(name = "~"): string {
    const text = this.#random.pick(texts);
    const [, digits = "9"] = /^v(\d)/.exec(name) ?? [];
    const isLater = [...text.matchAll(/%\{v(\d)\}/g)].some(([, other = "9"]) => other >= digits);
    return (isLater || (name !== "~" && text.includes("%{p0}"))) && !this.#isFault ? "plain" : text;
  }

  #environment(): Mapping {
    return Object.fromEntries(this.#random.list(3, (index) => [`E${index}`, this.#word()]));
  }

  /** A text that refers to what is always there. */
  #word(): string {
    return this.#isFault
      ? this.#random.pick(texts)
      : this.#random.pick(["x", "%{v0}", "%{v1}/%{v2}", "%{level}", "%{cpu}%{feats}", "100%", ""]);
  }

  #config(): Mapping {
    const keys = this.#random.some(commands, 3);
    return Object.fromEntries([...keys, ...(this.#isFault ? ["other"] : [])].map((key) => [key, this.#list()]));
  }

  #public(): Mapping {
    const random = this.#random;
    return {
      bst: {
        ...(random.chance(0.5) ? { "integration-commands": this.#list() } : {}),
        ...(random.chance(0.5)
          ? { "split-rules": this.#conditional({ runtime: this.#list(), own: this.#list(false) }) }
          : {}),
      },
      ...(random.chance(0.5) ? { [random.pick(["a", "b"])]: this.#value(0) } : {}),
    };
  }

  #value(depth: number): unknown {
    const random = this.#random;
    const kind = random.fraction(depth > 2 ? 4 : 10);
    if (kind < 4) return this.#word();
    if (kind < 6) return random.list(2, () => this.#value(depth + 1));
    if (kind < 7) return this.#list(false);
    return this.#conditional(
      Object.fromEntries(random.some(["a", "b", "c"], 2).map((key) => [key, this.#value(depth + 1)])),
    );
  }

  /** A list, or changes to one where there is one. */
  #list(isBased = true): unknown {
    const random = this.#random;
    const list = () => random.list(2, () => (random.chance(0.1) && this.#faults > 0 ? this.#value(2) : this.#word()));
    if (this.#isFault) {
      // Without directives that are no lists: where two of them meet, BuildStream takes a text's memory for a list's.
      return random.pick<unknown>([{ "(>)": [], other: "x" }, "text", { "(=)": [{ "(>)": ["x"] }] }]);
    }
    if (!isBased && random.chance(0.98)) return list();
    const keys = random.pick([
      [],
      [],
      ["(>)"],
      ["(<)"],
      ["(=)"],
      ["(>)", "(<)"],
      ["(=)", "(>)"],
      ["(<)", "(=)", "(>)"],
    ]);
    return keys.length === 0 ? list() : Object.fromEntries(keys.map((key) => [key, list()]));
  }

  #expression(): string {
    const random = this.#random;
    if (this.#isFault) return random.pick(wrong);
    const [one, other] = [random.pick(atoms), random.pick(atoms)];
    return random.pick([one, one, one, `not (${one})`, `${one} and ${other}`, `(${one}) or (${other})`]);
  }

  /** Lays more of the same kind over a mapping, where conditions hold. */
  #conditional(mapping: Mapping): Mapping {
    const random = this.#random;
    if (random.chance(0.7))
      return this.#isFault
        ? { ...mapping, ...random.pick<Mapping>([{ "(!)": "no" }, { "(?)": "x" }, { "(?)": [] }]) }
        : mapping;
    const fragments = Object.entries(mapping)
      .filter(([key]) => !key.startsWith("("))
      .map(([key, value]) => this.#condition({ [key]: this.#similar(key, value) }));
    return { ...mapping, "(?)": this.#isFault ? random.pick<unknown>([{}, ["x"], [{}], [[]], "x"]) : fragments };
  }

  #condition(fragment: Mapping): Mapping {
    const random = this.#random;
    const inside = random.chance(0.1) ? { ...fragment, "(?)": [{ [this.#expression()]: fragment }] } : fragment;
    const value: unknown = this.#isFault
      ? random.pick<unknown>(["x", [], { "(!)": "no %{v0}" }, { "(?)": "x" }, {}])
      : inside;
    return { [this.#expression()]: value, ...(this.#isFault ? { [this.#expression()]: {} } : {}) };
  }

  /** Another value that can be composed on this one. */
  #similar(key: string, value: unknown): unknown {
    if (this.#isFault) return this.#value(1);
    if (typeof value === "string") return key.startsWith("v") ? this.#text(key) : this.#word();
    if (Array.isArray(value)) return this.#list();
    const mapping = value as Mapping;
    if (Object.keys(mapping).some((name) => /^\([<>=]\)$/.test(name))) return this.#list();
    const entries = Object.entries(mapping).filter(([name]) => !name.startsWith("("));
    return Object.fromEntries(entries.map(([name, inner]) => [name, this.#similar(name, inner)]));
  }

  #write(path: string, content: Mapping): void {
    // JSON is YAML, and each value on a line of its own is told from the others by its place.
    this.files[path] = `${JSON.stringify(content, null, 1)}\n`;
  }
}

/** The project of a seed. */
export function composition(seed: number): Composition {
  return new Generator(new Random(seed)).composition();
}
