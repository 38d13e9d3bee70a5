/** Follows a path from an element to where it comes from, or to the step that dropped it. */
import { overlapWhitelist, splitFilter } from "../../artifact/splits.ts";
import { sameNode } from "../../cas/diff.ts";
import type { FileNode, TreeNode } from "../../cas/directory.ts";
import type { Element } from "../../project/element.ts";
import { assemblyCalls } from "../assembly.ts";
import { contentOf, domainText, leavesOf, nodeAt, selectionOf, some, splitRules } from "../contents.ts";
import type { SeenFiles } from "../image-files.ts";
import { imageOf, installRoot, type LintImage, locatedDependencies, madeOf, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import { allCalls, integrationCalls, type PlacedCall } from "../scripts.ts";
import { making, removing, renaming, textOf } from "./commands.ts";
import type { Step, Way } from "./step.ts";

/** Something that an element is made of, and what a path of the element is called in it. */
interface Part {
  readonly element: Element;
  readonly path: string;
  /** Where it is staged; what is staged elsewhere is in nobody's way. */
  readonly at: string;
}

/** Where parents are. */
const BELOW = "below";

export class Tracer {
  /** Elements whose artifacts are not in the cache, but should have been looked into. */
  readonly missing = new Set<Element>();
  readonly #seen: SeenFiles;
  readonly #ways = new Map<string, Way>();
  readonly #paths = new Map<Element, ReadonlyMap<string, readonly string[]>>();
  readonly #commands = new Map<Element, readonly PlacedCall[]>();
  readonly #images = new Map<Element, LintImage | undefined>();

  constructor(seen: SeenFiles) {
    this.#seen = seen;
  }

  /** @param path relative to the root */
  trace(element: Element, path: string): Way {
    const id = `${element.fullName}\0${path}`;
    let way = this.#ways.get(id);
    if (way === undefined) {
      way = this.#follow(element, path);
      this.#ways.set(id, way);
    }
    return way;
  }

  /** What an element has at a path; nothing where it has no artifact. */
  #nodeAt(element: Element, path: string): TreeNode | undefined {
    return this.#isCached(element) ? nodeAt(this.#seen, element, path) : undefined;
  }

  #isCached(element: Element): boolean {
    if (!element.hasArtifact) return false;
    const isCached = leavesOf(this.#seen, element) !== undefined;
    if (!isCached) this.missing.add(element);
    return isCached;
  }

  #follow(element: Element, path: string): Way {
    const parts = this.#partsOf(element, path);
    if (element.hasArtifact && !this.#isCached(element)) {
      const step: Step = { element, outcome: "unknown", text: "its artifact is not in the cache" };
      return { isThere: undefined, steps: [...this.#bestOf(parts, element), step] };
    }
    const node = this.#nodeAt(element, path);
    if (parts === undefined) {
      return node === undefined
        ? { isThere: false, steps: [] }
        : { isThere: true, steps: [this.#installed(element, path, node)] };
    }
    const providers = parts.filter((part) => this.#nodeAt(part.element, part.path) !== undefined);
    // A folder stays where the files in it were left out.
    const kept = node?.kind === "directory" ? providers : providers.filter((part) => this.#takes(element, part));
    const winner = kept.at(-1);
    const isThere = element.hasArtifact ? node !== undefined : winner !== undefined;
    if (!isThere) return { isThere, steps: this.#lost(element, path, parts, providers, winner) };
    if (winner === undefined) return { isThere, steps: this.#made(element, path, parts, node) };
    const before = this.trace(winner.element, winner.path).steps;
    const theirs = this.#nodeAt(winner.element, winner.path);
    const isSame = node === undefined || (theirs !== undefined && isAlike(node, theirs));
    const steps: Step[] = [...before];
    for (const under of kept.slice(0, -1)) {
      if (under.at === BELOW) {
        const below = this.#nodeAt(under.element, under.path);
        if (theirs !== undefined && below !== undefined && isAlike(theirs, below)) continue;
        const text = `it stands over that of the parent, ${under.element.fullName}`;
        steps.push({ element: winner.element, outcome: "replaces", text });
      }
      if (under.at !== winner.at || theirs?.kind === "directory") continue;
      const isListed = overlapWhitelist(this.#seen.publicData(winner.element))(winner.path);
      const why = isListed ? "as its overlap-whitelist allows" : "and no whitelist allows it";
      const text = `it stands over that of ${under.element.fullName}, which is staged before it, ${why}`;
      steps.push({ element: winner.element, outcome: "replaces", text });
    }
    if (isSame) steps.push({ element, outcome: "keeps", text: this.#keeping(element) });
    else {
      const { call } = this.#making(element, path, parts, node);
      const text = this.#byCommand(changed(theirs, node), element, call);
      steps.push({ element, outcome: "changes", text, ...(call && { place: call.place }) });
    }
    return { isThere, steps };
  }

  /** What an element is made of, the lowest first; undefined where it installs files of its own. */
  #partsOf(element: Element, path: string): Part[] | undefined {
    if (!element.hasArtifact)
      return staged([element]).flatMap((each) => (each === element ? [] : [{ element: each, path, at: "" }]));
    if (element.kind === "compose" || element.kind === "filter")
      return this.#isImported(element) ? undefined : madeOf(element).map((each) => ({ element: each, path, at: "" }));
    const image = this.#image(element);
    if (image !== undefined) {
      const below = image.adds ? image.parents : [];
      const layers = new Map(image.layers.map(({ location = "" }) => [location, [] as Element[]]));
      for (const { root, location = "" } of image.layers) layers.get(location)?.push(root);
      return [
        ...below.map((parent) => ({ element: parent.element, path, at: BELOW })),
        ...[...layers].flatMap(([at, roots]) => staged(roots).map((each) => ({ element: each, path, at }))),
      ];
    }
    if (element.kind !== "script") return undefined;
    const root = installRoot(element);
    const absolute = root === "/" ? `/${path}` : `${root}/${path}`;
    return locatedDependencies(element).flatMap(({ element: root, location }) =>
      absolute.startsWith(`${location}/`)
        ? staged([root]).map((each) => ({ element: each, path: absolute.slice(location.length + 1), at: location }))
        : [],
    );
  }

  #image(element: Element): LintImage | undefined {
    if (!this.#images.has(element)) this.#images.set(element, imageOf(element, this.#seen.indexOf(element)));
    return this.#images.get(element);
  }

  /** Whether it is an image that somebody else made. */
  #isImported(element: Element): boolean {
    return this.#seen.isImage(element) && this.#image(element) === undefined;
  }

  #takes(element: Element, part: Part): boolean {
    if (element.kind !== "compose" && element.kind !== "filter") return true;
    return splitFilter(splitRules(this.#seen, part.element), selectionOf(element))?.(part.path) ?? true;
  }

  #installed(element: Element, path: string, node: TreeNode): Step {
    const what = described(node);
    const place = placeOf(element.node);
    if (this.#isImported(element)) {
      const text = `its image has /${path}: ${what}`;
      return { element, outcome: "installs", text, shared: "its image has them", place };
    }
    const named = domainText(this.#seen, element, path);
    const domain = named === "no domain" ? named : `domain ${named}`;
    const text = `it installs /${path}: ${what}, of ${domain}`;
    return { element, outcome: "installs", text, shared: `it installs them, of ${domain}`, place };
  }

  #keeping(element: Element): string {
    if (!element.hasArtifact) return "it stands for that";
    if (this.#seen.isImage(element)) return "it is in the image";
    return element.kind === "compose" || element.kind === "filter" ? "it takes it" : "its commands leave it as it is";
  }

  #made(element: Element, path: string, parts: readonly Part[], node: TreeNode | undefined): Step[] {
    if (element.kind === "oci") {
      const text = "it is in the image, of a part that is not in the cache";
      return [{ element, outcome: "unknown", text }];
    }
    const { call, original } = this.#making(element, path, parts, node);
    if (original === undefined) {
      const text = this.#byCommand("it is made", element, call);
      return [{ element, outcome: "makes", text, ...(call && { place: call.place }) }];
    }
    const text = this.#byCommand(`it is made of /${original.path}`, element, call);
    const shared = this.#byCommand("they are made of files that were elsewhere", element, call);
    const step: Step = { element, outcome: "makes", text, shared, ...(call && { place: call.place }) };
    return [...this.trace(original.element, original.path).steps, step];
  }

  /** The command that made a path what it is, and the file that it made it of. */
  #making(element: Element, path: string, parts: readonly Part[], node: TreeNode | undefined) {
    const [calls, locations] = [this.#calls(element), this.#locations(element, parts)];
    const copies = node?.kind === "file" && node.digest.size > 0 ? this.#copiesOf(parts, path, node) : [];
    for (const original of copies) {
      const call = renaming(calls, original.path, path, locations);
      if (call !== undefined) return { call, original };
    }
    const name = path.slice(path.lastIndexOf("/") + 1);
    const original = copies.find((copy) => copy.path.endsWith(`/${name}`));
    return { call: making(calls, path, locations, original?.path), original };
  }

  /** The files of an element by their content. */
  #pathsIn(element: Element): ReadonlyMap<string, readonly string[]> {
    const known = this.#paths.get(element);
    if (known !== undefined) return known;
    const found = new Map<string, string[]>();
    const content = this.#isCached(element) ? contentOf(this.#seen, element) : undefined;
    for (const [path, node] of content ?? []) {
      if (node.kind !== "file") continue;
      const same = found.get(node.digest.hash);
      if (same === undefined) found.set(node.digest.hash, [path]);
      else same.push(path);
    }
    this.#paths.set(element, found);
    return found;
  }

  /** Files of the same content somewhere else, which can have been moved or copied: those with most of the path first. */
  #copiesOf(parts: readonly Part[], path: string, node: FileNode): Part[] {
    const found: Part[] = [];
    for (const element of new Set(parts.toReversed().map((part) => part.element))) {
      const same = this.#pathsIn(element).get(node.digest.hash) ?? [];
      for (const other of same) if (other !== path) found.push({ element, path: other, at: "" });
    }
    return found.sort((a, b) => sharedEnd(b.path, path) - sharedEnd(a.path, path));
  }

  #lost(
    element: Element,
    path: string,
    parts: readonly Part[],
    providers: readonly Part[],
    winner: Part | undefined,
  ): Step[] {
    if (winner !== undefined) {
      const call = removing(this.#calls(element), path, this.#locations(element, parts));
      const step: Step = {
        element,
        outcome: "removes",
        text: this.#byCommand("it is removed", element, call),
        ...(call && { place: call.place }),
      };
      return [...this.trace(winner.element, winner.path).steps, step];
    }
    const dropped = providers.at(-1);
    if (dropped !== undefined)
      return [...this.trace(dropped.element, dropped.path).steps, this.#leavesOut(element, dropped)];
    const taken = this.#takenAway(element, path);
    const below = taken.length > 0 ? [] : (this.#image(element)?.parents ?? []);
    // What its layers never had, a parent can have lost.
    const before = this.#bestOf(
      [...below.map((each) => ({ element: each.element, path, at: BELOW })), ...parts],
      element,
    );
    if (taken.length > 0 || before.length === 0) return [...before, ...taken];
    return [...before, { element, outcome: "lacks", text: "so it does not get it" }];
  }

  /** The way of a file that a parent has and the layers of an image lack. */
  #takenAway(element: Element, path: string): readonly Step[] {
    const image = this.#image(element);
    const parent = image?.parents.find((each) => this.#nodeAt(each.element, path) !== undefined)?.element;
    if (image === undefined || parent === undefined || image.adds) return [];
    const names = some(image.layers.map(({ root }) => root.fullName));
    const text = `its layer takes it away from that of the parent, ${parent.fullName}, as it is not in ${names}`;
    const node = image.layers[0]?.node;
    const step: Step = { element, outcome: "removes", text, ...(node && { place: placeOf(node) }) };
    return [...this.trace(parent, path).steps, step];
  }

  /** The way of a path that none of the parts has, in the one that lost it. */
  #bestOf(parts: readonly Part[] | undefined, element: Element): readonly Step[] {
    for (const part of parts?.toReversed() ?? []) {
      if (part.element === element) continue;
      const { steps } = this.trace(part.element, part.path);
      if (steps.some(({ outcome }) => outcome !== "unknown")) return steps;
    }
    return [];
  }

  #leavesOut(element: Element, { element: part, path }: Part): Step {
    const { include, exclude, orphans } = selectionOf(element);
    const domains = domainText(this.#seen, part, path).split(", ");
    const excluded = exclude.find((domain) => domains.includes(domain));
    const list = element.config.sequence(excluded === undefined ? "include" : "exclude");
    const node = list?.scalars().find(({ value }) => value === excluded) ?? list ?? element.node;
    const why =
      excluded !== undefined
        ? `it leaves out the domain ${excluded}`
        : domains.includes("no domain") && !orphans
          ? "it leaves out what is of no domain"
          : `it takes only ${include.join(", ")}, and the file is of ${domains.join(", ")}`;
    return { element, outcome: "leaves-out", text: why, place: placeOf(node.isSynthetic ? element.node : node) };
  }

  /** The commands that can have changed what an element is made of. */
  #calls(element: Element): readonly PlacedCall[] {
    const known = this.#commands.get(element) ?? this.#readCalls(element);
    this.#commands.set(element, known);
    return known;
  }

  #readCalls(element: Element): readonly PlacedCall[] {
    // As declared: what artifacts have of it has no place in a file of the project.
    if (element.kind === "script") {
      const folders = this.#image(element)?.folders ?? [installRoot(element)];
      return assemblyCalls(element, allCalls(element), folders);
    }
    if (element.kind !== "compose" || element.config.bool("integrate") === false) return [];
    return madeOf(element).flatMap((each) => integrationCalls(each.publicData));
  }

  /** Where the root of the element's files is while its commands run. */
  #locations(element: Element, parts: readonly Part[]): string[] {
    if (element.kind !== "script") return ["/"];
    const located = locatedDependencies(element).map(({ location }) => location);
    return parts.length === 0 || this.#image(element) === undefined ? [installRoot(element), ...located] : located;
  }

  #byCommand(what: string, element: Element, call: PlacedCall | undefined): string {
    const kind = element.kind === "compose" ? "an integration command" : "its commands";
    if (call !== undefined) return `${what} by ${kind === "its commands" ? "the command" : kind} '${textOf(call)}'`;
    if (element.kind !== "compose") return `${what} by ${kind}`;
    const having = madeOf(element).filter((each) => integrationCalls(this.#seen.publicData(each)).length > 0);
    const names = having.map(({ fullName }) => fullName);
    return names.length === 0 ? what : `${what} by ${kind} of one of: ${some(names, 5)}`;
  }
}

function described(node: TreeNode): string {
  switch (node.kind) {
    case "file":
      return `${node.digest.size} bytes`;
    case "symlink":
      return `a link to ${node.target}`;
    case "directory":
      return node.digest.size === 0 ? "an empty folder" : "a folder";
  }
}

/** Folders are alike, whatever is in them. */
function isAlike(one: TreeNode, other: TreeNode): boolean {
  return (one.kind === "directory" && other.kind === "directory") || sameNode(one, other);
}

function changed(before: TreeNode | undefined, now: TreeNode | undefined): string {
  if (now === undefined || before?.kind !== now.kind) {
    const what = now === undefined ? "something else" : now.kind === "file" ? "a file" : described(now);
    return `${what} takes the place of ${before?.kind === "directory" ? "the folder" : "it"}`;
  }
  if (now.kind === "symlink") return "it is made to lead elsewhere";
  const isModeAlone = now.kind === "file" && before.kind === "file" && now.digest.hash === before.digest.hash;
  if (!isModeAlone) return "its content is changed";
  return `its executable bit is ${now.executable ? "set" : "cleared"}`;
}

/** How many names two paths have alike at their ends. */
function sharedEnd(one: string, other: string): number {
  const [a, b] = [one.split("/").reverse(), other.split("/").reverse()];
  const end = a.findIndex((name, i) => name !== b[i]);
  return end === -1 ? a.length : end;
}
