/** The options of a project: what project.conf declares, and the values that configurations and users give. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BstError, LoadError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { type MappingNode, type Node, ScalarNode } from "../yaml/node.ts";
import { resolveConditions } from "./conditionals.ts";
import { evaluate, type OptionValue } from "./expressions.ts";
import { canonicalArch, hostArch, hostSystem } from "./platform.ts";
import { assertSymbolName } from "./symbols.ts";

const TYPES = ["bool", "enum", "flags", "element-mask", "arch", "os"] as const;
type OptionType = (typeof TYPES)[number];

const COMMON_KEYS = ["type", "description", "variable"];

/** Keys of a declaration besides the common ones. */
const KEYS: Readonly<Record<OptionType, readonly string[]>> = {
  bool: ["default"],
  enum: ["values", "default"],
  flags: ["values", "default"],
  "element-mask": ["default"],
  arch: ["values"],
  os: ["values"],
};

abstract class Option {
  readonly name: string;
  /** The variable that the value is exported to. */
  readonly variable: string | undefined;
  abstract value: OptionValue;

  constructor(name: string, definition: MappingNode) {
    this.name = name;
    definition.required("description", definition.string("description"));
    const variable = definition.scalar("variable");
    if (variable !== undefined) assertSymbolName(variable.value, "variable name", variable);
    this.variable = variable?.value;
  }

  /** The value of the option's key in `values`. */
  abstract loadValue(values: MappingNode): void;
  abstract setText(text: string): void;
  /** The value as variables have it. */
  abstract get text(): string;
  /** Last check, when all values are given. */
  resolve(): void {}
}

class BoolOption extends Option {
  value: boolean;

  constructor(name: string, definition: MappingNode) {
    super(name, definition);
    definition.validateKeys(new Set([...COMMON_KEYS, ...KEYS.bool]));
    this.value = definition.required("default", definition.bool("default"));
  }

  loadValue(values: MappingNode): void {
    this.value = values.required(this.name, values.bool(this.name));
  }

  setText(text: string): void {
    if (text === "True" || text === "true") this.value = true;
    else if (text === "False" || text === "false") this.value = false;
    else throw invalidValue(undefined, this.name, text, ["True", "False"]);
  }

  get text(): string {
    return this.value ? "1" : "0";
  }
}

class EnumOption extends Option {
  readonly values: readonly string[];
  private readonly type: "enum" | "arch" | "os";
  value: string;

  constructor(name: string, definition: MappingNode, type: "enum" | "arch" | "os") {
    super(name, definition);
    this.type = type;
    definition.validateKeys(new Set([...COMMON_KEYS, ...KEYS[type]]));
    this.values = definition.strings("values") ?? [];
    assertHasValues(name, definition, this.values);
    if (type === "arch") this.value = this.hostValue(definition);
    else if (type === "os") this.value = hostSystem();
    else this.value = this.checked(definition.required("default", definition.scalar("default")));
  }

  loadValue(values: MappingNode): void {
    this.value = this.checked(values.required(this.name, values.scalar(this.name)));
  }

  setText(text: string): void {
    this.assertValid(text);
    this.value = text;
  }

  get text(): string {
    return this.value;
  }

  override resolve(): void {
    if (this.type !== "enum") this.assertValid(this.value);
  }

  private checked(node: ScalarNode): string {
    this.assertValid(node.value, node);
    return node.value;
  }

  private assertValid(value: string, node?: Node): void {
    if (!this.values.includes(value)) throw invalidValue(node, this.name, value, this.values);
  }

  /** The first of the values that means this machine's architecture. */
  private hostValue(definition: MappingNode): string {
    const host = hostArch();
    let found: string | undefined;
    for (const node of definition.sequence("values")?.scalars() ?? []) {
      try {
        if (canonicalArch(node.value) === host) found ??= node.value;
      } catch (error) {
        if (!(error instanceof BstError)) throw error;
        throw node.error(`Option '${this.name}' of type 'arch': ${error.message}`);
      }
    }
    return found ?? host;
  }
}

class FlagsOption extends Option {
  readonly values: readonly string[];
  value: readonly string[];

  constructor(name: string, definition: MappingNode, type: "flags" | "element-mask", elementPath: string) {
    super(name, definition);
    definition.validateKeys(new Set([...COMMON_KEYS, ...KEYS[type]]));
    this.values = type === "flags" ? (definition.strings("values") ?? []) : elementsBelow(elementPath);
    assertHasValues(name, definition, this.values);
    // Unlike those that are given later, the defaults keep their order.
    this.value = definition.strings("default") ?? [];
    this.assertValid(this.value, definition.get("default"));
  }

  loadValue(values: MappingNode): void {
    const node = values.required(this.name, values.sequence(this.name));
    this.value = node.asStrings().sort(compareCodePoints);
    this.assertValid(this.value, node);
  }

