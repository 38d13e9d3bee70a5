/** The values of conditions and what Python's operators do with them. */
import { compareLists } from "../../base/compare.ts";

/** Why an expression has no value. */
export class Failure extends Error {}

/**
 * What a name or attribute that does not exist stands for: it can be asked whether it is defined, and nothing else.
 * The lenient one, of an inline `if` without `else`, is empty and false besides.
 */
export class Undefined {
  readonly what: string;
  readonly isLenient: boolean;

  constructor(what: string, isLenient = false) {
    this.what = what;
    this.isLenient = isLenient;
  }
}

export class Sequence {
  readonly kind: "list" | "tuple";
  readonly items: readonly Value[];

  constructor(kind: "list" | "tuple", items: readonly Value[]) {
    this.kind = kind;
    this.items = items;
  }
}

export class Dict {
  readonly entries: readonly (readonly [key: Value, value: Value])[];

  /** Of entries with equal keys the first key and the last value are kept. */
  constructor(entries: Iterable<readonly [Value, Value]>) {
    const kept: [Value, Value][] = [];
    for (const [key, value] of entries) {
      assertHashable(key);
      const old = kept.find(([other]) => equal(key, other));
      if (old === undefined) kept.push([key, value]);
      else old[1] = value;
    }
    this.entries = kept;
  }

  get(key: Value): Value | undefined {
    assertHashable(key);
    return this.entries.find(([other]) => equal(key, other))?.[1];
  }
}

export type Method = (...args: readonly Value[]) => Value;

/** Integers are bigints and floating point numbers are numbers, as they differ in Python. */
export type Value = boolean | bigint | number | string | null | Sequence | Dict | Undefined | Method;

export function typeName(value: Value): string {
  if (value === null) return "none";
  if (value instanceof Undefined) return "undefined";
  if (value instanceof Sequence) return value.kind;
  if (value instanceof Dict) return "dictionary";
  if (typeof value === "bigint") return "integer";
  return typeof value;
}

export function failUndefined(value: Undefined): never {
  throw new Failure(value.what);
}

/** Fails for what is undefined, other than leniently so. */
export function assertDefined(value: Value): void {
  if (value instanceof Undefined && !value.isLenient) failUndefined(value);
}

function unsupported(operation: string, ...values: Value[]): never {
  for (const value of values) if (value instanceof Undefined) failUndefined(value);
  throw new Failure(`'${operation}' does not apply to ${values.map(typeName).join(" and ")}`);
}

function assertHashable(value: Value): void {
  assertDefined(value);
  if (value instanceof Dict || (value instanceof Sequence && value.kind === "list")) {
    throw new Failure(`A ${typeName(value)} cannot be a key`);
  }
  if (value instanceof Sequence) value.items.forEach(assertHashable);
}

/** Truth values count as 0 and 1. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === "boolean") return value ? 1n : 0n;
  return typeof value === "bigint" || typeof value === "number" ? value : undefined;
}

export function truth(value: Value): boolean {
  assertDefined(value);
  if (value instanceof Undefined) return false;
  if (value instanceof Sequence) return value.items.length > 0;
  if (value instanceof Dict) return value.entries.length > 0;
  return Number.isNaN(value) || Boolean(value);
}

export function equal(a: Value, b: Value): boolean {
  assertDefined(a);
  assertDefined(b);
  if (a instanceof Undefined && b instanceof Undefined) return true;
  const [left, right] = [numeric(a), numeric(b)];
  // biome-ignore lint/suspicious/noDoubleEquals: it compares integers with floating point numbers exactly.
  if (left !== undefined && right !== undefined) return left == right;
  if (a instanceof Sequence && b instanceof Sequence) {
    return (
      a.kind === b.kind &&
      a.items.length === b.items.length &&
      a.items.every((item, i) => equal(item, b.items[i] ?? null))
    );
  }
  if (a instanceof Dict && b instanceof Dict) {
    return (
      a.entries.length === b.entries.length &&
      a.entries.every(([key, value]) => {
        const other = b.get(key);
        return other !== undefined && equal(value, other);
      })
    );
  }
  return a === b;
}

/** Negative, zero or positive; `operator` is for the message where the values have no order. */
export function order(a: Value, b: Value, operator: string): number {
  const [left, right] = [numeric(a), numeric(b)];
  if (left !== undefined && right !== undefined) {
    if (left < right) return -1;
    if (left > right) return 1;
    return Number(left) === Number(right) ? 0 : Number.NaN;
  }
  if (typeof a === "string" && typeof b === "string") {
    return compareLists([...a], [...b], (x, y) => (x.codePointAt(0) ?? 0) - (y.codePointAt(0) ?? 0));
  }
  if (a instanceof Sequence && b instanceof Sequence && a.kind === b.kind) {
    return compareLists(a.items, b.items, (x, y) => (equal(x, y) ? 0 : order(x, y, operator)));
  }
  return unsupported(operator, a, b);
}

