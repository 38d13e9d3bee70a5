/** Composition of mappings: later values over earlier ones, with the list directives `(>)`, `(<)` and `(=)`. */
import { LoadError } from "../base/errors.ts";
import { MappingNode, type Node, type SequenceNode } from "./node.ts";

const PREPEND = "(<)";
const APPEND = "(>)";
const REPLACE = "(=)";
const CONDITIONS = "(?)";

/** What a composition failed on; it becomes a LoadError where the path is complete. */
class Clash extends Error {
  readonly path: string[] = [];
}

/** Whether a mapping stands for changes to a list. A mapping that mixes both is an error. */
function isListChange(node: Node): boolean {
  if (node.type !== "mapping" || !node.directives) return false;
  const changes = [PREPEND, APPEND, REPLACE].filter((key) => node.has(key)).length;
  if (changes > 0 && changes < node.entries.size) {
    throw node.error("A dictionary cannot have both list directives and other keys");
  }
  return changes > 0;
}

/**
 * `over` composed on top of `base`. Keys keep the order of `base`; new ones follow in the order of `over`. The result
 * has the provenance of `over`. Nothing is copied that either side can share.
 */
export function compose(base: MappingNode, over: MappingNode): MappingNode {
  try {
    return composeMappings(base, over);
  } catch (error) {
    if (!(error instanceof Clash)) throw error;
    const where = `[${error.path.map((part) => `'${part}'`).join(", ")}]`;
    throw new LoadError("illegal-composite", `${over.provenance}: Cannot compose ${where}: ${error.message}`);
  }
}

/** `base` composed under `over`: the values of {@link compose}, the keys in the order of `over`. */
export function composeUnder(over: MappingNode, base: MappingNode): MappingNode {
  const composed = compose(base, over);
  const entries = new Map<string, Node>();
  for (const key of over.entries.keys()) {
    const node = composed.get(key);
    if (node !== undefined) entries.set(key, node);
  }
  for (const [key, node] of composed.entries) entries.set(key, node);
  return over.withEntries(entries);
}

function composeMappings(base: MappingNode, over: MappingNode): MappingNode {
  const { file, line, column } = over.file.path === "" ? base : over;
  const entries = new Map(base.entries);
  for (const [key, node] of over.entries) {
    try {
      entries.set(key, composeValue(entries.get(key), node, key));
    } catch (error) {
      if (error instanceof Clash) error.path.unshift(key);
      throw error;
    }
  }
  return new MappingNode(entries, file, line, column);
}

function composeValue(base: Node | undefined, over: Node, key: string): Node {
  if (over.type === "scalar") {
    if (base !== undefined && base.type !== "scalar") {
      throw new Clash(`${over.provenance}: a single value cannot replace what is at ${base.provenance}`);
    }
    return over;
  }
  if (over.type === "sequence") {
    if (base === undefined) return over;
    if (base.type === "sequence") {
      return key === CONDITIONS ? base.withItems([...base.items, ...over.items]) : over;
    }
    if (isListChange(base)) return over;
    throw new Clash(`${over.provenance}: a list cannot replace ${key} at ${base.provenance}`);
  }
  if (isListChange(over)) {
    if (base === undefined) return over;
    if (base.type === "sequence") return changeList(base, over);
    if (base.type === "mapping" && isListChange(base)) return joinListChanges(base, over);
    throw new Clash(`${over.provenance}: list directives cannot change what is at ${base.provenance}`);
  }
  if (base === undefined) return over.directives ? composeMappings(over.withEntries(new Map()), over) : over;
  if (base.type !== "mapping") {
    throw new Clash(`${over.provenance}: a dictionary cannot replace what is at ${base.provenance}`);
  }
  return composeMappings(base, over);
}

function directive(node: MappingNode, key: string): readonly Node[] | undefined {
  return node.sequence(key)?.items;
}

function changeList(base: SequenceNode, change: MappingNode): SequenceNode {
  return base.withItems([
    ...(directive(change, PREPEND) ?? []),
    ...(directive(change, REPLACE) ?? base.items),
    ...(directive(change, APPEND) ?? []),
  ]);
}

/** One change that has the effect of `first`, then `second`. */
function joinListChanges(first: MappingNode, second: MappingNode): MappingNode {
  const entries = new Map(first.entries);
  const replace = second.sequence(REPLACE);
  if (replace !== undefined) entries.set(REPLACE, replace);
  for (const key of [PREPEND, APPEND]) {
    const old = first.sequence(key);
    const added = second.sequence(key);
    if (replace !== undefined) {
      const list = added ?? old?.withItems([]);
      if (list !== undefined) entries.set(key, list);
    } else if (added !== undefined) {
      const [before, after] = key === PREPEND ? [added, old] : [old, added];
      entries.set(key, old?.withItems([...(before?.items ?? []), ...(after?.items ?? [])]) ?? added);
    }
  }
  return first.withEntries(entries);
}

/** Throws where a list directive is left that found no list to change. */
export function assertFullyComposed(node: Node): void {
  if (node.type === "scalar" || !node.directives) return;
  if (node.type === "sequence") {
    for (const item of node.items) assertFullyComposed(item);
    return;
  }
  for (const [key, value] of node.entries) {
    if (key === PREPEND || key === APPEND || key === REPLACE) {
      throw value.error("There is no list here that this directive could change", {
        reason: "trailing-list-directive",
      });
    }
    assertFullyComposed(value);
  }
}
