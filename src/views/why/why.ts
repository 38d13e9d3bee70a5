/** `why FILE IMAGE`: which paths are meant, and the way of each. */
import { posix } from "node:path";
import { globPattern } from "../../base/glob.ts";
import { Tree } from "../../cas/tree.ts";
import { dependencies } from "../../graph/scopes.ts";
import type { Element } from "../../project/element.ts";
import { leavesOf, nodeAt } from "../contents.ts";
import type { SeenFiles } from "../image-files.ts";
import { imageOf, madeOf, staged } from "../images.ts";
import type { Way } from "./step.ts";
import { Tracer } from "./trace.ts";

export interface Answer extends Way {
  /** Absolute. */
  readonly path: string;
  /** What was asked for, where it is a path that links may lead to this one. */
  readonly asked?: string;
  /** Elements that have such a file and are no part of what the image is made of, where nothing else is known. */
  readonly elsewhere: readonly Element[];
}

export interface Answers {
  readonly answers: readonly Answer[];
  /** Elements whose artifacts should have been looked into. */
  readonly missing: readonly Element[];
}

/** @param pattern a path, a folder, or a pattern of paths */
export function whyOf(seen: SeenFiles, element: Element, pattern: string): Answers {
  const tracer = new Tracer(seen);
  const asked = pattern.replace(/^\/+|\/+$/g, "");
  const linked = withoutLinks(seen, element, asked);
  const paths = pathsOf(seen, element, asked, linked);
  // Unless it is among what is in a folder.
  const meant = paths.length === 1 ? linked : undefined;
  const answers = paths.map((path): Answer => {
    const way = tracer.trace(element, path);
    const elsewhere = way.steps.length > 0 ? [] : unused(seen, element, path);
    return { path: `/${path}`, ...(path === meant && { asked: `/${posix.normalize(asked)}` }), elsewhere, ...way };
  });
  return { answers, missing: [...tracer.missing] };
}

/**
 * The path that is meant, or those in it where it is a folder, or those that a pattern matches.
 * @param linked what the links in the path lead to
 */
function pathsOf(seen: SeenFiles, element: Element, asked: string, linked: string): string[] {
  const path = posix.normalize(asked === "" ? "." : asked);
  const node = nodeAt(seen, element, path);
  const isPattern = /[*?[]/.test(asked) && node === undefined && !isSomewhere(seen, element, path);
  if (isPattern) return matching(seen, element, testOf(asked));
  // What has taken the place of a folder is told, and not the files that were in that.
  if (node !== undefined && node.kind !== "directory") return [path];
  const own = leavesOf(seen, element)?.has(path) === true ? [path] : [];
  const below = matching(seen, element, (other) => path === "." || other.startsWith(`${path}/`));
  const found = [...own, ...below];
  return found.length > 0 ? found : [linked];
}

function isSomewhere(seen: SeenFiles, element: Element, path: string): boolean {
  return [...everyPart(seen, element)].some((each) => nodeAt(seen, each, path) !== undefined);
}

function testOf(pattern: string): (path: string) => boolean {
  const expression = new RegExp(`^${globPattern(pattern)}$`, "su");
  return (path) => expression.test(path);
}

/** Paths in the element, and in all that it is made of. */
function matching(seen: SeenFiles, element: Element, test: (path: string) => boolean): string[] {
  const found = new Set<string>();
  for (const each of everyPart(seen, element)) {
    for (const path of leavesOf(seen, each)?.keys() ?? []) if (test(path)) found.add(path);
  }
  // Folders that are empty in a part: what is in them tells of them.
  const isFull = (path: string) => nodeAt(seen, element, path) !== undefined && !leavesOf(seen, element)?.has(path);
  return [...found].filter((path) => !isFull(path)).sort();
}

/** All that files can come from, step by step. */
function everyPart(seen: SeenFiles, element: Element): Set<Element> {
  const found = new Set([element]);
  // It grows while it is walked over.
  for (const each of found) {
    const image = imageOf(each, seen.indexOf(each));
    if (image !== undefined) {
      for (const part of staged(image.layers.map(({ root }) => root))) found.add(part);
      for (const parent of image.parents) found.add(parent.element);
    } else if (!seen.isImage(each)) {
      for (const part of each.hasArtifact ? madeOf(each) : each.runtimeDependencies) found.add(part);
    }
  }
  return found;
}

/** What a path comes to where folders on the way are links. */
function withoutLinks(seen: SeenFiles, element: Element, path: string): string {
  const files = seen.files(element);
  if (files === undefined) return path;
  const tree = new Tree(seen.cas, files);
  const names: string[] = [];
  const rest = path.split("/");
  for (let links = 0; rest.length > 0; ) {
    const name = rest.shift() ?? "";
    if (name === "" || name === ".") continue;
    if (name === "..") {
      names.pop();
      continue;
    }
    const node = tree.lookup([...names, name].join("/"));
    // The last one is asked for itself.
    if (node?.kind !== "symlink" || rest.length === 0) {
      names.push(name);
      continue;
    }
    if (++links > 40) return path;
    if (node.target.startsWith("/")) names.length = 0;
    rest.unshift(...node.target.split("/"));
  }
  return names.join("/");
}

/** Elements that are needed to build it, and have the file. */
function unused(seen: SeenFiles, element: Element, path: string): Element[] {
  return dependencies(element, "all").filter((each) => each !== element && leavesOf(seen, each)?.has(path));
}
