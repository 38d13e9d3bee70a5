/** Which commands of an element can have made or removed a path. */
import { globPattern } from "../../base/glob.ts";
import type { PlacedCall } from "../scripts.ts";
import { ANYTHING } from "../shell-scope.ts";
import { sourcesOf, writtenBy } from "../written-paths.ts";

const REMOVERS = new Set(["rm", "rmdir", "unlink", "mv"]);
const MAKERS = new Set(["cp", "mv", "install", "ln", "rsync", "tar", "touch", "tee", "mkdir", "cat", "echo", "sed"]);

/** Which make nothing in a folder that they name. */
const FOLDER_MAKERS = new Set(["mkdir", "chmod", "chown", "rmdir"]);

/** Programs that are told a root, if anything, and what they make in it. */
const PRODUCTS: readonly (readonly [path: RegExp, program: string])[] = [
  [/^etc\/ld\.so\.cache$/, "ldconfig"],
  [/^etc\/dconf\/db\/[^/]+$/, "dconf"],
  [/^(usr\/)?lib\/modules\/[^/]+\/modules\./, "depmod"],
  [/\/hwdb\.bin$/, "systemd-hwdb"],
  [/\/gschemas\.compiled$/, "glib-compile-schemas"],
  [/\/giomodule\.cache$/, "gio-querymodules"],
  [/\/mime\/(mime\.cache|[^/]+\/[^/]+\.xml)$/, "update-mime-database"],
  [/\/mimeinfo\.cache$/, "update-desktop-database"],
  [/\/icon-theme\.cache$/, "gtk-update-icon-cache"],
  [/\/loaders\.cache$/, "gdk-pixbuf-query-loaders"],
];

/** Which only look, or go somewhere. */
const BYSTANDERS = new Set("[ basename cd dirname export find ls pushd readlink set stat test".split(" "));

/** Which copy what is elsewhere, under its own name where they are told of a folder. */
const COPIERS = new Set(["cp", "mv", "install", "rsync"]);

/** Whether one of some paths is a file, or else a folder above it, at any of these locations. */
function names(paths: readonly string[], path: string, locations: readonly string[]): "file" | "folder" | undefined {
  const found = new Set(paths.map((each) => naming(each, path, locations)));
  return found.has("file") ? "file" : found.has("folder") ? "folder" : undefined;
}

function naming(named: string, path: string, locations: readonly string[]): "file" | "folder" | undefined {
  // What can be anything tells nothing.
  if (named === ANYTHING) return undefined;
  let pattern: RegExp;
  try {
    pattern = new RegExp(`^(?:${globPattern(named)})$`, "u");
  } catch {
    return undefined;
  }
  let found: "folder" | undefined;
  for (const location of locations) {
    const absolute = `${location === "/" ? "" : location}/${path}`;
    if (pattern.test(absolute)) return "file";
    for (let end = absolute.lastIndexOf("/"); end > location.length; end = absolute.lastIndexOf("/", end - 1)) {
      if (pattern.test(absolute.slice(0, end))) found = "folder";
    }
  }
  return found;
}

function isSymbolicLink({ program, words }: PlacedCall): boolean {
  return program === "ln" && words.some((word) => /^-\w*s|^--symbolic$/.test(word));
}

export function removing(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
): PlacedCall | undefined {
  return calls.findLast((call) => {
    if (!REMOVERS.has(call.program)) return false;
    // What is moved there is not taken away.
    return names(call.program === "mv" ? sourcesOf(call) : call.paths.flat(), path, locations) !== undefined;
  });
}

/** Whether a call names both files, and so can have made one of the other under another name. */
export function renaming(calls: readonly PlacedCall[], original: string, path: string, locations: readonly string[]) {
  return calls.findLast(
    (call) =>
      !isSymbolicLink(call) &&
      names(sourcesOf(call), original, locations) === "file" &&
      names(writtenBy(call), path, locations) === "file",
  );
}

/** @param original the file of the same content elsewhere, which commands can have brought that name folders only */
export function making(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
  original?: string,
): PlacedCall | undefined {
  const product = PRODUCTS.find(([pattern]) => pattern.test(path));
  const producer = calls.findLast(({ program }) => program === product?.[1]);
  if (producer !== undefined && original === undefined) return producer;
  if (original !== undefined) {
    // A command that takes it away from there is more telling than one that names its new place, or a folder above.
    const taking = calls.filter(
      (call) => !isSymbolicLink(call) && names(sourcesOf(call), original, locations) !== undefined,
    );
    const both = taking.findLast((call) => names(writtenBy(call), path, locations) !== undefined) ?? taking.at(-1);
    if (both !== undefined) return both;
  }
  const telling = calls.flatMap((call) => {
    if (BYSTANDERS.has(call.program)) return [];
    const written = names(writtenBy(call), path, locations);
    const what = written ?? names(call.paths.flat(), path, locations);
    const isVain =
      FOLDER_MAKERS.has(call.program) || isSymbolicLink(call) || (original === undefined && COPIERS.has(call.program));
    return what === undefined || (what === "folder" && isVain) ? [] : [{ call, what, isWritten: written === "file" }];
  });
  const makers = telling.filter(({ call }) => MAKERS.has(call.program));
  const found =
    telling.findLast(({ isWritten }) => isWritten) ??
    makers.findLast(({ what }) => what === "file") ??
    makers.at(-1) ??
    telling.findLast(({ what }) => what === "file") ??
    telling.at(-1);
  return found?.call;
}

/** The call as it stands in the script, shortened. */
export function textOf(call: PlacedCall): string {
  const text = call.text.replaceAll("\n", " ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
