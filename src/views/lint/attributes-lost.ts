/** The rule on capabilities, setuid, setgid and sticky bits, which artifacts do not keep. */
import { dependencies, Visited } from "../../graph/scopes.ts";
import { declaredFor } from "../../oci/declared.ts";
import type { Element } from "../../project/element.ts";
import { installRoot, isScratch } from "../images.ts";
import { initialScriptCalls, ownCalls } from "../scripts.ts";
import type { Call } from "../shell.ts";
import { writtenBy } from "../written-paths.ts";
import { type Rule, warningAt } from "./finding.ts";

/** Of what has a mode, setuid, setgid and sticky. */
const SPECIAL_BITS = 0o7000;

export const attributesLost: Rule = {
  id: "attributes-lost",
  summary: "Commands set capabilities, setuid, setgid or sticky bits, which artifacts do not keep",
  *check({ elements }) {
    // What scripts run over the files of others, they run with their own environment.
    const visited = new Visited();
    const emulated = new Set(elements.filter(hasDatabase).flatMap((element) => dependencies(element, "all", visited)));
    // Modes that it gives its files, or initial scripts, get into an image that is made by bst-ts itself.
    const seen = new Visited();
    const served = new Set(elements.filter(servesBuildOci).flatMap((element) => dependencies(element, "all", seen)));
    for (const element of elements) {
      if (emulated.has(element)) continue;
      const own = ownCalls(element).filter((each) => !servesBuildOci(element) || setsCapabilities(each));
      const initial = initialScriptCalls(element.publicData).filter(
        (each) => !served.has(element) || setsCapabilities(each),
      );
      const call = [...own, ...initial].find(
        (each) =>
          (setsCapabilities(each) || setsMode(each)) && !isElsewhere(element, each) && !isDeclared(element, each),
      );
      if (call === undefined) continue;
      yield {
        ...warningAt(this, element, call),
        message: `What ${call.program} sets here is lost: of a file, artifacts keep the content and whether it is executable`,
        advice: "Declare it under 'public: oci: files:', or preload fakecap where oci-builder writes the image",
      };
    }
  },
};

/** Whether a library notes what commands set, and the tool that writes the image knows of it. */
function hasDatabase({ environment, kind }: Element): boolean {
  return kind !== "junction" && /fakecap|fakeroot/.test(environment["LD_PRELOAD"] ?? "");
}

function servesBuildOci({ kind, config }: Element): boolean {
  return kind === "script" && config.bool("build-oci") === true;
}

function setsCapabilities({ program, words }: Call): boolean {
  return program === "setcap" || (program === "setfattr" && words.some((word) => word.endsWith("security.capability")));
}

function setsMode({ program, words }: Call): boolean {
  const given = program === "install" || program === "mkdir" ? modeOptions(words) : program === "chmod" ? words : [];
  return given.some((word) => /^0?[1-7]\d{3}$/.test(word) || /(?:^|,)[ugoa]*[+=][rwx]*[st]/.test(word));
}

/** `-m 4755`, `-Dm4755`, `--mode=4755`, `--mode 4755`. */
function modeOptions(words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    const [, glued] = /^(?:-[A-Za-z]*?m|--mode=?)(.*)$/.exec(word) ?? [];
    return glued === undefined ? [] : [glued === "" ? (words[i + 1] ?? "") : glued];
  });
}

/** Whether the element declares the like for all the files that a call names. */
function isDeclared(element: Element, call: Call): boolean {
  const data = element.publicData.mapping("oci");
  if (data === undefined) return false;
  const isSaid = (path?: string) => {
    const { mode = 0, capabilities } = declaredFor(data, path);
    return setsCapabilities(call) ? capabilities !== undefined : (mode & SPECIAL_BITS) !== 0;
  };
  const paths = targets(element, call);
  // Of what only the shell knows, any will do.
  return paths.length === 0 || paths.some((path) => path.includes("*")) ? isSaid() : paths.every(isSaid);
}

/** Whether it is about what the element does not install. */
function isElsewhere(element: Element, call: Call): boolean {
  const named = filesOf(call);
  return named.length > 0 && named.every((path) => isScratch(element, path));
}

/** The paths in the artifact of what a call sets something of, without slashes at either end. */
function targets(element: Element, call: Call): string[] {
  const root = installRoot(element);
  return filesOf(call).map((path) => {
    const inside = path.startsWith(`${root}/`) ? path.slice(root.length) : path;
    return inside.replace(/^(?:\*\*)?\/+/, "");
  });
}

/** What a call sets something of. */
function filesOf(call: Call): string[] {
  const { program, operands, paths } = call;
  if (program === "install") return writtenBy(call);
  // The first word of others says what.
  const what = program === "mkdir" ? -1 : operands.findIndex((word) => !word.startsWith("-"));
  return paths.slice(what + 1).flat();
}
