/** YAML text to nodes: the subset that BuildStream takes, where every scalar is text and anchors and tags are errors. */
import { type Document, isAlias, isMap, isScalar, LineCounter, type ParsedNode, parseAllDocuments } from "yaml";
import { LoadError } from "../base/errors.ts";
import { MappingNode, type Node, ScalarNode, SequenceNode, type SourceFile } from "./node.ts";

// Python's str.strip(), which the format's values went through, and which differs from trim() in a few characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: four control characters count as white space there.
const LEADING = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const TRAILING = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/** A scalar's value as the format has it: without white space around it. */
function strip(text: string): string {
  return text.replace(LEADING, "").replace(TRAILING, "");
}

/** Where a node begins: at its tag if it has one; nothing begins right behind the `:` or `-` before it. */
function startOf(node: ParsedNode, text: string): number {
  const [start, end] = node.range;
  if (node.tag !== undefined) return start - (/![^\s,[\]{}]*\s*$/.exec(text.slice(0, start))?.[0].length ?? 0);
  return start === end ? text.slice(0, start).replace(/[ \t]+$/, "").length : start;
}

/** Throws a LoadError, reason invalid-yaml, that names file, line and column. */
export function parseYaml(text: string, file: SourceFile): MappingNode {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    schema: "failsafe",
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: false,
    logLevel: "silent",
    strict: true,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: line - 1, column: col - 1 };
  };
  const fail = (message: string, offset: number) => {
    const { line, column } = at(offset);
    return new LoadError("invalid-yaml", `${file.displayName} [line ${line + 1} column ${column}]: ${message}`);
  };

  const convert = (node: ParsedNode | null, empty: number): Node => {
    if (node === null) {
      const { line, column } = at(empty);
      return new ScalarNode("", file, line, column);
    }
    const offset = node.range[0];
    if (isAlias(node) || node.anchor !== undefined) throw fail("Anchors and aliases are not supported", offset);
    if (node.tag !== undefined && isScalar(node) && !node.tag.startsWith("tag:yaml.org,2002:")) {
      throw fail(`The tag '${node.tag}' is not supported`, offset);
    }
    const { line, column } = at(startOf(node, text));
    if (isScalar(node)) return new ScalarNode(strip(String(node.value ?? "")), file, line, column);
    if (!isMap(node)) {
      return new SequenceNode(
        node.items.map((item) => convert(item as ParsedNode, offset)),
        file,
        line,
        column,
      );
    }
    const entries = new Map<string, Node>();
    for (const { key, value } of node.items) {
      if (key === null || !isScalar(key)) throw fail("A key must be a single value", key?.range[0] ?? offset);
      if (key.anchor !== undefined) throw fail("Anchors and aliases are not supported", key.range[0]);
      const name = String(key.value ?? "");
      if (entries.has(name)) throw fail(`The key '${name}' stands twice in this dictionary`, key.range[0]);
      entries.set(name, convert(value, key.range[1] + 1));
    }
    return new MappingNode(entries, file, line, column);
  };

  if (!Array.isArray(documents) || documents.length === 0) return new MappingNode(new Map(), file, 0, 0);
  for (const { errors } of documents) {
    const [error] = errors;
    if (error !== undefined) throw fail(error.message, error.pos[0]);
  }
  const [document, second] = documents as Document.Parsed[];
  if (second !== undefined) throw fail("A file holds a single YAML document", second.range[0]);
  const content = document?.contents ?? null;
  if (!isMap(content)) throw fail("A file holds a dictionary at its top", content?.range[0] ?? 0);
  return convert(content, 0) as MappingNode;
}
