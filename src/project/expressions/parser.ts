/** Jinja2's expressions, turned into functions of the names that they use. */
import { type Arguments, applyFilter, applyTest, attribute, item, sliced } from "./builtins.ts";
import { textOf } from "./text.ts";
import { type Token, tokenize } from "./tokens.ts";
import {
  arithmetic,
  contains,
  Dict,
  equal,
  Failure,
  failUndefined,
  type Operator,
  order,
  Sequence,
  signed,
  truth,
  Undefined,
  type Value,
} from "./values.ts";

/** The value of an expression, given what its names stand for. */
export type Expression = (names: ReadonlyMap<string, Value>) => Value;

type Comparison = (left: Value, right: Value) => boolean;

const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ["==", equal],
  ["!=", (left, right) => !equal(left, right)],
  ["<", (left, right) => order(left, right, "<") < 0],
  ["<=", (left, right) => order(left, right, "<=") <= 0],
  [">", (left, right) => order(left, right, ">") > 0],
  [">=", (left, right) => order(left, right, ">=") >= 0],
]);

const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
]);

const SUMS = new Set(["+", "-"]);
const PRODUCTS = new Set(["*", "/", "//", "%"]);
const POWERS = new Set(["**"]);

interface CallArguments {
  readonly positional: readonly Expression[];
  readonly named: ReadonlyMap<string, Expression>;
}

/** @throws Failure where the text is no expression */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokenize(text));
  return parser.parseAll();
}

class Parser {
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  parseAll(): Expression {
    const value = this.tuple(() => this.or());
    if (this.current.type !== "end") this.fail();
    return value;
  }

  private get current(): Token {
    return this.tokens[this.position] ?? { type: "end" };
  }

  private is(type: "name" | "operator", text: string, ahead = 0): boolean {
    const token = this.tokens[this.position + ahead];
    return token?.type === type && token.text === text;
  }

  private skip(type: "name" | "operator", text: string): boolean {
    if (!this.is(type, text)) return false;
    this.position++;
    return true;
  }

  private expect(operator: string): void {
    if (!this.skip("operator", operator)) this.fail(`'${operator}'`);
  }

  private name(): string {
    const token = this.current;
    if (token.type !== "name") this.fail("a name");
    this.position++;
    return token.text;
  }

  private fail(expected?: string): never {
    const token = this.current;
    const found =
      token.type === "end"
        ? "The expression ends too early"
        : `Unexpected '${"text" in token ? token.text : token.value}'`;
    throw new Failure(expected === undefined ? found : `${found}, where ${expected} belongs`);
  }

  /** One of the operators of a set, if it is next. */
  private operator(operators: ReadonlySet<string>): Operator | undefined {
    const token = this.current;
    if (token.type !== "operator" || !operators.has(token.text)) return undefined;
    this.position++;
    return token.text as Operator;
  }

  /** A single expression, or several with commas; without any, an empty tuple where `closing` makes sense of it. */
  private tuple(parse: () => Expression, closing?: ")" | "]"): Expression {
    const items: Expression[] = [];
    let isTuple = false;
    while (this.current.type !== "end" && !this.is("operator", closing ?? ")")) {
      items.push(parse());
      if (!this.skip("operator", ",")) break;
      isTuple = true;
    }
    const [first] = items;
    if (first !== undefined && !isTuple) return first;
    if (first === undefined && closing === undefined) this.fail("an expression");
    return (names) =>
      new Sequence(
        "tuple",
        items.map((value) => value(names)),
      );
  }

  private expression(): Expression {
    let value = this.or();
    while (this.skip("name", "if")) {
      const condition = this.or();
      const chosen = value;
      const other = this.skip("name", "else")
        ? this.expression()
        : () => new Undefined("The condition is false, and there is no 'else'", true);
      value = (names) => (truth(condition(names)) ? chosen(names) : other(names));
    }
    return value;
  }

  private or(): Expression {
    return this.choice("or", () => this.choice("and", () => this.not(), false), true);
  }

