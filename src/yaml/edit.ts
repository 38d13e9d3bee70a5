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
  for (const { path, value } of edits) {
    for (let isDone = false; !isDone; ) {
      const editor = new Editor(edited);
      editor.set(path, value);
      isDone = editor.isDone;
      edited = editor.result();
    }
  }
  return edited;
}

class Editor {
  /** Whether the value is there once the text is spliced; else what is left to do depends on the new text. */
  isDone = true;
  private readonly text: string;
  private readonly newline: string;
  /** They don't overlap. Of those at the same place, the first comes first. */
  private readonly splices: Splice[] = [];

  constructor(text: string) {
    this.text = text;
    this.newline = text.includes("\r\n") ? "\r\n" : "\n";
  }

  set(path: YamlEdit["path"], value: Plain | undefined): void {
    const document = parseDocument(this.text, { schema: "failsafe", uniqueKeys: false, logLevel: "silent" });
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message);
    const root = document.contents;
    if (!isNothing(root)) this.setBelow(root, path, value, false);
    else {
      const made = nested(path, value);
      if (made !== undefined) this.insertLines(this.text.length, emitYaml(made), 0);
    }
  }

  result(): string {
    let text = "";
    let end = 0;
    for (const splice of this.splices.sort((a, b) => a.start - b.start)) {
      text += this.text.slice(end, splice.start) + splice.text;
      end = splice.end;
    }
    return text + this.text.slice(end);
  }

  private setBelow(
    node: ParsedNode,
    [key, ...rest]: YamlEdit["path"],
    value: Plain | undefined,
    isFlow: boolean,
  ): void {
    if (isMap(node) && typeof key === "string") {
      this.setKey(node as MapNode, key, rest, value, isFlow || isInBrackets(node));
    } else if (isSeq(node) && typeof key === "number") {
      this.setItem(node as SeqNode, key, rest, value, isFlow || isInBrackets(node));
    } else throw new Error(`There is no place for '${key}' in the file`);
  }

  private setKey(map: MapNode, key: string, rest: YamlEdit["path"], value: Plain | undefined, isFlow: boolean): void {
    const pair = findPair(map, key);
    const old = pair?.value ?? null;
    if (pair !== undefined && rest.length > 0 && leadsOn(old, isFlow)) {
      this.setBelow(old, rest, value, isFlow);
      return;
    }
    const made = nested(rest, value);
    if (made === undefined) {
      if (pair !== undefined && rest.length === 0) this.removeKey(map, pair, isFlow);
    } else if (pair === undefined) this.addKey(map, key, made, isFlow);
    else if (!isSame(old, made) && !this.replaceParts(old, made, isFlow)) this.replaceValue(pair, made, isFlow);
  }

  private setItem(
    list: SeqNode,
    index: number,
    rest: YamlEdit["path"],
    value: Plain | undefined,
    isFlow: boolean,
  ): void {
    const item = list.items[index] ?? null;
    if (rest.length > 0 && leadsOn(item, isFlow)) {
      this.setBelow(item, rest, value, isFlow);
      return;
    }
    const made = nested(rest, value);
    if (made === undefined) return;
    if (item === null) {
      const missing = index - list.items.length;
      this.addItems(list, [...Array.from({ length: missing }, (): Plain => ({})), made], isFlow);
    } else if (!isSame(item, made) && !this.replaceParts(item, made, isFlow)) this.replaceItem(item, made, isFlow);
  }

  /** Changes parts of a value; false where its structure is another, and it has to be replaced as a whole. */
  private replaceParts(old: ParsedNode | null, value: Plain, isFlow: boolean): boolean {
    if (old === null || isNothing(old)) return false;
    const inFlow = isFlow || isInBrackets(old);
    if (typeof value === "string") {
      if (!isScalar(old)) return false;
      this.replaceScalar(old as Scalar.Parsed, value, isFlow);
    } else if (Array.isArray(value)) {
      if (!isSeq(old) || value.length !== old.items.length) return false;
      for (const [index, item] of value.entries()) this.setItem(old as SeqNode, index, [], item, inFlow);
    } else {
      if (!isMap(old) || isEmpty(old) || Object.keys(value).length === 0) return false;
      this.replaceEntries(old as MapNode, value, inFlow);
    }
    return true;
  }

  private replaceEntries(map: MapNode, value: { readonly [key: string]: Plain }, isFlow: boolean): void {
    const keys = Object.keys(value);
    const isOld = (key: string) => findPair(map, key) !== undefined;
    // What is added inside of the last entry has to come before what is added behind it.
    for (const key of [...keys.filter(isOld), ...keys.filter((key) => !isOld(key))]) {
      this.setKey(map, key, [], value[key], isFlow);
    }
    const surplus = map.items.find(({ key }) => !(isScalar(key) && Object.hasOwn(value, String(key.value))));
    if (surplus === undefined) return;
    this.isDone = false;
    if (this.splices.length === 0) this.removeKey(map, surplus, isFlow);
  }

  private replaceScalar(old: Scalar.Parsed, value: string, isFlow: boolean): void {
    const [start, end] = old.range;
    const isBlock = old.type === "BLOCK_LITERAL" || old.type === "BLOCK_FOLDED";
    const text = quotedLike(old.type, value, isFlow);
    this.splice(start, end, isBlock && this.text[end - 1] === "\n" ? text + this.newline : text);
  }

  /** Replaces all that is behind a key's colon. */
  private replaceValue(pair: PairNode, value: Plain, isFlow: boolean): void {
    const [, keyEnd] = rangeOf(pair.key);
    const colon = /\s*:/y;
    colon.lastIndex = keyEnd;
    const start = keyEnd + (colon.exec(this.text)?.[0].length ?? 0);
    const end = isNothing(pair.value) ? start : this.contentEnd(pair);
    const prefix = start === keyEnd ? ":" : "";
    if (isFlow) {
      this.splice(start, end, `${prefix} ${flowText(value)}`);
      return;
    }
    const lines = emitYaml({ k: value }).slice("k:".length);
    this.replaceLines(start, end, prefix + lines, this.columnOf(rangeOf(pair.key)[0]));
  }

  private replaceItem(item: ParsedNode, value: Plain, isFlow: boolean): void {
    const [start] = item.range;
    const end = this.nodeEnd(item);
    if (isFlow) {
      this.splice(start, end, flowText(value));
      return;
    }
    const space = this.text[start - 1] === "-" ? " " : "";
    const lines = typeof value === "string" ? `${inlineScalar(value, false)}\n` : emitYaml(value);
    this.replaceLines(start, end, space + lines, this.columnOf(start) + space.length);
  }

  private addKey(map: MapNode, key: string, value: Plain, isFlow: boolean): void {
    const last = map.items.at(-1);
    if (last === undefined) this.replaceItem(map, { [key]: value }, isFlow);
    else if (isFlow) this.splice(this.contentEnd(last), undefined, `, ${flowText({ [key]: value }).slice(1, -1)}`);
    else this.insertLines(this.contentEnd(last), emitYaml({ [key]: value }), this.columnOf(map.range[0]));
  }

  private addItems(list: SeqNode, values: Plain[], isFlow: boolean): void {
    const last = list.items.at(-1);
    if (last === undefined) this.replaceItem(list, values, isFlow);
    else if (isFlow) this.splice(this.nodeEnd(last), undefined, `, ${flowText(values).slice(1, -1)}`);
    else this.insertLines(this.nodeEnd(last), emitYaml(values), this.columnOf(list.range[0]));
  }

  private removeKey(map: MapNode, pair: PairNode, isFlow: boolean): void {
    const index = map.items.indexOf(pair as MapNode["items"][number]);
    const [start] = rangeOf(pair.key);
    const end = this.contentEnd(pair);
    if (isFlow) {
      const previous = map.items[index - 1];
      const next = map.items[index + 1];
      if (previous !== undefined) this.splice(this.contentEnd(previous), end, "");
      else this.splice(start, next === undefined ? end : rangeOf(next.key)[0], "");
      return;
    }
    const lineStart = this.lineStart(start);
    const lineEnd = this.lineEnd(end);
    if (map.items.length === 1) this.splice(start, end, this.text[end - 1] === "\n" ? `{}${this.newline}` : "{}");
    else if (this.text.slice(lineStart, start).trim() === "") this.splice(lineStart, lineEnd, "");
    else {
      // The first key behind a dash: the next line takes its place.
      const indentation = / */y;
      indentation.lastIndex = lineEnd;
      this.splice(start, lineEnd + (indentation.exec(this.text)?.[0].length ?? 0), "");
    }
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
  private insertLines(end: number, lines: string, indent: number): void {
    const start = this.lineEnd(end);
    const isOpen = start > 0 && this.text[start - 1] !== "\n";
    const text = this.indented(" ".repeat(indent) + lines, indent);
    this.splice(start, undefined, isOpen ? this.newline + text.slice(0, -this.newline.length) : text);
  }

  /** Replaces a part that may end with a line. */
  private replaceLines(start: number, end: number, lines: string, indent: number): void {
    const endsLine = end > start && this.text[end - 1] === "\n";
    this.splice(start, end, this.indented(endsLine ? lines : lines.slice(0, -1), indent));
  }

  private splice(start: number, end: number | undefined, text: string): void {
    this.splices.push({ start, end: end ?? start, text });
  }

  private indented(lines: string, indent: number): string {
    return lines.replace(/\n(?=.)/g, `\n${" ".repeat(indent)}`).replaceAll("\n", this.newline);
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

/** Whether there is something that a path can lead into. An empty collection is replaced by one that is not in brackets. */
function leadsOn(node: ParsedNode | null, isFlow: boolean): node is ParsedNode {
  return !isNothing(node) && (isFlow || !isEmpty(node));
}

function findPair(map: MapNode, key: string): PairNode | undefined {
  return map.items.find((item) => isScalar(item.key) && item.key.value === key);
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
