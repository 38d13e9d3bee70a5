/** Rules on scripts that assemble images: what has to be done to the files before `build-oci`, and in which order. */

import type { Element } from "../../project/element.ts";
import { assemblyCalls } from "../assembly.ts";
import { contentOf, filesIn, missingOf } from "../contents.ts";
import { contributors, type LintImage, staged } from "../images.ts";
import { placeOf } from "../place.ts";
import { allCalls, integrationCalls, type PlacedCall } from "../scripts.ts";
import { sourcesOf, writtenBy } from "../written-paths.ts";
import { BUILD, DCONF, does, isWithin, LDCONFIG, MERGE, makesWith, REMOVE, type Step } from "./assembly-steps.ts";
import { type Finding, type LintContext, type Rule, type Unchecked, warningAt } from "./finding.ts";
import type { RuleId } from "./rule-ids.ts";

/** `libx.so`, `libx.so.1`, and what a pattern of them may be. */
const LIBRARY = /\.so(?:\.(?:\d|\*).*)?$/;
const LIBRARY_FOLDER = /(?:^|\/)lib(?:32|64)?(?:\/[\w]+-[\w]+-[\w-]+)?$/;
const ORDER = "The order is: merge /usr/etc into /etc, dconf update, ldconfig, build-oci";

export const usrEtcLeft = missing("usr-etc-left", "An image has /usr/etc beside /etc", REMOVE, {
  path: (path) => path.startsWith("usr/etc/"),
  hint: (element) => /\/usr\/etc\b/.test(element.variable("sysconfdir") ?? "") || mentions(element, /\/usr\/etc\b/),
  message: "/usr/etc is in the layer, and nothing merges it into /etc",
  half: { step: MERGE, message: "It leaves /usr/etc where it is, beside /etc" },
  advice: "Merge it before build-oci: cp -a LAYER/usr/etc/. LAYER/etc && rm -r LAYER/usr/etc",
});
export const ldconfigMissing = missing(
  "ldconfig-missing",
  "An image has libraries, and no cache of where they are",
  LDCONFIG,
  {
    // Where neither is, only the folders count that the loader knows by itself.
    path: (path) => /^etc\/ld\.so\.conf|^(?:usr\/)?s?bin\/ldconfig$/.test(path),
    result: (path) => path === "etc/ld.so.cache",
    hint: () => true,
    message: "Nothing runs ldconfig over the layer: libraries may not be found where the image runs",
    advice: "Run ldconfig -r LAYER in the script that makes the layer or the image, when all is installed",
  },
);
export const dconfMissing = missing("dconf-missing", "An image has dconf keyfiles that are not compiled", DCONF, {
  path: (path) => /^(?:usr\/)?(?:etc|share)\/dconf\/db\/[^/]+\.d\//.test(path),
  result: (path) => /^(?:usr\/)?(?:etc|share)\/dconf\/db\/[^/.]+$/.test(path),
  hint: (element) => /(?:^|\/)dconf\b/.test(element.name) || mentions(element, /\/dconf\/db\/\w+\.d\b/),
  message: "Nothing runs dconf update: what dconf keyfiles in the layer say has no effect",
  advice: "Run dconf update LAYER/etc/dconf/db before ldconfig and build-oci",
});

export const usrEtcLate = ordered("usr-etc-late", "/usr/etc is merged after dconf update or build-oci", MERGE, [
  BUILD,
  DCONF,
]);
export const dconfLate = ordered("dconf-late", "dconf update runs after ldconfig or build-oci", DCONF, [
  BUILD,
  LDCONFIG,
]);
export const ldconfigLate = ordered("ldconfig-late", "ldconfig runs after build-oci", LDCONFIG, [BUILD]);

/** Libraries that come later are not in what ldconfig writes. */
export const ldconfigEarly: Rule = {
  id: "ldconfig-early",
  summary: "Libraries are installed after ldconfig",
  *check({ images }) {
    for (const image of images) {
      const { element, folders } = image;
      const calls = assemblyCalls(element, image.calls, folders);
      const last = calls.findLast((call) => does(LDCONFIG, call, folders));
      const built = calls.find(BUILD.is);
      if (last === undefined || built === undefined) continue;
      const late = calls.find(
        (call) =>
          call.order > last.order &&
          call.order < built.order &&
          installedLibraries(call).some((path) => isWithin(path, folders)),
      );
      if (late === undefined) continue;
      yield {
        ...warningAt(this, element, late),
        message: `${late.program} installs libraries after ldconfig`,
        advice: ORDER,
      };
    }
  },
};

/** Where a call puts libraries, as far as names tell. */
function installedLibraries(call: PlacedCall): string[] {
  // What is in a folder or an archive, nobody can tell.
  const isWhole =
    /^(?:tar|unzip|rsync)$/.test(call.program) ||
    call.words.some((word) => /^-[A-Za-z]*[aRr]|^--(?:re|ar)c/.test(word));
  const brings = isWhole || sourcesOf(call).some((path) => LIBRARY.test(path) || path.endsWith("*"));
  return writtenBy(call).filter((path) => LIBRARY.test(path) || (brings && LIBRARY_FOLDER.test(path)));
}