  /** Operands of `or` or `and`: the first whose truth decides it, else the last. */
  private choice(word: string, parse: () => Expression, decides: boolean): Expression {
    const first = parse();
    if (!this.is("name", word)) return first;
    const others: Expression[] = [];
    while (this.skip("name", word)) others.push(parse());
    return (names) => {
      let value = first(names);
      for (const other of others) {
        if (truth(value) === decides) break;
        value = other(names);
      }
      return value;
    };
  }

  private not(): Expression {
    if (!this.skip("name", "not")) return this.comparison();
    const value = this.not();
    return (names) => !truth(value(names));
  }

  private comparison(): Expression {
    const first = this.sum();
    const steps: { compare: Comparison; operand: Expression }[] = [];
    for (let compare = this.comparator(); compare !== undefined; compare = this.comparator()) {
      steps.push({ compare, operand: this.sum() });
    }
    if (steps.length === 0) return first;
    return (names) => {
      let left = first(names);
      return steps.every(({ compare, operand }) => {
        const right = operand(names);
        const result = compare(left, right);
        left = right;
        return result;
      });
    };
  }

  private comparator(): Comparison | undefined {
    const token = this.current;
    if (token.type === "operator") {
      const compare = COMPARISONS.get(token.text);
      if (compare !== undefined) this.position++;
      return compare;
    }
    if (this.skip("name", "in")) return (left, right) => contains(right, left);
    if (!this.is("name", "not") || !this.is("name", "in", 1)) return undefined;
    this.position += 2;
    return (left, right) => !contains(right, left);
  }

  private sum(): Expression {
    return this.operation(SUMS, () => this.concatenation());
  }

  private concatenation(): Expression {
    const parse = () => this.operation(PRODUCTS, () => this.operation(POWERS, () => this.unary(true)));
    const parts = [parse()];
    while (this.skip("operator", "~")) parts.push(parse());
    const [first] = parts;
    if (first !== undefined && parts.length === 1) return first;
    return (names) => parts.map((part) => textOf(part(names))).join("");
  }

  /** Operators of equal strength, from left to right. */
  private operation(operators: ReadonlySet<string>, parse: () => Expression): Expression {
    const first = parse();
    const steps: { operator: Operator; operand: Expression }[] = [];
    for (let operator = this.operator(operators); operator !== undefined; operator = this.operator(operators)) {
      steps.push({ operator, operand: parse() });
    }
    if (steps.length === 0) return first;
    return (names) =>
      steps.reduce((left, { operator, operand }) => arithmetic(operator, left, operand(names)), first(names));
  }

  private unary(withFilters: boolean): Expression {
    const sign = this.operator(SUMS);
    let value: Expression;
    if (sign === undefined) value = this.primary();
    else {
      const operand = this.unary(false);
      value = (names) => signed(sign as "+" | "-", operand(names));
    }
    value = this.postfix(value);
    return withFilters ? this.filtersAndTests(value) : value;
  }

  private primary(): Expression {
    const token = this.current;
    if (token.type === "end") this.fail("an expression");
    if (token.type === "operator") {
      if (this.skip("operator", "(")) {
        const value = this.tuple(() => this.expression(), ")");
        this.expect(")");
        return value;
      }
      if (this.skip("operator", "[")) {
        const items = this.list("]", () => this.expression());
        return (names) =>
          new Sequence(
            "list",
            items.map((value) => value(names)),
          );
      }
      if (this.skip("operator", "{")) return this.dict();
      this.fail("an expression");
    }
    this.position++;
    if (token.type === "integer" || token.type === "float") return () => token.value;
    if (token.type === "string") {
      let text = token.value;
      for (let next = this.current; next.type === "string"; next = this.current) {
        text += next.value;
        this.position++;
      }
      return () => text;
    }
    const constant = CONSTANTS.get(token.text);
    if (constant !== undefined) return () => constant;
    return (names) => names.get(token.text) ?? new Undefined(`'${token.text}' is undefined`);
  }

  /** Members up to the closing bracket, with commas between them and perhaps after the last. */
  private list<T>(closing: string, parse: () => T): T[] {
    const items: T[] = [];
    while (!this.skip("operator", closing)) {
      if (items.length > 0) {
        this.expect(",");
        if (this.skip("operator", closing)) break;
      }
      items.push(parse());
    }
    return items;
  }

