/** The filters, tests, methods and subscripts that conditions can use: those of Jinja2 that make sense for options. */
import { capitalize, isCased, parseFloating, parseInteger, split, strip, textOf } from "./text.ts";
import {
  arithmetic,
  assertDefined,
  contains,
  Dict,
  equal,
  Failure,
  failUndefined,
  iterate,
  type Method,
  order,
  Sequence,
  truth,
  typeName,
  Undefined,
  type Value,
} from "./values.ts";

export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

interface Builtin {
  /** Names of the parameters behind the value that the filter or test is applied to. */
  readonly parameters: readonly string[];
  /** How many of them must be given. */
  readonly required: number;
  readonly call: (value: Value, ...args: (Value | undefined)[]) => Value;
}

function define(parameters: string, call: Builtin["call"]): Builtin {
  const names = parameters.split(" ").filter((name) => name !== "");
  return {
    parameters: names.map((name) => name.replace("?", "")),
    required: names.filter((name) => !name.endsWith("?")).length,
    call,
  };
}

function apply(builtin: Builtin, what: string, value: Value, { positional, named }: Arguments): Value {
  const { parameters, required, call } = builtin;
  const args = parameters.map((name, index) => (index < positional.length ? positional[index] : named.get(name)));
  const isKnown = [...named.keys()].every((name) => parameters.indexOf(name) >= positional.length);
  if (positional.length > parameters.length || !isKnown || args.slice(0, required).includes(undefined)) {
    throw new Failure(`${what} does not take these arguments`);
  }
  return call(value, ...args);
}

function lengthOf(value: Value): bigint {
  if (typeof value === "boolean" || typeof value === "bigint" || typeof value === "number" || value === null) {
    throw new Failure(`A ${typeName(value)} has no length`);
  }
  return BigInt(iterate(value).length);
}

function toInteger(value: Value, otherwise: Value): Value {
  if (value instanceof Undefined) failUndefined(value);
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "bigint") return value;
  if (typeof value === "string") return parseInteger(value) ?? truncate(parseFloating(value)) ?? otherwise;
  if (value === Infinity || value === -Infinity) throw new Failure("Infinity is no integer");
  return typeof value === "number" ? (truncate(value) ?? otherwise) : otherwise;
}

function truncate(value: number | undefined): bigint | undefined {
  return value !== undefined && Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
}

function toFloat(value: Value, otherwise: Value): Value {
  if (value instanceof Undefined) failUndefined(value);
  if (typeof value === "string") return parseFloating(value) ?? otherwise;
  const isNumber = typeof value === "boolean" || typeof value === "bigint" || typeof value === "number";
  return isNumber ? Number(value) : otherwise;
}

function sorted(value: Value, reverse: Value = false, isCaseSensitive: Value = false): Value {
  const key = (item: Value) => (typeof item === "string" && !truth(isCaseSensitive) ? item.toLowerCase() : item);
  const sign = truth(reverse) ? -1 : 1;
  return new Sequence(
    "list",
    [...iterate(value)].sort((a, b) => sign * order(key(a), key(b), "sort")),
  );
}

function replaced(text: string, old: string, by: string, count: Value = null): string {
  const limit = count === null ? -1 : Number(toInteger(count, 0n));
  if (limit < 0) return text.split(old).join(by);
  let rest = text;
  let done = "";
  for (let i = 0; i < limit; i++) {
    const at = rest.indexOf(old);
    if (at < 0 || old === "") break;
    done += rest.slice(0, at) + by;
    rest = rest.slice(at + old.length);
  }
  return done + rest;
}

function end(value: Value | undefined): Value {
  return value === undefined ? new Undefined("There are no items") : value;
}

const length = define("", lengthOf);
const defaulting = define("default_value? boolean?", (value, other = "", isBoolean = false) =>
  value instanceof Undefined || (truth(isBoolean) && !truth(value)) ? other : value,
);

