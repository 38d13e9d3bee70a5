/** The nodes of a YAML text that BuildStream reads: one dictionary, in which anchors and tags of one's own are errors. */
import { isBreak, Malformed } from "./cursor.ts";
import { MappingNode, type Node, ScalarNode, SequenceNode, type SourceFile } from "./node.ts";
import { Scanner, type Token, type TokenType } from "./scanner.ts";
import { strip } from "./strip.ts";

const CORE = "tag:yaml.org,2002:";
const VERSIONS = ["1.1", "1.2"];
// Far beyond what projects have, and far less than what the stack takes, here and in all that walks over nodes.
const DEEPEST = 1000;

/** A place that a token has, or the end of one. */
type Place = Pick<Token, "line" | "column">;

/** What ends the part of a collection in which a node may stand. */
const MAPPING_ENDS: readonly TokenType[] = ["key", "value", "block-end"];
const SEQUENCE_ENDS: readonly TokenType[] = ["entry", "block-end"];
const INDENTLESS_ENDS: readonly TokenType[] = ["entry", "key", "value", "block-end"];
/** What begins a collection, where a node may stand. */
const COLLECTIONS: readonly TokenType[] = ["[", "{", "block-sequence", "block-mapping", "entry"];
const FLOW_PAIR_ENDS: readonly TokenType[] = ["value", ",", "]"];
const FLOW_MAPPING_ENDS: readonly TokenType[] = ["value", ",", "}"];

function endOf({ line, column, length }: Token): Place {
  return { line, column: column + length };
}

function isDirective({ type }: Token): boolean {
  return type === "version" || type === "tag-directive";
}

export class DocumentParser {
  private readonly text: string;
  private readonly file: SourceFile;
  private readonly scanner: Scanner;
  private readonly handles = new Map<string, string>();
  private readonly hasPairs: boolean;
  private lineStarts: number[] | undefined;
  private depth = 0;

  /** @param text with no end of a line in it that has `\r` */
  constructor(text: string, file: SourceFile) {
    this.text = text;
    this.file = file;
    this.scanner = new Scanner(text);
    this.hasPairs = /[\ud800-\udbff]/.test(text);
  }

  /** Throws Malformed. */
  document(): MappingNode {
    const { scanner } = this;
    if (scanner.peek().type === "end") return new MappingNode(new Map(), this.file, 0, 0);
    this.directives();
    const start = scanner.peek();
    if (start.type === "document-start") scanner.take();
    const top = this.node(true, false);
    if (top.type !== "mapping") throw this.fail("A file holds a dictionary at its top", start);
    while (scanner.peek().type === "document-end") scanner.take();
    const { type } = scanner.peek();
    if (type === "document-start") throw this.fail("A file holds a single YAML document", scanner.peek());
    if (type !== "end") throw this.fail("This belongs to nothing before it", scanner.peek());
    return top;
  }

  private directives(): void {
    const { scanner, handles } = this;
    let hasVersion = false;
    while (isDirective(scanner.peek())) {
      const token = scanner.take();
      if (token.type === "version") {
        if (hasVersion || !VERSIONS.includes(token.text)) throw this.fail("This version cannot be read", token);
        hasVersion = true;
      } else {
        if (handles.has(token.handle)) throw this.fail("The handle is declared twice", token);
        handles.set(token.handle, token.text);
      }
      const next = scanner.peek();
      if (next.type !== "document-start" && !isDirective(next)) throw this.fail("No document begins here", next);
    }
    if (!handles.has("!")) handles.set("!", "!");
    if (!handles.has("!!")) handles.set("!!", CORE);
  }

  private node(isBlock: boolean, canBeIndentless: boolean): Node {
    const { scanner } = this;
    if (++this.depth > DEEPEST) throw this.fail("Its values are nested too deeply", scanner.peek());
    const place = scanner.peek();
    const tag = this.tag();
    const node = this.content(scanner.peek(), place, tag, isBlock, canBeIndentless);
    this.depth--;
    return node;
  }

  /** The tag that stands before a node, with what its handle stands for. */
  private tag(): string | undefined {
    const { scanner } = this;
    if (scanner.peek().type !== "tag") return undefined;
    const { handle, text, ...place } = scanner.take();
    if (handle === "") return text;
    const prefix = this.handles.get(handle);
    if (prefix === undefined) throw this.fail(`The handle '${handle}' is not declared`, place);
    return prefix + text;
  }

  private content(
    token: Token,
    place: Place,
    tag: string | undefined,
    isBlock: boolean,
    canBeIndentless: boolean,
  ): Node {
    const { scanner } = this;
    if (canBeIndentless && token.type === "entry") return this.indentless(place);
    if (token.type === "scalar") {
      scanner.take();
      return this.scalar(token.text, place, tag);
    }
    if (token.type === "[") return this.flowSequence(place);
    if (token.type === "{") return this.flowMapping(place);
    if (isBlock && token.type === "block-sequence") return this.sequence(place);
    if (isBlock && token.type === "block-mapping") return this.mapping(place);
    if (tag !== undefined) return this.scalar("", place, tag);
    throw this.fail("A value is missing", token);
  }

  private scalar(text: string, place: Place, tag?: string): ScalarNode {
    this.assertCore(tag, place);
    return new ScalarNode(strip(text), this.file, place.line, this.columnOf(place));
  }

  private assertCore(tag: string | undefined, place: Place): void {
    if (tag !== undefined && !tag.startsWith(CORE)) throw this.fail(`The tag '${tag}' is not supported`, place);
  }