  private dict(): Expression {
    const pairs = this.list("}", () => {
      const key = this.expression();
      this.expect(":");
      return [key, this.expression()] as const;
    });
    return (names) => new Dict(pairs.map(([key, value]) => [key(names), value(names)]));
  }

  private postfix(value: Expression): Expression {
    for (;;) {
      if (this.skip("operator", ".")) value = this.dotted(value);
      else if (this.skip("operator", "[")) value = this.subscript(value);
      else if (this.is("operator", "(")) value = this.call(value);
      else return value;
    }
  }

  private dotted(value: Expression): Expression {
    const token = this.current;
    if (token.type === "integer") {
      this.position++;
      return (names) => item(value(names), token.value);
    }
    const name = this.name();
    return (names) => attribute(value(names), name);
  }

  private subscript(value: Expression): Expression {
    const bounds: (Expression | undefined)[] = [];
    for (;;) {
      const isOmitted = this.is("operator", ":") || (bounds.length > 0 && this.is("operator", "]"));
      bounds.push(isOmitted ? undefined : this.tuple(() => this.expression(), "]"));
      if (bounds.length === 3 || !this.skip("operator", ":")) break;
    }
    this.expect("]");
    const [start, end, step] = bounds;
    if (bounds.length > 1) return (names) => sliced(value(names), start?.(names), end?.(names), step?.(names));
    return (names) => {
      const subject = value(names);
      return item(subject, start?.(names) ?? null);
    };
  }

  private call(value: Expression): Expression {
    const { positional, named } = this.callArguments();
    return (names) => {
      const method = value(names);
      if (method instanceof Undefined) failUndefined(method);
      if (typeof method !== "function") throw new Failure("Only methods can be called");
      const given = positional.map((argument) => argument(names));
      if (named.size > 0) throw new Failure("Methods take no named arguments here");
      return method(...given);
    };
  }

  private callArguments(): CallArguments {
    this.expect("(");
    const named = new Map<string, Expression>();
    const positional: Expression[] = [];
    this.list(")", () => {
      if (this.current.type === "name" && this.is("operator", "=", 1)) {
        const name = this.name();
        this.expect("=");
        named.set(name, this.expression());
      } else if (named.size > 0) this.fail("a named argument");
      else positional.push(this.expression());
    });
    return { positional, named };
  }

  private filtersAndTests(value: Expression): Expression {
    for (;;) {
      if (this.skip("operator", "|")) value = this.filter(value);
      else if (this.skip("name", "is")) value = this.test(value);
      else if (this.is("operator", "(")) value = this.call(value);
      else return value;
    }
  }

  private dottedName(): string {
    let name = this.name();
    while (this.skip("operator", ".")) name += `.${this.name()}`;
    return name;
  }

  private filter(value: Expression): Expression {
    const name = this.dottedName();
    const given = this.is("operator", "(") ? this.callArguments() : { positional: [], named: new Map() };
    return (names) => applyFilter(name, value(names), resolve(given, names));
  }

  private test(value: Expression): Expression {
    const isNegated = this.skip("name", "not");
    const name = this.dottedName();
    const given = this.testArguments();
    return (names) => applyTest(name, value(names), resolve(given, names)) !== isNegated;
  }

  private testArguments(): CallArguments {
    if (this.is("operator", "(")) return this.callArguments();
    const token = this.current;
    const isArgument =
      token.type === "name"
        ? !["else", "or", "and"].includes(token.text)
        : token.type === "operator"
          ? token.text === "[" || token.text === "{"
          : token.type !== "end";
    if (!isArgument) return { positional: [], named: new Map() };
    if (this.is("name", "is")) throw new Failure("A test cannot follow a test");
    return { positional: [this.postfix(this.primary())], named: new Map() };
  }
}

function resolve({ positional, named }: CallArguments, names: ReadonlyMap<string, Value>): Arguments {
  return {
    positional: positional.map((argument) => argument(names)),
    named: new Map([...named].map(([name, argument]) => [name, argument(names)])),
  };
}
