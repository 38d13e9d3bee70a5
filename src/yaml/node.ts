/** The YAML data model: immutable scalars, mappings and sequences that know the file, line and column they came from. */
import { LoadError } from "../base/errors.ts";

/** A file that nodes come from. */
export interface SourceFile {
  /** Absolute path; empty for nodes that no file holds. */
  readonly path: string;
  /** The name as its referrer wrote it: an element name, `project.conf`, an include. */
  readonly shortName: string;
  /** The short name, behind the junction's name where it is in a subproject. */
  readonly displayName: string;
  /** Identity of the project that the file belongs to, compared and never looked into. */
  readonly project?: object | undefined;
}

/** For nodes that the program made up. */
export const SYNTHETIC: SourceFile = { path: "", shortName: "", displayName: "" };

const TRUE = new Set(["True", "true", "1"]);
const FALSE = new Set(["False", "false", "0"]);

abstract class NodeBase {
  readonly file: SourceFile;
  /** Counted from 0. */
  readonly line: number;
  /** Counted from 0; negative for nodes that the program made up inside a file's tree. */
  readonly column: number;

  constructor(file: SourceFile, line: number, column: number) {
    this.file = file;
    this.line = line;
    this.column = column;
  }

  get isSynthetic(): boolean {
    return this.file.path === "" || this.column < 0;
  }

  /** `file [line L column C]`, lines counted from 1 and columns from 0, as BuildStream prints it. */
  get provenance(): string {
    return this.isSynthetic
      ? `${this.file.displayName} [synthetic node]`
      : `${this.file.displayName} [line ${this.line + 1} column ${this.column}]`;
  }

  /** A load error of reason invalid-data (unless told otherwise) that begins with this node's provenance. */
  error(message: string, options: { reason?: ConstructorParameters<typeof LoadError>[0]; detail?: string } = {}) {
    return new LoadError(options.reason ?? "invalid-data", `${this.provenance}: ${message}`, {
      detail: options.detail,
    });
  }
}

/** Text, as all single values of the format are. */
export class ScalarNode extends NodeBase {
  readonly type = "scalar" as const;
  readonly value: string;
  /** @internal Whether the text may refer to a variable: what can't is shared, never copied, by expansion. */
  readonly expandable: boolean;
  /** @internal */
  readonly directives = false as const;

  constructor(value: string, file: SourceFile = SYNTHETIC, line = 0, column = -1) {
    super(file, line, column);
    this.value = value;
    this.expandable = value.includes("%{");
  }

  withValue(value: string): ScalarNode {
    return value === this.value ? this : new ScalarNode(value, this.file, this.line, this.column);
  }

  /** @param name what the error calls the value @throws LoadError invalid-data */
  asBool(name: string): boolean {
    if (TRUE.has(this.value)) return true;
    if (FALSE.has(this.value)) return false;
    throw this.error(`Value of '${name}' must be a boolean: True or False`);
  }

  /** @param name what the error calls the value @throws LoadError invalid-data */
  asInt(name: string): number {
    if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(this.value)) throw this.error(`Value of '${name}' must be an integer`);
    return Number(this.value.replaceAll("_", ""));
  }

  /** @param name what the error calls the value @throws LoadError invalid-data */
  asEnum<T extends string>(name: string, values: readonly T[]): T {
    const found = values.find((value) => value === this.value);
    if (found === undefined) throw this.error(`Value of '${name}' must be one of: ${values.join(", ")}`);
    return found;
  }

  toPlain(): string {
    return this.value;
  }
}

/** A list. */
export class SequenceNode extends NodeBase {
  readonly type = "sequence" as const;
  readonly items: readonly Node[];
  readonly expandable: boolean;
  readonly directives: boolean;

  constructor(items: readonly Node[], file: SourceFile = SYNTHETIC, line = 0, column = -1) {
    super(file, line, column);
    this.items = items;
    this.expandable = items.some((item) => item.expandable);
    this.directives = items.some((item) => item.directives);
  }

  withItems(items: readonly Node[]): SequenceNode {
    return new SequenceNode(items, this.file, this.line, this.column);
  }

  /** The values. @throws LoadError invalid-data, where one is a list or a dictionary */
  asStrings(): string[] {
    return this.scalars().map((item) => item.value);
  }

  /** @throws LoadError invalid-data, where an item is something else */
  scalars(): ScalarNode[] {
    return this.items.map((item) => {
      if (item.type !== "scalar") throw item.error("List item must be a string");
      return item;
    });
  }

