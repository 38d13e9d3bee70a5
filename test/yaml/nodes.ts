/** YAML of tests that compare with BuildStream, read and told as test/oracle/yaml_nodes.py does. */
import type { MappingNode, Node } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";

/** The node of a text, as of a file of that name. */
export function read(text: string, name: string): MappingNode {
  return parseYaml(text, { path: `/${name}`, shortName: name, displayName: name });
}

/** A node with its line and column; lines count from 1. */
export type Placed = [line: number, column: number, content: string | Placed[] | [string, Placed][]];

export function placed(node: Node): Placed {
  const { line, column } = node;
  if (node.type === "scalar") return [line + 1, column, node.value];
  if (node.type === "sequence") return [line + 1, column, node.items.map(placed)];
  return [line + 1, column, [...node.entries].map(([key, value]): [string, Placed] => [key, placed(value)])];
}