/** What must come before something else. */
function ordered(id: RuleId, summary: string, step: Step, others: readonly Step[]): Rule {
  return {
    id,
    summary,
    *check({ images }) {
      for (const image of images) {
        const { element, folders } = image;
        const calls = assemblyCalls(element, image.calls, folders);
        const first = calls.find((call) => does(step, call, folders));
        if (first === undefined) continue;
        for (const other of others) {
          const before = calls.find((call) => does(other, call, folders));
          // Done once in time and once more is no mistake.
          if (before === undefined || first.order < before.order) continue;
          const has = other === BUILD ? "has no effect on the image" : "comes too late";
          yield {
            ...warningAt(this, element, first),
            severity: other === BUILD ? "error" : "warning",
            message: `${first.program} runs after ${before.program}, and ${has}`,
            advice: ORDER,
          } satisfies Finding;
          break;
        }
      }
    },
  };
}

interface Need {
  /** Files of a layer that make it necessary. */
  readonly path: (path: string) => boolean;
  /** Files that are there where it is done already. */
  readonly result?: (path: string) => boolean;
  /** Whether an element is likely to bring such files. */
  readonly hint: (element: Element) => boolean;
  readonly message: string;
  /** What does not do all of it, and what is to be said of that. */
  readonly half?: { readonly step: Step; readonly message: string };
  readonly advice: string;
}

/** What must be done at all, unless no file of the image needs it. */
function missing(id: RuleId, summary: string, step: Step, need: Need): Rule {
  return {
    id,
    summary,
    *check(context): Generator<Finding | Unchecked> {
      for (const image of context.images) {
        const { element, layers, folders } = image;
        const calls = assemblyCalls(element, image.calls, folders);
        const parts = [...contributors(image)];
        // Of a stack of nothing another rule tells.
        if (!parts.some(({ hasArtifact }) => hasArtifact)) continue;
        if (isDone(context, image, calls, parts, step)) continue;
        const half = calls.find((call) => need.half !== undefined && does(need.half.step, call, folders));
        const [layer] = layers;
        const place = (half ?? calls.find(BUILD.is))?.place ?? (layer && placeOf(layer.node));
        if (place === undefined) continue;
        const message = (half && need.half?.message) ?? need.message;
        const found = { rule: id, severity: "warning", element, place, message, advice: need.advice } as const;
        const files = filesOf(context, image);
        if (files === undefined) {
          const source =
            calls.length > 0 ? parts.find((each) => context.elements.includes(each) && need.hint(each)) : undefined;
          if (half !== undefined) yield found;
          else if (source !== undefined)
            yield { ...found, message: `${need.message} (as ${source.fullName} suggests)` };
          else yield { rule: id, element, missing: missingOf(context, stagedIn(image)) };
        } else if (files.own.some(need.path) && (need.result === undefined || !files.all.some(need.result))) {
          yield found;
        }
      }
    },
  };
}

/** Of an image in the cache its files tell, and else what is called. */
function isDone(
  context: LintContext,
  image: LintImage,
  calls: readonly PlacedCall[],
  parts: readonly Element[],
  step: Step,
): boolean {
  const { folders } = image;
  if (step !== REMOVE || context.root(image) === undefined) {
    if (calls.some((call) => does(step, call, folders)) || parts.some((each) => makesWith(step, each))) return true;
  }
  // What comes too late, another rule tells.
  const built = calls.find(BUILD.is);
  if (built !== undefined && calls.some((call) => call.order > built.order && does(step, call, folders))) return true;
  return step.integrates && isIntegrated(context, parts, step);
}

/** Paths in an image, or where it is not in the cache, in its layers as they are staged; which of them its layers bring. */
function filesOf(context: LintContext, image: LintImage) {
  const parts = stagedIn(image);
  const layers =
    missingOf(context, parts).length === 0
      ? parts.flatMap((part) => [...(contentOf(context, part)?.keys() ?? [])])
      : undefined;
  const root = context.root(image);
  if (root === undefined) return layers && { own: layers, all: layers };
  const files = filesIn(context.cas, root);
  const all = [...files.keys()];
  if (!image.adds) return { own: all, all };
  return layers && { own: layers.filter((path) => files.has(path)), all };
}

function stagedIn({ layers }: LintImage): Element[] {
  return staged(layers.map(({ root }) => root)).filter(({ hasArtifact }) => hasArtifact);
}

/** Whether a compose on the way runs integration commands that do it. */
function isIntegrated(context: LintContext, parts: readonly Element[], step: Step): boolean {
  const integrates = parts.some(({ kind, config }) => kind === "compose" && config.bool("integrate") !== false);
  return integrates && parts.some((each) => integrationCalls(context.publicData(each)).some(step.is));
}

function mentions(element: Element, pattern: RegExp): boolean {
  return allCalls(element).some(({ words }) => words.some((word) => pattern.test(word)));
}
