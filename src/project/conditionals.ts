/** Resolves conditions `(?)` and assertions `(!)` in a tree of nodes. */
import { LoadError } from "../base/errors.ts";
import { compose } from "../yaml/compose.ts";
import type { MappingNode, Node, SequenceNode } from "../yaml/node.ts";

const CONDITIONS = "(?)";
const ASSERTION = "(!)";

/** Whether the expression of a condition holds. */
export type Evaluate = (expression: string) => boolean;

/**
 * The tree without conditions: what those that hold have below them is composed into the place where they stand.
 * @param restricted keys that conditions at the top of the tree cannot decide
 * @throws LoadError user-assertion, expression-failed, illegal-composite or invalid-data
 */
export function resolveConditions(node: MappingNode, evaluate: Evaluate, restricted?: readonly string[]): MappingNode {
  if (!node.directives) return node;
  let resolved = node;
  // What a condition adds may have conditions of its own.
  for (;;) {
    const conditions = resolved.sequence(CONDITIONS);
    const assertion = resolved.scalar(ASSERTION);
    if (assertion !== undefined) throw assertion.error(assertion.value, { reason: "user-assertion" });
    if (conditions === undefined) break;
    resolved = applyConditions(resolved.without(CONDITIONS), conditions, evaluate, restricted ?? []);
  }
  let isChanged = false;
  const entries = new Map<string, Node>();
  for (const [key, value] of resolved.entries) {
    const below = resolveBelow(value, evaluate);
    isChanged ||= below !== value;
    entries.set(key, below);
  }
  return isChanged ? resolved.withEntries(entries) : resolved;
}

function resolveBelow(node: Node, evaluate: Evaluate): Node {
  if (!node.directives) return node;
  if (node.type === "mapping") return resolveConditions(node, evaluate);
  const items = node.items.map((item) => resolveBelow(item, evaluate));
  return items.some((item, index) => item !== node.items[index]) ? node.withItems(items) : node;
}

function applyConditions(
  node: MappingNode,
  conditions: SequenceNode,
  evaluate: Evaluate,
  restricted: readonly string[],
): MappingNode {
  let result = node;
  for (const condition of conditions.mappings()) {
    const [entry, second] = condition.entries;
    if (entry === undefined) throw condition.error("A condition has an expression as its key");
    if (second !== undefined) throw condition.error("A condition has a single expression as its key");
    const [expression, fragment] = entry;
    const holds = evaluateAt(condition, expression, evaluate);
    if (fragment.type !== "mapping") {
      throw condition.error("Only a dictionary can stand below a condition", { reason: "illegal-composite" });
    }
    for (const key of restricted) {
      const node = fragment.get(key);
      if (node !== undefined) {
        throw node.error(`No condition can decide '${key}'`, { reason: "illegal-composite" });
      }
    }
    if (holds) result = compose(result, fragment);
  }
  return result;
}

function evaluateAt(condition: MappingNode, expression: string, evaluate: Evaluate): boolean {
  try {
    return evaluate(expression);
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    throw condition.error(error.message, { reason: error.reason });
  }
}
