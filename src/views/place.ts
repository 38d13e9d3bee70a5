/** Where in a file something is, as editors count. */
import type { Node } from "../yaml/node.ts";

export interface Place {
  /** Absolute path. */
  readonly file: string;
  /** Counted from 1, as is the column. */
  readonly line: number;
  readonly column: number;
}

export function placeOf(node: Node): Place {
  return { file: node.file.path, line: node.line + 1, column: Math.max(0, node.column) + 1 };
}