  setText(text: string): void {
    const flags = text.replace(/\s/g, "").split(",");
    this.assertValid(flags);
    this.value = flags.sort(compareCodePoints);
  }

  get text(): string {
    return this.value.join(",");
  }

  private assertValid(flags: readonly string[], node?: Node): void {
    for (const flag of flags) {
      if (!this.values.includes(flag)) throw invalidValue(node, this.name, flag, this.values);
    }
  }
}

function invalidValue(node: Node | undefined, name: string, value: string, valid: readonly string[]): LoadError {
  const where = node === undefined ? "" : `${node.provenance}: `;
  const detail = `Valid values are: ${valid.join(", ")}`;
  return new LoadError("invalid-data", `${where}Option '${name}' cannot be '${value}'`, { detail });
}

function assertHasValues(name: string, definition: MappingNode, values: readonly string[]): void {
  if (values.length === 0) throw definition.error(`Option '${name}' has no values to choose from`);
}

/** Paths of the elements below a folder; links to folders are not followed. */
function elementsBelow(directory: string, prefix = ""): string[] {
  const found: string[] = [];
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = readdirSync(join(directory, prefix), { withFileTypes: true });
  } catch {
    return found;
  }
  for (const entry of entries) {
    const path = prefix + entry.name;
    if (path.endsWith(".bst")) found.push(path);
    if (entry.isDirectory()) found.push(...elementsBelow(directory, `${path}/`));
  }
  return found;
}

/** Takes declarations, then values from several places, then says what holds. */
export class OptionPool {
  private readonly elementPath: string;
  private readonly options = new Map<string, Option>();
  private readonly variables = new Map<string, OptionValue>();
  private readonly evaluated = new Map<string, boolean>();

  /** @param elementPath absolute path of the project's elements, the values of `element-mask` options */
  constructor(elementPath: string) {
    this.elementPath = elementPath;
  }

  /** Takes the declarations of project.conf. */
  load(node: MappingNode): void {
    for (const name of node.keys()) {
      const definition = node.required(name, node.mapping(name));
      assertSymbolName(name, "option name", definition, { allowDashes: false });
      const type = definition.required("type", definition.enum("type", TYPES));
      this.options.set(name, this.create(name, definition, type));
    }
  }

  private create(name: string, definition: MappingNode, type: OptionType): Option {
    if (type === "bool") return new BoolOption(name, definition);
    if (type === "flags" || type === "element-mask") return new FlagsOption(name, definition, type, this.elementPath);
    return new EnumOption(name, definition, type);
  }

  /** Takes values from a junction or the user configuration. */
  loadYamlValues(node: MappingNode): void {
    for (const [name, value] of node.entries) {
      const option = this.options.get(name);
      if (option === undefined) throw value.error(`There is no option '${name}'`);
      option.loadValue(node);
    }
  }

  /** Takes the values of `-o NAME VALUE`; in a first pass the declaration of some may not be included yet. */
  loadCommandLine(
    values: readonly (readonly [name: string, value: string])[],
    { ignoreUnknown = false }: { readonly ignoreUnknown?: boolean } = {},
  ): void {
    for (const [name, value] of values) {
      const option = this.options.get(name);
      if (option !== undefined) option.setText(value);
      else if (!ignoreUnknown) {
        throw new LoadError("invalid-data", `There is no option '${name}', which the command line gives a value`);
      }
    }
  }

  /** Makes the values count. */
  resolve(): void {
    for (const [name, option] of this.options) {
      option.resolve();
      this.variables.set(name, option.value);
    }
    this.evaluated.clear();
  }

  /** The tree with its conditions resolved, as {@link resolveConditions}. */
  process(node: MappingNode, { restricted }: { readonly restricted?: readonly string[] } = {}): MappingNode {
    return resolveConditions(node, (expression) => this.evaluate(expression), restricted);
  }

  private evaluate(expression: string): boolean {
    let result = this.evaluated.get(expression);
    if (result === undefined) {
      result = evaluate(expression, this.variables);
      this.evaluated.set(expression, result);
    }
    return result;
  }

  /** The variables, with those that options are exported to. */
  exportVariables(variables: MappingNode): MappingNode {
    const entries = new Map(variables.entries);
    for (const { variable, text } of this.options.values()) {
      if (variable === undefined) continue;
      const { file, line, column } = entries.get(variable) ?? { ...variables, column: -1 };
      entries.set(variable, new ScalarNode(text, file, line, column));
    }
    return variables.withEntries(entries);
  }

  /** Names and values for people to read, in order of the names. */
  printable(): [name: string, value: string][] {
    return [...this.options.values()]
      .map((option): [string, string] => [option.name, option.text])
      .sort(([a], [b]) => compareCodePoints(a, b));
  }
}
