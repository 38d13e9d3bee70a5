/** Changes values in the text of a YAML file, in which everything else stays as it is, byte for byte. */
import {
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { emitYaml, inlineScalar } from "./emit.ts";
import type { Plain } from "./node.ts";

export interface YamlEdit {
  /** Keys of dictionaries and indexes of lists, from the top of the file. What is missing on the way is made. */
  readonly path: readonly (string | number)[];
  /** What is to be there; undefined to remove the last key of the path. */
  readonly value: Plain | undefined;
}

type MapNode = YAMLMap.Parsed;
type SeqNode = YAMLSeq.Parsed;
type PairNode = Pair<ParsedNode, ParsedNode | null>;

/** A part of the text, and what replaces it. */
interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with all edits made, one after the other. Throws an Error where a path leads through a single value. */
export function editYaml(text: string, edits: readonly YamlEdit[]): string {
  let edited = text;
  for (const edit of edits) {
    // One change may take several splices, each of which moves what the next one is about.
    for (let splice = nextSplice(edited, edit); splice !== undefined; splice = nextSplice(edited, edit)) {
      const before = edited;
      edited = before.slice(0, splice.start) + splice.text + before.slice(splice.end);
      if (edited === before) throw new Error(`The value of '${edit.path.join(".")}' cannot be written`);
    }
  }
  return edited;
}

function nextSplice(text: string, { path, value }: YamlEdit): Splice | undefined {
  const document = parseDocument(text, { schema: "failsafe", uniqueKeys: false, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(error.message);
  return new Editor(text).set(document.contents, path, value);
}

class Editor {
  private readonly text: string;
  private readonly newline: string;

  constructor(text: string) {
    this.text = text;
    this.newline = text.includes("\r\n") ? "\r\n" : "\n";
  }

  /** The first change that brings the file closer to having the value; undefined where it has it. */
  set(root: ParsedNode | null, path: YamlEdit["path"], value: Plain | undefined): Splice | undefined {
    if (isNothing(root)) {
      const made = nested(path, value);
      return made === undefined ? undefined : this.insertLines(this.text.length, emitYaml(made), 0);
    }
    return this.setBelow(root, path, value, false);
  }

  private setBelow(
    node: ParsedNode,
    [key, ...rest]: YamlEdit["path"],
    value: Plain | undefined,
    isFlow: boolean,
  ): Splice | undefined {
    if (isMap(node) && typeof key === "string") {
      return this.setKey(node as MapNode, key, rest, value, isFlow || isInBrackets(node));
    }
    if (isSeq(node) && typeof key === "number") {
      return this.setItem(node as SeqNode, key, rest, value, isFlow || isInBrackets(node));
    }
    throw new Error(`There is no place for '${key}' in the file`);
  }

  private setKey(
    map: MapNode,
    key: string,
    rest: YamlEdit["path"],
    value: Plain | undefined,
    isFlow: boolean,
  ): Splice | undefined {
    const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair === undefined) {
      const made = nested(rest, value);
      return made === undefined ? undefined : this.addKey(map, key, made, isFlow);
    }
    const old = pair.value;
    if (rest.length > 0 && !isNothing(old) && !(isEmpty(old) && !isFlow))
      return this.setBelow(old, rest, value, isFlow);
    if (rest.length === 0 && value === undefined) return this.removeKey(map, pair, isFlow);
    const made = nested(rest, value);
    if (made === undefined || isSame(old, made)) return undefined;
    return this.replaceParts(old, made, isFlow) ?? this.replaceValue(pair, made, isFlow);
  }

  private setItem(
    list: SeqNode,
    index: number,
    rest: YamlEdit["path"],
    value: Plain | undefined,
    isFlow: boolean,
  ): Splice | undefined {
    const item = list.items[index];
    if (item === undefined) {
      const made = nested(rest, value);
      const missing = index - list.items.length;
      return made === undefined ? undefined : this.addItem(list, missing > 0 ? {} : made, isFlow);
    }
    if (rest.length > 0 && !isNothing(item) && !(isEmpty(item) && !isFlow))
      return this.setBelow(item, rest, value, isFlow);
    const made = nested(rest, value);
    if (made === undefined || isSame(item, made)) return undefined;
    return this.replaceParts(item, made, isFlow) ?? this.replaceItem(item, made, isFlow);
  }

  /** Changes parts of a value where it has the same structure; undefined where it has to be replaced as a whole. */
  private replaceParts(old: ParsedNode | null, value: Plain, isFlow: boolean): Splice | undefined {
    if (old === null || isNothing(old)) return undefined;
    if (isScalar(old))
      return typeof value === "string" ? this.replaceScalar(old as Scalar.Parsed, value, isFlow) : undefined;
    if (typeof value === "string") return undefined;
    const inFlow = isFlow || isInBrackets(old);
    if (isSeq(old)) {
      if (!Array.isArray(value) || value.length !== old.items.length) return undefined;
      return first(value, (item, index) => this.setItem(old as SeqNode, index, [], item, inFlow));
    }
    if (Array.isArray(value) || Object.keys(value).length === 0 || isEmpty(old)) return undefined;
    const map = old as MapNode;
    const surplus = map.items.find(({ key }) => !(isScalar(key) && Object.hasOwn(value, String(key.value))));
    // New keys come first, so that the dictionary is never empty.
    return (
      first(Object.entries(value), ([key, content]) => this.setKey(map, key, [], content, inFlow)) ??
      (surplus && this.removeKey(map, surplus, inFlow))
    );
  }

  private replaceScalar(old: Scalar.Parsed, value: string, isFlow: boolean): Splice {
    const [start, end] = old.range;
    const isBlock = old.type === "BLOCK_LITERAL" || old.type === "BLOCK_FOLDED";
    const text = quotedLike(old.type, value, isFlow);
    return { start, end, text: isBlock && this.text[end - 1] === "\n" ? text + this.newline : text };
  }

  /** Replaces all that is behind a key's colon. */
  private replaceValue(pair: PairNode, value: Plain, isFlow: boolean): Splice {
    const [, keyEnd] = rangeOf(pair.key);
    const colon = /\s*:/y;
    colon.lastIndex = keyEnd;
    const start = keyEnd + (colon.exec(this.text)?.[0].length ?? 0);
    const end = isNothing(pair.value) ? start : this.contentEnd(pair);
    const prefix = start === keyEnd ? ":" : "";
    if (isFlow) return { start, end, text: `${prefix} ${flowText(value)}` };
    const lines = emitYaml({ k: value }).slice("k:".length);
    return this.replaceLines(start, end, prefix + lines, this.columnOf(rangeOf(pair.key)[0]));
  }

  private replaceItem(item: ParsedNode, value: Plain, isFlow: boolean): Splice {
    const [start] = item.range;
    const end = this.nodeEnd(item);
    const space = this.text[start - 1] === "-" ? " " : "";
    if (isFlow) return { start, end, text: flowText(value) };
    const lines = typeof value === "string" ? `${inlineScalar(value, false)}\n` : emitYaml(value);
    return this.replaceLines(start, end, space + lines, this.columnOf(start) + space.length);
  }

  private addKey(map: MapNode, key: string, value: Plain, isFlow: boolean): Splice {
    const last = map.items.at(-1);
    if (last === undefined) return this.replaceItem(map, { [key]: value }, isFlow);
    const end = this.contentEnd(last);
    if (isFlow) return { start: end, end, text: `, ${flowText({ [key]: value }).slice(1, -1)}` };
    return this.insertLines(end, emitYaml({ [key]: value }), this.columnOf(map.range[0]));
  }

  private addItem(list: SeqNode, value: Plain, isFlow: boolean): Splice {
    const last = list.items.at(-1);
    if (last === undefined) return this.replaceItem(list, [value], isFlow);
    const end = this.nodeEnd(last);
    if (isFlow) return { start: end, end, text: `, ${flowText(value)}` };
    return this.insertLines(end, emitYaml([value]), this.columnOf(list.range[0]));
  }

  private removeKey(map: MapNode, pair: PairNode, isFlow: boolean): Splice {
    const index = map.items.indexOf(pair as MapNode["items"][number]);
    const next = map.items[index + 1];
    const [start] = rangeOf(pair.key);
    const end = this.contentEnd(pair);
    if (map.items.length === 1) {
      if (isFlow) return { start, end, text: "" };
      return { start, end, text: this.text[end - 1] === "\n" ? `{}${this.newline}` : "{}" };
    }
    if (isFlow) {
      const previous = map.items[index - 1];
      if (previous !== undefined) return { start: this.contentEnd(previous), end, text: "" };
      return { start, end: next === undefined ? end : rangeOf(next.key)[0], text: "" };
    }
    const lineStart = this.lineStart(start);
    const lineEnd = this.lineEnd(end);
    if (this.text.slice(lineStart, start).trim() === "") return { start: lineStart, end: lineEnd, text: "" };
    // The first key behind a dash: the next line takes its place.
    const indentation = /[ ]*/y;
    indentation.lastIndex = lineEnd;
    return { start, end: lineEnd + (indentation.exec(this.text)?.[0].length ?? 0), text: "" };
  }

  /** Where a pair's content ends, before comments that follow it. */
  private contentEnd({ key, value }: PairNode): number {
    return value === null ? rangeOf(key)[1] : this.nodeEnd(value);
  }

  private nodeEnd(node: ParsedNode): number {
    if (isInBrackets(node) || isEmpty(node)) return node.range[1];
    if (isMap(node)) return this.contentEnd(node.items.at(-1) as PairNode);
    return isSeq(node) ? this.nodeEnd(node.items.at(-1) as ParsedNode) : node.range[1];
  }

  /** New lines behind the one in which something ends. */
  private insertLines(end: number, lines: string, indent: number): Splice {
    const start = this.lineEnd(end);
    const isOpen = start > 0 && this.text[start - 1] !== "\n";
    const text = indented(" ".repeat(indent) + lines, indent).replaceAll("\n", this.newline);
    return { start, end: start, text: isOpen ? this.newline + text.slice(0, -this.newline.length) : text };
  }

  /** Replaces a part that may end with a line. */
  private replaceLines(start: number, end: number, lines: string, indent: number): Splice {
    const endsLine = end > start && this.text[end - 1] === "\n";
    const text = indented(endsLine ? lines : lines.slice(0, -1), indent);
    return { start, end, text: text.replaceAll("\n", this.newline) };
  }

  private lineStart(offset: number): number {
    return this.text.lastIndexOf("\n", offset - 1) + 1;
  }

  /** Where the line ends that has the character before `offset`. */
  private lineEnd(offset: number): number {
    if (this.text[offset - 1] === "\n") return offset;
    const newline = this.text.indexOf("\n", offset);
    return newline < 0 ? this.text.length : newline + 1;
  }

  private columnOf(offset: number): number {
    const bom = this.text.startsWith("\ufeff") && this.lineStart(offset) === 0 ? 1 : 0;
    return offset - this.lineStart(offset) - bom;
  }
}

function rangeOf(node: ParsedNode): readonly [start: number, end: number, ...rest: number[]] {
  return node.range;
}

/** Whether there is no value, or an empty text without quotes. */
function isNothing(node: ParsedNode | null): node is null {
  return node === null || (isScalar(node) && node.range[0] === node.range[1]);
}

function isEmpty(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.items.length === 0;
}

function isInBrackets(node: ParsedNode): boolean {
  return (isMap(node) || isSeq(node)) && node.flow === true;
}

function isSame(node: ParsedNode | null, value: Plain): boolean {
  return node !== null && JSON.stringify(node.toJSON()) === JSON.stringify(value);
}

/** The value with all that its path needs around it. */
function nested(path: YamlEdit["path"], value: Plain | undefined): Plain | undefined {
  if (value === undefined) return undefined;
  return path.reduceRight<Plain>(
    (inner, key) =>
      typeof key === "string" ? { [key]: inner } : [...Array.from({ length: key }, (): Plain => ({})), inner],
    value,
  );
}

function first<T>(items: readonly T[], change: (item: T, index: number) => Splice | undefined): Splice | undefined {
  for (const [index, item] of items.entries()) {
    const splice = change(item, index);
    if (splice !== undefined) return splice;
  }
  return undefined;
}

function quotedLike(type: Scalar.Type | undefined, value: string, isFlow: boolean): string {
  const text = inlineScalar(value, isFlow);
  if (/^['"]/.test(text)) return text;
  if (type === "QUOTE_SINGLE") return `'${text.replaceAll("'", "''")}'`;
  return type === "QUOTE_DOUBLE" ? `"${text.replace(/["\\]/g, "\\$&")}"` : text;
}

function flowText(value: Plain): string {
  if (typeof value === "string") return inlineScalar(value, true);
  if (Array.isArray(value)) return `[${value.map(flowText).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${inlineScalar(key, true)}: ${flowText(item)}`);
  return `{${entries.join(", ")}}`;
}

function indented(lines: string, indent: number): string {
  return lines.replace(/\n(?=.)/g, `\n${" ".repeat(indent)}`);
}