const FILTERS: ReadonlyMap<string, Builtin> = new Map([
  [
    "abs",
    define("", (value) => (order(value, 0n, "abs") < 0 ? arithmetic("-", 0n, value) : arithmetic("+", 0n, value))),
  ],
  ["capitalize", define("", (value) => capitalize(textOf(value)))],
  ["count", length],
  ["d", defaulting],
  ["default", defaulting],
  ["first", define("", (value) => end(iterate(value)[0]))],
  ["float", define("default?", (value, otherwise = 0) => toFloat(value, otherwise))],
  ["int", define("default?", (value, otherwise = 0n) => toInteger(value, otherwise))],
  ["join", define("d?", (value, separator = "") => iterate(value).map(textOf).join(textOf(separator)))],
  ["last", define("", (value) => end(iterate(value).at(-1)))],
  ["length", length],
  ["list", define("", (value) => new Sequence("list", iterate(value)))],
  ["lower", define("", (value) => textOf(value).toLowerCase())],
  [
    "replace",
    define("old new count?", (value, old = "", by = "", count) =>
      replaced(textOf(value), textOf(old), textOf(by), count),
    ),
  ],
  ["sort", define("reverse? case_sensitive?", sorted)],
  ["string", define("", textOf)],
  [
    "title",
    define("", (value) =>
      textOf(value)
        .split(/([-\s({[<]+)/u)
        .map(capitalize)
        .join(""),
    ),
  ],
  ["trim", define("chars?", (value, chars = null) => strip(textOf(value), chars === null ? null : textOf(chars)))],
  ["upper", define("", (value) => textOf(value).toUpperCase())],
]);

const isInteger = (value: Value) => typeof value === "bigint";
const isNumber = (value: Value) => isInteger(value) || typeof value === "number" || typeof value === "boolean";

function isSequence(value: Value): boolean {
  if (value instanceof Undefined) return value.isLenient;
  return typeof value === "string" || value instanceof Sequence || value instanceof Dict;
}

function isIterable(value: Value): boolean {
  assertDefined(value);
  return isSequence(value);
}

const remainder = (value: Value, divisor: Value) => arithmetic("%", value, divisor);

/** A comparison by each of its names. */
function comparison(names: string, compare: (left: Value, right: Value) => boolean): [string, Builtin][] {
  return names.split(" ").map((name) => [name, define("other", (value, other = null) => compare(value, other))]);
}

const TESTS: ReadonlyMap<string, Builtin> = new Map([
  ["boolean", define("", (value) => typeof value === "boolean")],
  ["defined", define("", (value) => !(value instanceof Undefined))],
  ["divisibleby", define("num", (value, divisor = null) => equal(remainder(value, divisor), 0n))],
  ["even", define("", (value) => equal(remainder(value, 2n), 0n))],
  ["false", define("", (value) => value === false)],
  ["float", define("", (value) => typeof value === "number")],
  ["in", define("seq", (value, container = null) => contains(container, value))],
  ["integer", define("", isInteger)],
  ["iterable", define("", isIterable)],
  ["lower", define("", (value) => isCased(textOf(value), "lower"))],
  ["mapping", define("", (value) => value instanceof Dict)],
  ["none", define("", (value) => value === null)],
  ["number", define("", isNumber)],
  ["odd", define("", (value) => equal(remainder(value, 2n), 1n))],
  ["sequence", define("", isSequence)],
  ["string", define("", (value) => typeof value === "string")],
  ["true", define("", (value) => value === true)],
  ["undefined", define("", (value) => value instanceof Undefined)],
  ["upper", define("", (value) => isCased(textOf(value), "upper"))],
  ...comparison("eq equalto", equal),
  ...comparison("ne", (left, right) => !equal(left, right)),
  ...comparison("lt lessthan", (left, right) => order(left, right, "<") < 0),
  ...comparison("le", (left, right) => order(left, right, "<=") <= 0),
  ...comparison("gt greaterthan", (left, right) => order(left, right, ">") > 0),
  ...comparison("ge", (left, right) => order(left, right, ">=") >= 0),
]);

export function applyFilter(name: string, value: Value, args: Arguments): Value {
  const filter = FILTERS.get(name);
  if (filter === undefined) throw new Failure(`There is no filter '${name}'`);
  return apply(filter, `The filter '${name}'`, value, args);
}

export function applyTest(name: string, value: Value, args: Arguments): boolean {
  const test = TESTS.get(name);
  if (test === undefined) throw new Failure(`There is no test '${name}'`);
  return truth(apply(test, `The test '${name}'`, value, args));
}

function string(value: Value | undefined, fallback?: string): string {
  if (typeof value === "string") return value;
  if (value === undefined && fallback !== undefined) return fallback;
  throw new Failure("A method was not given the texts that it needs");
}

const optional = (value: Value | undefined) => (value === undefined || value === null ? null : string(value));
const anyOf = (value: Value | undefined) =>
  value instanceof Sequence && value.kind === "tuple" ? value.items.map((part) => string(part)) : [string(value)];
const texts = (items: readonly string[]) => new Sequence("list", items);

type TextMethod = (text: string, ...args: readonly Value[]) => Value;

/** The methods of text, and the most arguments that each takes. */
const TEXT_METHODS: ReadonlyMap<string, readonly [most: number, method: TextMethod]> = new Map<
  string,
  readonly [number, TextMethod]
>([
  ["capitalize", [0, capitalize]],
  [
    "count",
    [1, (text, part) => BigInt(string(part) === "" ? [...text].length + 1 : text.split(string(part)).length - 1)],
  ],
  ["endswith", [1, (text, end) => anyOf(end).some((part) => text.endsWith(part))]],
  [
    "find",
    [
      1,
      (text, part) =>
        BigInt([...text.slice(0, Math.max(text.indexOf(string(part)), 0))].length) -
        (text.includes(string(part)) ? 0n : 1n),
    ],
  ],
  ["islower", [0, (text) => isCased(text, "lower")]],
  ["isupper", [0, (text) => isCased(text, "upper")]],
  [
    "join",
    [
      1,
      (text, items) =>
        iterate(items ?? null)
          .map((item) => string(item))
          .join(text),
    ],
  ],
  ["lower", [0, (text) => text.toLowerCase()]],
  ["lstrip", [1, (text, chars) => strip(text, optional(chars), "left")]],
  ["replace", [2, (text, old, by) => replaced(text, string(old), string(by))]],
  ["rstrip", [1, (text, chars) => strip(text, optional(chars), "right")]],
  ["split", [1, (text, separator) => texts(split(text, optional(separator)))]],
  ["startswith", [1, (text, start) => anyOf(start).some((part) => text.startsWith(part))]],
  ["strip", [1, (text, chars) => strip(text, optional(chars))]],
  ["upper", [0, (text) => text.toUpperCase()]],
]);

function method(value: Value, name: string): Method | undefined {
  if (typeof value === "string") {
    const [most = 0, call] = TEXT_METHODS.get(name) ?? [];
    if (call === undefined) return undefined;
    return (...args) => {
      if (args.length > most) throw new Failure(`The method '${name}' does not take so many arguments`);
      return call(value, ...args);
    };
  }
  if (value instanceof Sequence && name === "count") {
    return (part = null) => BigInt(value.items.filter((other) => equal(other, part)).length);
  }
  if (value instanceof Dict) {
    if (name === "get") {
      return (key = null, otherwise = null) => {
        const found = value.get(key);
        return found === undefined ? otherwise : found;
      };
    }
    if (name === "keys") return () => new Sequence("list", iterate(value));
    if (name === "values")
      return () =>
        new Sequence(
          "list",
          value.entries.map(([, member]) => member),
        );
  }
  return undefined;
}

/** `value.name` */
export function attribute(value: Value, name: string): Value {
  if (value instanceof Undefined) failUndefined(value);
  const call = method(value, name);
  if (call !== undefined) return call;
  const found = value instanceof Dict ? value.get(name) : undefined;
  return found === undefined ? missing(value, `'${name}'`) : found;
}

/** `value[key]` */
export function item(value: Value, key: Value): Value {
  if (value instanceof Undefined) failUndefined(value);
  const found = value instanceof Dict ? value.get(key) : member(value, key);
  if (found !== undefined) return found;
  return (typeof key === "string" ? method(value, key) : undefined) ?? missing(value, "such item");
}

function member(value: Value, key: Value): Value | undefined {
  if (typeof value !== "string" && !(value instanceof Sequence)) return undefined;
  if (typeof key !== "bigint" && typeof key !== "boolean") return undefined;
  return iterate(value).at(Number(key));
}

function missing(value: Value, what: string): Undefined {
  return new Undefined(`A ${typeName(value)} has no ${what}`);
}

/** `value[start:end:step]` */
export function sliced(value: Value, start: Value = null, end: Value = null, step: Value = null): Value {
  if (typeof value !== "string" && !(value instanceof Sequence)) throw new Failure(`A ${typeName(value)} has no parts`);
  const stride = bound(step) ?? 1;
  if (stride === 0) throw new Failure("The step of a slice cannot be zero");
  const items = iterate(value);
  const [low, high] = stride > 0 ? [0, items.length] : [-1, items.length - 1];
  const place = (at: number | undefined, otherwise: number) =>
    at === undefined ? otherwise : Math.min(Math.max(at < 0 ? at + items.length : at, low), high);
  const last = place(bound(end), stride > 0 ? high : low);
  const chosen: Value[] = [];
  for (let i = place(bound(start), stride > 0 ? low : high); stride > 0 ? i < last : i > last; i += stride) {
    chosen.push(items[i] ?? null);
  }
  return typeof value === "string" ? chosen.join("") : new Sequence(value.kind, chosen);
}

function bound(value: Value): number | undefined {
  if (value === null) return undefined;
  if (typeof value !== "bigint" && typeof value !== "boolean") throw new Failure("The bounds of a slice are integers");
  return Number(value);
}
