/** The shell commands that elements declare, with the places of what they call. */
import { readFileSync } from "node:fs";
import type { Element } from "../project/element.ts";
import type { MappingNode, Node, ScalarNode } from "../yaml/node.ts";
import { type Place, placeOf } from "./place.ts";
import { type Call, callsOf, type Surroundings } from "./shell.ts";

export interface PlacedCall extends Call {
  /** Position among all calls of the element. */
  readonly order: number;
  readonly place: Place;
  /** Where in its here-document a text is. @param line of the document, counted from 0 */
  placeOfInput(line: number, text: string): Place;
}

/** Calls of all lists of commands in an element's configuration, as far as these are declared in its own files. */
export function ownCalls(element: Element): PlacedCall[] {
  return allCalls(element).filter(({ place }) => element.loaded.files.includes(place.file));
}

const known = new WeakMap<Element, readonly PlacedCall[]>();

/** Calls of all commands of an element, wherever they are declared. */
export function allCalls(element: Element): readonly PlacedCall[] {
  const found = known.get(element) ?? placed(commandNodes(element.config), surroundings(element));
  known.set(element, found);
  return found;
}

/** Where each command of an element begins, and with which variables. */
function surroundings({ behaviour, environment }: Element): Surroundings {
  return { environment, folder: behaviour.sandbox?.().workDirectory ?? "/" };
}

export function integrationCalls(publicData: MappingNode): PlacedCall[] {
  return placed(publicData.mapping("bst")?.sequence("integration-commands")?.scalars() ?? [], { folder: "/" });
}

/**
 * Of the script that is to be run over the files of an image.
 * @param folders where these can be
 */
export function initialScriptCalls(publicData: MappingNode, folders: readonly string[] = []): PlacedCall[] {
  const script = publicData.mapping("initial-script")?.scalar("script");
  return script === undefined ? [] : placed([script], { folder: "/", arguments: [folders] });
}

function commandNodes(config: MappingNode): ScalarNode[] {
  return [...config.entries].flatMap(([key, node]) => (/commands$/.test(key) ? scalars(node) : []));
}

function scalars(node: Node): ScalarNode[] {
  return node.type === "sequence" ? node.items.flatMap(scalars) : node.type === "scalar" ? [node] : [];
}

function placed(nodes: readonly ScalarNode[], around: Surroundings): PlacedCall[] {
  const all = nodes.flatMap((node) => callsOf(node.value, around).map((call) => ({ call, node })));
  return all.map(({ call, node }, order) => ({
    ...call,
    order,
    place: placeInside(node, call.line, call.mark),
    placeOfInput: (line, text) => placeInside(node, call.line + 1 + line, text),
  }));
}

/** Variables can have moved lines: then it is the first line behind the beginning that has the text, or that. */
function placeInside(node: ScalarNode, line: number, text: string): Place {
  const start = placeOf(node);
  if (node.isSynthetic) return start;
  const lines = linesOf(node.file.path);
  const isBlock = /^[|>]/.test((lines[node.line] ?? "").slice(node.column));
  const likely = node.line + line + (isBlock ? 1 : 0);
  const end = node.line + node.value.split("\n").length + 1;
  const candidates = [likely, ...Array.from({ length: end - node.line }, (_, i) => node.line + i)];
  for (const candidate of candidates) {
    const column = (lines[candidate] ?? "").indexOf(text);
    if (column >= 0) return { ...start, line: candidate + 1, column: column + 1 };
  }
  return start;
}

const files = new Map<string, readonly string[]>();

function linesOf(path: string): readonly string[] {
  const known = files.get(path) ?? readFileSync(path, "utf8").split("\n");
  files.set(path, known);
  return known;
}