export function contains(container: Value, item: Value): boolean {
  if (typeof container === "string") {
    return typeof item === "string" ? container.includes(item) : unsupported("in", item, container);
  }
  if (container instanceof Sequence) return container.items.some((other) => equal(item, other));
  if (container instanceof Dict) return container.get(item) !== undefined;
  if (container instanceof Undefined && container.isLenient) return false;
  return unsupported("in", container);
}

/** The members of what Python can iterate over. */
export function iterate(value: Value): readonly Value[] {
  if (typeof value === "string") return [...value];
  if (value instanceof Sequence) return value.items;
  if (value instanceof Dict) return value.entries.map(([key]) => key);
  if (value instanceof Undefined && value.isLenient) return [];
  return unsupported("for", value);
}

// Beyond this a number is no condition but an attempt to keep the machine busy.
const MAX_BITS = 100_000;

function power(a: bigint, b: bigint): bigint | number {
  if (b < 0n) {
    if (a === 0n) throw new Failure("Zero cannot be raised to a negative power");
    return Number(a) ** Number(b);
  }
  if (a.toString(2).length * Number(b) > MAX_BITS) throw new Failure("The number is too large");
  return a ** b;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return quotient * b !== a && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

export type Operator = "+" | "-" | "*" | "/" | "//" | "%" | "**";

export function arithmetic(operator: Operator, a: Value, b: Value): Value {
  const [left, right] = [numeric(a), numeric(b)];
  if (left === undefined || right === undefined) {
    if (operator === "+") return concatenate(a, b);
    if (operator === "*" && typeof right === "bigint") return repeat(a, right);
    if (operator === "*" && typeof left === "bigint") return repeat(b, left);
    return unsupported(operator, a, b);
  }
  if ((operator === "/" || operator === "//" || operator === "%") && Number(right) === 0) {
    throw new Failure("Nothing can be divided by zero");
  }
  if (typeof left === "bigint" && typeof right === "bigint" && operator !== "/") {
    if (operator === "+") return left + right;
    if (operator === "-") return left - right;
    if (operator === "*") return left * right;
    if (operator === "**") return power(left, right);
    const quotient = floorDivide(left, right);
    return operator === "//" ? quotient : left - quotient * right;
  }
  return floating(operator, Number(left), Number(right));
}

function floating(operator: Operator, a: number, b: number): number {
  if (operator === "+") return a + b;
  if (operator === "-") return a - b;
  if (operator === "*") return a * b;
  if (operator === "/") return a / b;
  if (operator === "**") {
    const result = a ** b;
    const isReal = !Number.isNaN(result) && (Number.isFinite(result) || !Number.isFinite(a) || !Number.isFinite(b));
    return isReal ? result : unsupported("**", a, b);
  }
  const rest = a % b;
  const remainder = rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  return operator === "%" ? remainder : Math.round((a - remainder) / b);
}

function concatenate(a: Value, b: Value): Value {
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (a instanceof Sequence && b instanceof Sequence && a.kind === b.kind) {
    return new Sequence(a.kind, [...a.items, ...b.items]);
  }
  return unsupported("+", a, b);
}

function repeat(value: Value, times: bigint): Value {
  const count = times > 0n ? Number(times) : 0;
  const length = value instanceof Sequence ? value.items.length : String(value).length;
  if (count * length > MAX_BITS) throw new Failure("The value is too long");
  if (typeof value === "string") return value.repeat(count);
  if (!(value instanceof Sequence)) return unsupported("*", value, times);
  return new Sequence(value.kind, Array.from({ length: count }, () => value.items).flat());
}

export function signed(sign: "+" | "-", value: Value): Value {
  const number = numeric(value);
  if (number === undefined) return unsupported(sign, value);
  return sign === "+" ? number : -number;
}
