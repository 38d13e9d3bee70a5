/** YAML text to nodes: the subset that BuildStream takes, where every scalar is text and anchors and tags are errors. */
import { LoadError } from "../base/errors.ts";
import { Malformed } from "./cursor.ts";
import { DocumentParser } from "./document.ts";
import type { MappingNode, SourceFile } from "./node.ts";
import { parsePlain } from "./plain-parser.ts";

// What libyaml does not read in any file.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const FORBIDDEN = /[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Throws a LoadError, reason invalid-yaml, that names file, line and column. */
export function parseYaml(content: string, file: SourceFile): MappingNode {
  return parsePlain(content, file) ?? parseAny(content, file);
}

function parseAny(content: string, file: SourceFile): MappingNode {
  const text = content.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  try {
    const forbidden = FORBIDDEN.exec(text);
    if (forbidden === null) return new DocumentParser(text, file).document();
    const lines = text.slice(0, forbidden.index).split("\n");
    const column = [...(lines.at(-1) ?? "")].length;
    throw new Malformed("Control characters are not allowed", { line: lines.length - 1, column });
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const place = `[line ${error.line + 1} column ${error.column}]`;
    throw new LoadError("invalid-yaml", `${file.displayName} ${place}: ${error.message}`, { cause: error });
  }
}
