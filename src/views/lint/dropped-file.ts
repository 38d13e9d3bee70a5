/** The rule on files that a compose left out, and that what is made of it needs: as a link's target, or by name. */
import type { Element } from "../../project/element.ts";
import { assemblyCalls } from "../assembly.ts";
import { contentOf, domainText, droppedBy, filesIn, missingOf } from "../contents.ts";
import { contributors, type LintImage, locatedDependencies, madeOf, staged } from "../images.ts";
import { type Place, placeOf } from "../place.ts";
import { allCalls } from "../scripts.ts";
import { writtenBy } from "../written-paths.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";

/** Programs to which it is no matter whether a file is there. */
const MAKERS = new Set(["mkdir", "touch", "rm"]);
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const droppedFiles: Rule = {
  id: "dropped-file",
  summary: "A file that a compose left out is needed by what is made of it: as a link's target, or by name",
  *check(context): Generator<Finding | Unchecked> {
    for (const compose of context.elements) {
      if (compose.kind !== "compose") continue;
      const parts = madeOf(compose);
      const absent = missingOf(context, [compose, ...parts]);
      if (absent.length > 0) {
        yield { rule: this.id, element: compose, missing: absent };
        continue;
      }
      const dropped = droppedBy(context, compose, parts);
      if (dropped.size === 0) continue;
      const report = (element: Element, place: Place, path: string, who: string): Finding => {
        const part = dropped.get(path);
        const origin = part && installerOf(context, part, path);
        const domain = part === undefined ? "" : domainText(context, part, path);
        return {
          rule: this.id,
          severity: "warning",
          element,
          place,
          message: `${who} needs /${path} of ${origin?.fullName}, which ${compose.fullName} leaves out (${domain})`,
          advice: "Keep the domain, or move the file to another by 'public: bst: split-rules:' of its element",
        };
      };
      const kept = contentOf(context, compose) ?? new Map();
      const links = [...kept].flatMap(([path, node]) => {
        const target = node.kind === "symlink" ? targetOf(path, node.target) : undefined;
        return target !== undefined && dropped.has(target) ? [{ path, target }] : [];
      });
      const [first] = links;
      if (first !== undefined) {
        const more = links.length > 1 ? ` and ${links.length - 1} other links` : "";
        yield report(compose, placeOf(compose.node), first.target, `The link /${first.path}${more}`);
      }
      for (const image of context.images) {
        if (!contributors(image).has(compose)) continue;
        for (const { paths, place } of started(image)) {
          const path = paths.find((each) => dropped.has(each));
          if (path === undefined || paths.some((each) => isInImage(context, image, each))) continue;
          yield report(image.element, place, path, "The command of the image");
        }
      }
      for (const user of context.elements) {
        for (const { path, place, who } of touched(user, compose)) {
          if (dropped.has(path) && !isStaged(context, user, path)) yield report(user, place, path, who);
        }
      }
    }
  },
};

/** Of what an element is made of, what installs a path. */
function installerOf(context: LintContext, element: Element, path: string): Element {
  const below = madeOf(element).findLast((each) => contentOf(context, each)?.has(path));
  return below === undefined ? element : installerOf(context, below, path);
}

function targetOf(path: string, target: string): string {
  const names: string[] = [];
  const start = target.startsWith("/") ? "" : path.slice(0, path.lastIndexOf("/") + 1);
  for (const name of `${start}${target}`.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** Paths that the command of an image names, and of a program without a folder, all those where it is looked for. */
function* started({ start: { words, environment } }: LintImage): Generator<{ paths: string[]; place: Place }> {
  for (const [i, { text, place }] of words.entries()) {
    // What a shell is to run is a word as well.
    for (const word of text.split(/\s+/)) if (word.startsWith("/")) yield { paths: [word.slice(1)], place };
    if (i > 0 || !/^[^/\s]+$/.test(text)) continue;
    const path = environment.find((each) => each.startsWith("PATH="))?.slice("PATH=".length) ?? PATH;
    yield { paths: path.split(":").map((folder) => `${folder.replace(/^\/|\/$/g, "")}/${text}`), place };
  }
}

/** Whether an image has a path from elsewhere, or may have it from a parent that is not in the cache. */
function isInImage(context: LintContext, image: LintImage, path: string): boolean {
  const root = context.root(image);
  if (root !== undefined) return filesIn(context.cas, root).has(path);
  // What its parents have, only they know.
  if (image.adds && image.parents.length > 0) return true;
  return staged(image.layers.map((layer) => layer.root)).some((each) => contentOf(context, each)?.has(path) === true);
}

function isStaged(context: LintContext, script: Element, path: string): boolean {
  return staged(script.buildDependencies).some((each) => contentOf(context, each)?.has(path) === true);
}

/** Paths within a compose that the commands of a script name that is made of it, and those of initial scripts. */
function touched(script: Element, compose: Element) {
  if (script.kind !== "script") return [];
  const folders = locationsOf(script, compose);
  if (folders.length === 0) return [];
  const calls = assemblyCalls(script, allCalls(script), folders);
  // Whoever asks first can do without.
  const asked = new Set(calls.flatMap(({ program, paths }) => (/^(?:\[+|test)$/.test(program) ? paths.flat() : [])));
  return calls.flatMap((call) => {
    const { program, place, paths, command } = call;
    if (MAKERS.has(program)) return [];
    const written = writtenBy(call);
    const read = [...command, ...paths.flat()].filter((path) => !written.includes(path) && !asked.has(path));
    return read.flatMap((path) => {
      const folder = folders.find((each) => path.startsWith(each === "/" ? each : `${each}/`));
      if (folder === undefined) return [];
      return [{ path: path.slice(folder === "/" ? 1 : folder.length + 1), place, who: `The command ${program}` }];
    });
  });
}

/** Where a script has what is made of a compose. */
function locationsOf(script: Element, compose: Element): string[] {
  const isMade = (root: Element) =>
    contributors({ layers: [{ root, node: root.node, location: undefined }] }).has(compose);
  const located = locatedDependencies(script);
  const found = located.flatMap(({ element, location }) => (isMade(element) ? [location] : []));
  const isAtRoot = script.buildDependencies.some(
    (each) => !located.some(({ element }) => element === each) && isMade(each),
  );
  return isAtRoot ? [...found, "/"] : found;
}
