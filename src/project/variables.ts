/** Variables of a project or element: `%{name}` references, resolved when first asked for. */
import { LoadError } from "../base/errors.ts";
import { type MappingNode, type Node, ScalarNode } from "../yaml/node.ts";

/** A text with references: `texts[0] names[0] texts[1] names[1] … texts[n]`. */
interface Expression {
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

/** The variable that stands for another value of `max-jobs`. */
export const NOT_PARALLEL = "notparallel";

const REFERENCE = /%\{([a-zA-Z][a-zA-Z0-9_-]*)\}/;

// Elements of a project share nearly all of their texts: each is taken apart once.
const parsed = new Map<string, Expression>();

function parse(text: string): Expression {
  let expression = parsed.get(text);
  if (expression === undefined) {
    const parts = text.split(REFERENCE);
    expression = {
      texts: parts.filter((_, index) => index % 2 === 0),
      names: parts.filter((_, index) => index % 2 === 1),
    };
    parsed.set(text, expression);
  }
  return expression;
}

// Far below what the stack takes; references are seldom nested deeper than ten.
const MAX_DEPTH = 100;

/** An expression whose references are being resolved, and how many are. */
interface Frame {
  readonly name: string | undefined;
  readonly expression: Expression;
  next: number;
}

/** What variables have in common that differ in some of them. */
interface Common {
  readonly variables: Variables;
  /** Names of those, and of what refers to them, be it through others. */
  readonly differing: ReadonlySet<string>;
  /** Trees that all of them expand: the result, or that it differs. */
  readonly expanded: WeakMap<Node, Node | "differs">;
  /** Whether all that does not differ can be resolved; undefined until somebody has asked. */
  isSound?: boolean;
}

/** The texts of a mapping of variables with all references replaced. */
export class Variables {
  private readonly node: MappingNode;
  private values: Map<string, string> | undefined;
  private readonly common: Common | undefined;
  /** What goes before `node`. */
  private readonly own: MappingNode | undefined;
  /** What {@link expandShared} was asked for. */
  private expanded: WeakMap<Node, Node> | undefined;
  private isChecked = false;

  /** Throws a LoadError, reason invalid-data, for a variable that is not a single value. */
  constructor(node: MappingNode, common?: Common, own?: MappingNode) {
    this.common = common;
    this.own = own;
    if (common !== undefined) {
      this.node = common.variables.node;
      return;
    }
    let all = node;
    if (node.bool(NOT_PARALLEL) === true) {
      const jobs = node.scalar("max-jobs") ?? new ScalarNode("", node.file, node.line);
      all = node.with("max-jobs", jobs.withValue("1"));
    }
    for (const [name, value] of all.entries) if (value.type !== "scalar") all.scalar(name);
    this.node = all;
  }

  /**
   * For variables that differ from these in some: what does not depend on those is resolved once for all.
   * @param names those that differ, {@link NOT_PARALLEL} not among them
   * @returns a function of a mapping with these names
   */
  family(names: Iterable<string>): (own: MappingNode) => Variables {
    const common: Common = { variables: this, differing: this.referrers(names), expanded: new WeakMap() };
    return (own) => new Variables(this.node, common, own);
  }

  has(name: string): boolean {
    return this.node.has(name) || this.own?.has(name) === true;
  }

  /**
   * The variable's value, undefined where there is no such variable.
   * @throws LoadError unresolved-variable or circular-reference-variable
   */
  get(name: string): string | undefined {
    const value = this.shortcut(name, 0);
    if (value !== undefined) return value;
    const node = this.scalar(name);
    return node === undefined ? undefined : this.resolve(parse(node.value), name);
  }

  /** Throws, as `get` does, for the first variable that has no value. */
  check(): void {
    if (this.isChecked) return;
    if (!this.isSound()) for (const name of this.names()) this.get(name);
    this.isChecked = true;
  }

