/** Reads what a configuration says: only what is there becomes a property, and what makes no sense is told where it stands. */
import type { MappingNode, Node } from "../yaml/node.ts";

/** @throws LoadError invalid-data, where images of this mode have no such key and one is there */
export function reject(node: MappingNode, keys: readonly string[], mode: string): void {
  for (const key of keys) {
    const found = node.get(key);
    if (found !== undefined) throw found.error(`Images of mode '${mode}' have no '${key}'`);
  }
}

/** @throws LoadError invalid-data, for texts that are none of what is described */
export function texts(
  node: MappingNode,
  key: string,
  isOne: (text: string) => boolean,
  described: string,
): string[] | undefined {
  return node
    .sequence(key)
    ?.scalars()
    .map((item) => {
      if (!isOne(item.value)) throw item.error(`Each of '${key}' must be ${described}`);
      return item.value;
    });
}

/** A whole number from 0. @throws LoadError invalid-data */
export function natural(node: MappingNode, key: string): number | undefined {
  const value = whole(node, key);
  if (value !== undefined && value < 0) throw node.scalar(key)?.error(`Value of '${key}' can't be negative`);
  return value;
}

/** A whole number that JSON can say. @throws LoadError invalid-data */
export function whole(node: MappingNode, key: string): number | undefined {
  const value = node.int(key);
  if (value !== undefined && !Number.isSafeInteger(value)) {
    throw node.scalar(key)?.error(`Value of '${key}' is too large`);
  }
  return value;
}

/** What is handed to the kernel ends at a zero byte. @throws LoadError invalid-data, for keys and values with one */
export function refuseZeros(node: Node): void {
  const told = () => node.error("No container can have the zero byte that is in it");
  if (node.type === "scalar") {
    if (node.value.includes("\0")) throw told();
  } else if (node.type === "sequence") {
    node.items.forEach(refuseZeros);
  } else {
    if (node.keys().some((key) => key.includes("\0"))) throw told();
    for (const value of node.entries.values()) refuseZeros(value);
  }
}

/** A text that must be there. @throws LoadError invalid-data */
export function notEmpty(node: MappingNode, key: string): string {
  const found = node.required(key, node.scalar(key));
  if (found.value === "") throw found.error(`Value of '${key}' can't be empty`);
  return found.value;
}

export function textEntries(node: MappingNode | undefined): Record<string, string> | undefined {
  if (node === undefined) return undefined;
  return Object.fromEntries(node.keys().map((key) => [key, node.string(key) ?? ""]));
}

/** A property only where it has a value. */
export function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