  /** @throws LoadError invalid-data, where an item is something else */
  mappings(): MappingNode[] {
    return this.items.map((item) => {
      if (item.type !== "mapping") throw item.error("List item must be a dictionary");
      return item;
    });
  }

  toPlain(): Plain[] {
    return this.items.map((item) => item.toPlain());
  }
}

/** The keys that stand for something done while loading: they keep a tree from being shared as it is. */
const DIRECTIVES = new Set(["(>)", "(<)", "(=)", "(?)", "(@)", "(!)"]);

/**
 * A dictionary. Getters by key return undefined where there is no such key, and throw LoadError invalid-data, with the
 * value's place, where its value is of another type.
 */
export class MappingNode extends NodeBase {
  readonly type = "mapping" as const;
  readonly entries: ReadonlyMap<string, Node>;
  readonly expandable: boolean;
  /** @internal Whether a directive such as `(>)` or `(?)` stands in this tree. */
  readonly directives: boolean;

  constructor(entries: ReadonlyMap<string, Node>, file: SourceFile = SYNTHETIC, line = 0, column = -1) {
    super(file, line, column);
    this.entries = entries;
    let expandable = false;
    let directives = false;
    for (const [key, node] of entries) {
      expandable ||= node.expandable;
      directives ||= node.directives || DIRECTIVES.has(key);
    }
    this.expandable = expandable;
    this.directives = directives;
  }

  static readonly empty = new MappingNode(new Map());

  withEntries(entries: ReadonlyMap<string, Node>): MappingNode {
    return new MappingNode(entries, this.file, this.line, this.column);
  }

  /** A copy in which `key` has another value, at its old position where it had one. */
  with(key: string, node: Node): MappingNode {
    return this.withEntries(new Map(this.entries).set(key, node));
  }

  /** A copy without these keys. */
  without(...keys: string[]): MappingNode {
    if (!keys.some((key) => this.entries.has(key))) return this;
    const entries = new Map(this.entries);
    for (const key of keys) entries.delete(key);
    return this.withEntries(entries);
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  get(key: string): Node | undefined {
    return this.entries.get(key);
  }

  keys(): string[] {
    return [...this.entries.keys()];
  }

  scalar(key: string): ScalarNode | undefined {
    return this.typed(key, "scalar", "a single value");
  }

  mapping(key: string): MappingNode | undefined {
    return this.typed(key, "mapping", "a dictionary");
  }

  sequence(key: string): SequenceNode | undefined {
    return this.typed(key, "sequence", "a list");
  }

  string(key: string): string | undefined {
    return this.scalar(key)?.value;
  }

  bool(key: string): boolean | undefined {
    return this.scalar(key)?.asBool(key);
  }

  int(key: string): number | undefined {
    return this.scalar(key)?.asInt(key);
  }

  enum<T extends string>(key: string, values: readonly T[]): T | undefined {
    return this.scalar(key)?.asEnum(key, values);
  }

  strings(key: string): string[] | undefined {
    return this.sequence(key)?.asStrings();
  }

  /** The value that one of the getters above returned, or an error that the key is missing. */
  required<T>(key: string, value: T | undefined): T {
    if (value === undefined) throw this.error(`Missing key '${key}'`);
    return value;
  }

  /** @throws LoadError invalid-data, for the first key that is not in `valid` */
  validateKeys(valid: ReadonlySet<string>): void {
    for (const [key, node] of this.entries) {
      if (!valid.has(key)) throw node.error(`Unexpected key: ${key}`);
    }
  }

  toPlain(): { [key: string]: Plain } {
    return Object.fromEntries([...this.entries].map(([key, node]) => [key, node.toPlain()]));
  }

  private typed<T extends Node["type"]>(
    key: string,
    type: T,
    expected: string,
  ): Extract<Node, { type: T }> | undefined {
    const node = this.entries.get(key);
    if (node === undefined) return undefined;
    if (node.type !== type) throw node.error(`Value of '${key}' must be ${expected}`);
    return node as Extract<Node, { type: T }>;
  }
}

export type Node = ScalarNode | SequenceNode | MappingNode;
/** A value without a place in a file. */
export type Plain = string | Plain[] | { [key: string]: Plain };

/** Nodes for plain data, without a place in any file. */
export function nodeFrom(value: Plain): Node {
  if (typeof value === "string") return new ScalarNode(value);
  if (Array.isArray(value)) return new SequenceNode(value.map(nodeFrom));
  return mappingFrom(value);
}

export function mappingFrom(value: { readonly [key: string]: Plain }): MappingNode {
  return new MappingNode(new Map(Object.entries(value).map(([key, item]) => [key, nodeFrom(item)])));
}
