/** Rules on scripts that assemble images: what has to be done to the files before `build-oci`, and in which order. */

import type { Element } from "../../project/element.ts";
import { contentOf, missingOf } from "../contents.ts";
import { contributors } from "../images.ts";
import { placeOf } from "../place.ts";
import { allCalls, integrationCalls, type PlacedCall } from "../scripts.ts";
import type { Finding, LintContext, Rule, Unchecked } from "./finding.ts";
import type { RuleId } from "./rule-ids.ts";

const MOVERS = new Set(["mv", "cp", "rsync", "tar", "rm", "ln", "install"]);

interface Step {
  readonly is: (call: PlacedCall) => boolean;
  /** Whether integration commands can have done it. */
  readonly integrates: boolean;
}

const MERGE: Step = {
  is: ({ program, words }) => MOVERS.has(program) && words.some((word) => /\/?usr\/etc\b/.test(word)),
  integrates: false,
};
const DCONF: Step = { is: ({ program, words }) => program === "dconf" && words.includes("update"), integrates: true };
const LDCONFIG: Step = { is: ({ program }) => program === "ldconfig", integrates: true };
const BUILD: Step = { is: ({ program }) => program === "build-oci", integrates: false };

const ORDER = "The order is: merge /usr/etc into /etc, dconf update, ldconfig, build-oci";

export const usrEtcLeft = missing("usr-etc-left", "An image has /usr/etc beside /etc", MERGE, {
  path: (path) => path.startsWith("usr/etc/"),
  hint: (element) => /\/usr\/etc\b/.test(element.variable("sysconfdir") ?? "") || mentions(element, /\/usr\/etc\b/),
  message: "/usr/etc is in the layer, and nothing merges it into /etc",
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
  hint: ({ name }) => /(?:^|\/)dconf\b/.test(name),
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
    for (const { element, calls, layers } of images) {
      const last = calls.findLast(LDCONFIG.is);
      const built = calls.find(BUILD.is);
      if (last === undefined || built === undefined) continue;
      const roots = layers.flatMap(({ location }) => (location === undefined ? [] : [location]));
      const late = calls.find(
        ({ program, words, order }) =>
          order > last.order &&
          order < built.order &&
          MOVERS.has(program) &&
          program !== "rm" &&
          roots.some((root) => words.at(-1)?.startsWith(`${root}/`)) &&
          words.some((word) => /\/lib(?:32|64)?(?:\/|$)|\.so\b/.test(word)),
      );
      if (late === undefined) continue;
      yield {
        ...finding(this, element, late),
        message: `${late.program} installs libraries after ldconfig`,
        advice: ORDER,
      };
    }
  },
};

function finding({ id: rule }: Rule, element: Element, { place }: Pick<PlacedCall, "place">) {
  return { rule, severity: "warning", element, place } as const;
}

/** What must come before something else. */
function ordered(id: RuleId, summary: string, step: Step, others: readonly Step[]): Rule {
  return {
    id,
    summary,
    *check({ images }) {
      for (const { element, calls } of images) {
        const mine = calls.filter(step.is);
        const first = mine[0];
        if (first === undefined) continue;
        for (const other of others) {
          const before = calls.find(other.is);
          // Done once in time and once more is no mistake.
          if (before === undefined || first.order < before.order) continue;
          const has = other === BUILD ? "has no effect on the image" : "comes too late";
          yield {
            ...finding(this, element, first),
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
  readonly advice: string;
}

/** What must be done at all, unless no file of the layers needs it. */
function missing(id: RuleId, summary: string, step: Step, need: Need): Rule {
  return {
    id,
    summary,
    *check(context): Generator<Finding | Unchecked> {
      for (const image of context.images) {
        const { element, calls, layers } = image;
        const isScript = calls.length > 0;
        if (layers.length === 0 || calls.some(step.is)) continue;
        const parts = [...contributors(image)];
        // Of a stack of nothing another rule tells.
        if (!parts.some(({ hasArtifact }) => hasArtifact)) continue;
        if (step.integrates && isIntegrated(context, parts, step)) continue;
        if (step !== MERGE && parts.some((each) => each.kind === "script" && allCalls(each).some(step.is))) continue;
        const roots = layers.map(({ root }) => root);
        const absent = missingOf(context, roots);
        const [layer] = layers;
        const builder = calls.find(BUILD.is);
        const place = builder?.place ?? (layer && placeOf(layer.node));
        if (place === undefined) continue;
        const found = { rule: id, element, place, message: need.message, advice: need.advice } as const;
        if (absent.length > 0 || roots.some(({ hasArtifact }) => !hasArtifact)) {
          const source = isScript
            ? parts.find((each) => context.elements.includes(each) && need.hint(each))
            : undefined;
          if (source !== undefined)
            yield { ...found, severity: "warning", message: `${need.message} (as ${source.fullName} suggests)` };
          else yield { rule: id, element, missing: absent };
          continue;
        }
        const paths = roots.flatMap((root) => [...(contentOf(context, root)?.keys() ?? [])]);
        if (!paths.some(need.path) || (need.result !== undefined && paths.some(need.result))) continue;
        yield { ...found, severity: "warning" };
      }
    },
  };
}

/** Whether a compose on the way runs integration commands that do it. */
function isIntegrated(context: LintContext, parts: readonly Element[], step: Step): boolean {
  const integrates = parts.some(({ kind, config }) => kind === "compose" && config.bool("integrate") !== false);
  return integrates && parts.some((each) => integrationCalls(context.publicData(each)).some(step.is));
}

function mentions(element: Element, pattern: RegExp): boolean {
  return allCalls(element).some(({ words }) => words.some((word) => pattern.test(word)));
}

/** Scripts of packages that nothing would run. */
export const initialScriptsNotRun: Rule = {
  id: "initial-scripts-not-run",
  summary: "Elements of an image have initial scripts, and nothing collects them for it",
  *check(context) {
    for (const image of context.images) {
      if (image.layers.length === 0) continue;
      const parts = contributors(image);
      const collectors = [image.element, ...parts].flatMap((each) => each.buildDependencies);
      if (collectors.some(({ kind }) => kind === "collect_initial_scripts")) continue;
      for (const part of parts) {
        const script = part.publicData.mapping("initial-script")?.scalar("script");
        if (script === undefined || !context.elements.includes(part)) continue;
        yield {
          ...finding(this, part, { place: placeOf(script) }),
          message: `Nothing runs its initial-script for ${image.element.fullName}`,
          advice:
            "Let the script that makes the layer depend on a collect_initial_scripts element, and run what that has",
        };
      }
    }
  },
};
