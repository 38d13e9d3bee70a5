/** Evaluates the conditions of `(?)`: Jinja2's expressions over the values of a project's options. */
import { LoadError } from "../base/errors.ts";
import { type Expression, parseExpression } from "./expressions/parser.ts";
import { Failure, Sequence, truth, type Value } from "./expressions/values.ts";

/** An option's value as conditions see it. */
export type OptionValue = boolean | string | readonly string[];

// The same conditions stand in many elements.
const parsed = new Map<string, Expression>();

/** @throws LoadError expression-failed where the text is no expression, or one without a value */
export function evaluate(expression: string, variables: ReadonlyMap<string, OptionValue>): boolean {
  try {
    let value = parsed.get(expression);
    if (value === undefined) {
      value = parseExpression(expression);
      parsed.set(expression, value);
    }
    return truth(value(namesOf(variables)));
  } catch (error) {
    // Texts that are nested beyond the stack, and numbers beyond what the machine can hold.
    if (!(error instanceof Failure || error instanceof RangeError)) throw error;
    throw new LoadError("expression-failed", `Cannot evaluate the condition '${expression}': ${error.message}`);
  }
}

function namesOf(variables: ReadonlyMap<string, OptionValue>): ReadonlyMap<string, Value> {
  const names = new Map<string, Value>();
  for (const [name, value] of variables) {
    names.set(name, typeof value === "object" ? new Sequence("list", value) : value);
  }
  return names;
}
