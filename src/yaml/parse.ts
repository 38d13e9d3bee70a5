/** YAML text to nodes: the subset that BuildStream takes, where every scalar is text and anchors and tags are errors. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseAllDocuments } from "yaml";
import { LoadError } from "../base/errors.ts";
import { MappingNode, type Node, ScalarNode, SequenceNode, type SourceFile } from "./node.ts";
import { parsePlain } from "./plain-parser.ts";

// Python's str.strip(), which the format's values went through, and which differs from trim() in a few characters.
// biome-ignore lint/suspicious/noControlCharactersInRegex: four control characters count as white space there.
const LEADING = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const TRAILING = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/;

/** A scalar's value as the format has it: without white space around it. */
function strip(text: string): string {
  return text.replace(LEADING, "").replace(TRAILING, "");
}

/** Where a node begins: at its tag if it has one; nothing begins right behind the `:` or `-`, or before the bracket. */
function startOf(node: ParsedNode, text: string, isFlow: boolean): number {
  const [start, end] = node.range;
  const isSpace = (offset: number) => offset >= 0 && " \t\n".includes(text.charAt(offset));
  let offset = start;
  if (node.tag !== undefined) {
    while (isSpace(offset - 1)) offset--;
    while (offset > 0 && !isSpace(offset - 1)) offset--;
  } else if (start === end && !isFlow) {
    while (isSpace(offset - 1) && text[offset - 1] !== "\n") offset--;
  }
  return offset;
}

// A comment right behind a quoted text, which libyaml reads.
const TOLERATED = "Comments must be separated";

// What libyaml does not read in any file.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const FORBIDDEN = /[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

/** Throws a LoadError, reason invalid-yaml, that names file, line and column. */
export function parseYaml(content: string, file: SourceFile): MappingNode {
  try {
    return parsePlain(content, file) ?? parseDocuments(content, file);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LoadError("invalid-yaml", `${file.displayName}: Its values are nested too deeply`, { cause: error });
  }
}

function parseDocuments(content: string, file: SourceFile): MappingNode {
  const text = content.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  const hasPairs = /[\ud800-\udbff]/.test(text);
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
    // Columns count characters, some of which are two units of a string.
    const column = hasPairs ? [...text.slice(offset - col + 1, offset)].length : col - 1;
    return { line: line - 1, column };
  };
  const fail = (message: string, offset: number) => {
    const { line, column } = at(offset);
    return new LoadError("invalid-yaml", `${file.displayName} [line ${line + 1} column ${column}]: ${message}`);
  };

  const assertPlain = (node: ParsedNode) => {
    const [offset] = node.range;
    if (isAlias(node) || node.anchor !== undefined) throw fail("Anchors and aliases are not supported", offset);
    if (node.tag !== undefined && isScalar(node) && !node.tag.startsWith("tag:yaml.org,2002:")) {
      throw fail(`The tag '${node.tag}' is not supported`, offset);
    }
  };

  const convert = (node: ParsedNode | null, empty: number, isFlow: boolean): Node => {
    if (node === null) {
      const { line, column } = at(empty);
      return new ScalarNode("", file, line, column);
    }
    const offset = node.range[0];
    assertPlain(node);
    const { line, column } = at(startOf(node, text, isFlow));
    if (isScalar(node)) return new ScalarNode(strip(String(node.value ?? "")), file, line, column);
    if (isSeq(node)) {
      const items = node.items.map((item) => convert(item as ParsedNode, offset, node.flow === true));
      return new SequenceNode(items, file, line, column);
    }
    if (!isMap(node)) throw fail("Anchors and aliases are not supported", offset);
    const entries = new Map<string, Node>();
    for (const { key, value } of node.items) {
      if (key === null || !isScalar(key)) throw fail("A key must be a single value", key?.range[0] ?? offset);
      assertPlain(key);
      if (key.range[0] === key.range[1]) throw fail("A key is missing", key.range[0]);
      const name = String(key.value ?? "");
      if (entries.has(name)) throw fail(`The key '${name}' stands twice in this dictionary`, key.range[0]);
      entries.set(name, convert(value, key.range[1], node.flow === true));
    }
    return new MappingNode(entries, file, line, column);
  };

  const forbidden = FORBIDDEN.exec(text);
  if (forbidden !== null) throw fail("Control characters are not allowed", forbidden.index);
  const streams = "empty" in documents ? [documents] : documents;
  for (const { errors, warnings } of streams) {
    const [error] = [
      ...errors.filter(({ message }) => !message.startsWith(TOLERATED)),
      ...warnings.filter(({ code }) => code === "BAD_DIRECTIVE"),
    ];
    if (error !== undefined) throw fail(error.message, error.pos[0]);
  }
  if (documents.length === 0) return new MappingNode(new Map(), file, 0, 0);
  const [document, second] = documents as Document.Parsed[];
  if (second !== undefined) throw fail("A file holds a single YAML document", second.range[0]);
  const top = document?.contents ?? null;
  if (!isMap(top)) throw fail("A file holds a dictionary at its top", top?.range[0] ?? 0);
  return convert(top, 0, false) as MappingNode;
}