  /** The node at the next token, or an empty one where that is one of those. */
  private nodeUnless(
    ends: readonly TokenType[],
    empty: Place | undefined,
    isBlock = false,
    canBeIndentless = false,
  ): Node {
    const token = this.scanner.peek();
    return ends.includes(token.type) ? this.scalar("", empty ?? token) : this.node(isBlock, canBeIndentless);
  }

  private sequence(place: Place): SequenceNode {
    const { scanner } = this;
    const items: Node[] = [];
    scanner.take();
    for (let token = scanner.take(); token.type !== "block-end"; token = scanner.take()) {
      if (token.type !== "entry") throw this.fail("Here a '-' is missing", token);
      items.push(this.nodeUnless(SEQUENCE_ENDS, endOf(token), true));
    }
    return this.list(items, place);
  }

  private indentless(place: Place): SequenceNode {
    const { scanner } = this;
    const items: Node[] = [];
    while (scanner.peek().type === "entry") {
      items.push(this.nodeUnless(INDENTLESS_ENDS, endOf(scanner.take()), true));
    }
    return this.list(items, place);
  }

  private mapping(place: Place): MappingNode {
    const { scanner } = this;
    const entries = new Map<string, Node>();
    scanner.take();
    for (let token = scanner.take(); token.type !== "block-end"; token = scanner.take()) {
      if (token.type !== "key") throw this.fail("Here a key is missing", token);
      const key = this.key(entries, MAPPING_ENDS);
      const next = scanner.peek();
      const isThere = next.type === "value";
      if (isThere) scanner.take();
      entries.set(key, isThere ? this.nodeUnless(MAPPING_ENDS, endOf(next), true, true) : this.scalar("", next));
    }
    return this.dictionary(entries, place);
  }

  private flowSequence(place: Place): SequenceNode {
    const { scanner } = this;
    const items: Node[] = [];
    scanner.take();
    while (this.hasMore("]", items.length > 0)) {
      items.push(scanner.peek().type === "key" ? this.pair(scanner.take()) : this.node(false, false));
    }
    return this.list(items, place);
  }

  /** A dictionary of one key, without braces. */
  private pair(start: Token): MappingNode {
    const { scanner } = this;
    const entries = new Map<string, Node>();
    const isEmpty = FLOW_PAIR_ENDS.includes(scanner.peek().type);
    const key = this.key(entries, FLOW_PAIR_ENDS);
    // Where a key is missing, libyaml swallows what comes next.
    if (isEmpty) scanner.take();
    entries.set(key, this.flowValue([",", "]"]));
    return this.dictionary(entries, start);
  }

  private flowMapping(place: Place): MappingNode {
    const { scanner } = this;
    const entries = new Map<string, Node>();
    scanner.take();
    for (let isFirst = true; this.hasMore("}", !isFirst); isFirst = false) {
      const isKey = scanner.peek().type === "key";
      if (isKey) scanner.take();
      const key = this.key(entries, isKey ? FLOW_MAPPING_ENDS : []);
      entries.set(key, isKey ? this.flowValue([",", "}"]) : this.scalar("", scanner.peek()));
    }
    return this.dictionary(entries, place);
  }

  private flowValue(ends: readonly TokenType[]): Node {
    const { scanner } = this;
    if (scanner.peek().type !== "value") return this.scalar("", scanner.peek());
    scanner.take();
    return this.nodeUnless(ends, undefined);
  }

  /** Whether another item follows, with the comma before it taken; else with the bracket taken. */
  private hasMore(close: "]" | "}", needsComma: boolean): boolean {
    const { scanner } = this;
    if (needsComma && scanner.peek().type !== close) {
      const token = scanner.take();
      if (token.type !== ",") throw this.fail(`Here a ',' or '${close}' is missing`, token);
    }
    if (scanner.peek().type !== close) return true;
    scanner.take();
    return false;
  }

  /** A key is a single value, and as it is written: white space around it counts. */
  private key(entries: ReadonlyMap<string, Node>, ends: readonly TokenType[]): string {
    const { scanner } = this;
    const first = scanner.peek();
    let name = "";
    if (!ends.includes(first.type)) {
      const tag = this.tag();
      const token = scanner.peek();
      if (token.type === "scalar") name = scanner.take().text;
      else if (tag === undefined || COLLECTIONS.includes(token.type)) {
        throw this.fail("A key must be a single value", token);
      }
      this.assertCore(tag, first);
    }
    if (entries.has(name)) throw this.fail(`The key '${name}' stands twice in this dictionary`, first);
    return name;
  }

  private list(items: readonly Node[], place: Place): SequenceNode {
    return new SequenceNode(items, this.file, place.line, this.columnOf(place));
  }

  private dictionary(entries: ReadonlyMap<string, Node>, place: Place): MappingNode {
    return new MappingNode(entries, this.file, place.line, this.columnOf(place));
  }

  /** Columns count characters, some of which are two units of a string. */
  private columnOf({ line, column }: Place): number {
    if (!this.hasPairs) return column;
    this.lineStarts ??= lineStartsOf(this.text);
    const start = this.lineStarts[line] ?? 0;
    return [...this.text.slice(start, start + column)].length;
  }

  private fail(message: string, place: Place): Malformed {
    return new Malformed(message, { line: place.line, column: this.columnOf(place) });
  }
}

function lineStartsOf(text: string): number[] {
  const starts = [0];
  for (let pos = 0; pos < text.length; pos++) if (isBreak(text.charCodeAt(pos))) starts.push(pos + 1);
  return starts;
}
