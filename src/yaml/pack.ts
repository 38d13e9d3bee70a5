/** Nodes as JSON data, to be kept between runs: reading them back costs a hundredth of parsing YAML. */
import { MappingNode, type Node, ScalarNode, SequenceNode, type SourceFile } from "./node.ts";

/** `[line, column, text]`, `[line, column, [items]]`, or `[line, column, [keys], [values]]`. */
export type Packed =
  | readonly [line: number, column: number, text: string]
  | readonly [line: number, column: number, items: readonly Packed[]]
  | readonly [line: number, column: number, keys: readonly string[], values: readonly Packed[]];

export function pack(node: Node): Packed {
  const { line, column } = node;
  if (node.type === "scalar") return [line, column, node.value];
  if (node.type === "sequence") return [line, column, node.items.map(pack)];
  return [line, column, node.keys(), [...node.entries.values()].map(pack)];
}

/** The reverse, for a file's top, which is a mapping. */
export function unpack(packed: Packed, file: SourceFile): MappingNode {
  const node = unpackNode(packed, file);
  if (node.type !== "mapping") throw new Error(`what was kept of ${file.path} is no mapping`);
  return node;
}

function unpackNode(packed: Packed, file: SourceFile): Node {
  const [line, column, content, values] = packed;
  if (typeof content === "string") return new ScalarNode(content, file, line, column);
  if (values === undefined) {
    const items = content as readonly Packed[];
    return new SequenceNode(
      items.map((item) => unpackNode(item, file)),
      file,
      line,
      column,
    );
  }
  const keys = content as readonly string[];
  const entries = new Map<string, Node>();
  for (const [i, value] of values.entries()) entries.set(keys[i] ?? "", unpackNode(value, file));
  return new MappingNode(entries, file, line, column);
}