  /** Names and values in the order in which the variables were defined. */
  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const name of this.names()) yield [name, this.get(name) ?? ""];
  }

  private scalar(name: string): ScalarNode | undefined {
    return this.own?.scalar(name) ?? this.node.scalar(name);
  }

  private *names(): IterableIterator<string> {
    yield* this.node.entries.keys();
    if (this.own !== undefined) for (const name of this.own.entries.keys()) if (!this.node.has(name)) yield name;
  }

  /** Whether all variables can be resolved, told without an order. */
  private isSound(): boolean {
    const { common } = this;
    if (common === undefined) return this.canResolve(this.names());
    common.isSound ??= common.variables.canResolve(
      [...this.node.entries.keys()].filter((name) => !common.differing.has(name)),
    );
    return common.isSound && this.canResolve(common.differing);
  }

  private canResolve(names: Iterable<string>): boolean {
    try {
      for (const name of names) this.get(name);
      return true;
    } catch (error) {
      if (error instanceof LoadError) return false;
      throw error;
    }
  }

  /** The scalar's text with all references replaced. */
  subst(scalar: ScalarNode): string {
    if (!scalar.expandable) return scalar.value;
    const expression = parse(scalar.value);
    return this.join(expression, 0) ?? this.resolve(expression, undefined, scalar);
  }

  /** The same tree with all references replaced; subtrees that have none are shared. */
  expand<T extends Node>(node: T): T;
  expand(node: Node): Node {
    if (!node.expandable) return node;
    const known = this.common?.expanded.get(node);
    if (known !== undefined && known !== "differs") return known;
    if (node.type === "scalar") return node.withValue(this.subst(node));
    if (node.type === "sequence") return node.withItems(node.items.map((item) => this.expand(item)));
    const entries = new Map<string, Node>();
    for (const [key, value] of node.entries) entries.set(key, this.expand(value));
    return node.withEntries(entries);
  }

  /** Expands a tree that others of the family have, too: for all of them at once if it is the same for all. */
  expandShared<T extends Node>(node: T): T;
  expandShared(node: Node): Node {
    const { common } = this;
    if (common === undefined) {
      this.expanded ??= new WeakMap();
      const known = this.expanded.get(node) ?? this.expand(node);
      this.expanded.set(node, known);
      return known;
    }
    if (!common.expanded.has(node)) {
      common.expanded.set(node, refersTo(node, common.differing) ? "differs" : common.variables.expandShared(node));
    }
    return this.expand(node);
  }

  /** The variables and all that refer to them, be it through others. */
  private referrers(names: Iterable<string>): ReadonlySet<string> {
    const found = new Set(names);
    for (const each of found) {
      for (const [referrer, node] of this.node.entries) {
        if (node.type === "scalar" && node.expandable && parse(node.value).names.includes(each)) found.add(referrer);
      }
    }
    return found;
  }

  /** The value where the way to it is short; undefined for long chains, circles and what is not defined. */
  private shortcut(name: string, depth: number): string | undefined {
    if (this.common?.differing.has(name) === false) return this.common.variables.shortcut(name, depth);
    const known = this.values?.get(name);
    if (known !== undefined) return known;
    const node = this.scalar(name);
    if (node === undefined) return undefined;
    if (!node.expandable) return node.value;
    const value = this.join(parse(node.value), depth + 1);
    if (value !== undefined) this.keep(name, value);
    return value;
  }

  private keep(name: string, value: string): void {
    this.values ??= new Map();
    this.values.set(name, value);
  }

  private join({ texts, names }: Expression, depth: number): string | undefined {
    if (depth > MAX_DEPTH) return undefined;
    let text = texts[0] ?? "";
    for (let i = 0; i < names.length; i++) {
      const value = this.shortcut(names[i] ?? "", depth);
      if (value === undefined) return undefined;
      text += value + texts[i + 1];
    }
    return text;
  }

  /** Depth first as well, without recursion: a chain of references may be longer than the stack. */
  private resolve(expression: Expression, name: string | undefined, asker?: ScalarNode): string {
    const stack: Frame[] = [{ name, expression, next: 0 }];
    const open = new Set([name]);
    for (;;) {
      const frame = stack[stack.length - 1];
      if (frame === undefined) throw new Error("variables: the stack cannot be empty here");
      const reference = frame.expression.names[frame.next++];
      if (reference !== undefined) {
        const node = this.scalar(reference);
        if (node === undefined || open.has(reference)) throw this.explain(expression, name, asker);
        if (!node.expandable || this.values?.has(reference)) continue;
        stack.push({ name: reference, expression: parse(node.value), next: 0 });
        open.add(reference);
        continue;
      }
      // All that it refers to is known by now.
      const value = this.join(frame.expression, MAX_DEPTH) ?? "";
      if (frame.name !== undefined) this.keep(frame.name, value);
      stack.pop();
      if (stack.length === 0) return value;
      open.delete(frame.name);
    }
  }

  /**
   * The error for an expression that cannot be resolved. Where it has several faults, the order of the search decides
   * which is told: all references of one text before those of the texts that it refers to, the last of them first.
   */
  private explain(expression: Expression, name: string | undefined, asker: ScalarNode | undefined): LoadError {
    const todo: { name: string | undefined; expression: Expression; depth: number }[] = [
      { name, expression, depth: 0 },
    ];
    const path: (string | undefined)[] = [];
    const seen = new Map<string | undefined, number>();
    for (let step = todo.pop(); step !== undefined; step = todo.pop()) {
      path.length = step.depth;
      const before = seen.get(step.name);
      if (before !== undefined) {
        if (path[before] === step.name) return this.circular([...path.slice(before), step.name]);
        continue;
      }
      seen.set(step.name, step.depth);
      path.push(step.name);
      for (const reference of step.expression.names) {
        const node = this.scalar(reference);
        if (node === undefined) {
          const referrer = step.name === undefined ? asker : this.scalar(step.name);
          return undefinedVariable(reference, referrer);
        }
        if (!node.expandable || this.values?.has(reference)) continue;
        todo.push({ name: reference, expression: parse(node.value), depth: step.depth + 1 });
      }
    }
    throw new Error("variables: nothing to explain");
  }

  /** The first and the last name of a circle are the same. */
  private circular(names: readonly (string | undefined)[]): LoadError {
    const [first = "", ...rest] = names.map((name) => name ?? "");
    let referrer = first;
    const lines = rest.map((name) => {
      const line = `${this.scalar(referrer)?.provenance}: '${referrer}' refers to '${name}'`;
      referrer = name;
      return line;
    });
    return new LoadError("circular-reference-variable", `The variable '${first}' refers to itself`, {
      detail: lines.join("\n"),
    });
  }
}

function refersTo(node: Node, names: ReadonlySet<string>): boolean {
  if (!node.expandable) return false;
  if (node.type === "scalar") return parse(node.value).names.some((name) => names.has(name));
  const children = node.type === "sequence" ? node.items : [...node.entries.values()];
  return children.some((child) => refersTo(child, names));
}

function undefinedVariable(name: string, referrer: ScalarNode | undefined): LoadError {
  const message = `There is no variable '${name}'`;
  return referrer === undefined
    ? new LoadError("unresolved-variable", message)
    : referrer.error(message, { reason: "unresolved-variable" });
}
