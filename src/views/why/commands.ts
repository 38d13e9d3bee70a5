/** Which commands of an element can have made or removed a path. */
import { globPattern } from "../../base/glob.ts";
import type { PlacedCall } from "../scripts.ts";
import { pathIn } from "../shell.ts";

const REMOVERS = new Set(["rm", "rmdir", "unlink", "mv", "truncate"]);
const MAKERS = new Set(["cp", "mv", "install", "ln", "rsync", "tar", "touch", "tee", "mkdir", "cat", "echo", "sed"]);

/** Which make nothing in a folder that they name. */
const FOLDER_MAKERS = new Set(["mkdir", "chmod", "chown", "rmdir"]);

/** Which change no file. */
const IDLE = new Set(["cd", "pushd", "popd", "test", "[", "ls", "find", "exit", "set", "true", "for"]);

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

/** Which copy what is elsewhere, under its own name where they are told of a folder. */
const COPIERS = new Set(["cp", "mv", "install", "rsync"]);

const VARIABLE = /\$(?:\{[^}]*\}|\w+)/g;

/** How near a command's words come to a path: they name the file itself, or a folder above it. */
type Nearness = "file" | "folder" | undefined;

/** Paths as commands see them, which may be at any of several locations. */
interface Target {
  readonly path: string;
  readonly locations: readonly string[];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function patternOf(glob: string): RegExp | undefined {
  try {
    // Variables stand for anything.
    return new RegExp(`^(?:${globPattern(glob.replace(VARIABLE, "**"))})$`, "u");
  } catch {
    return undefined;
  }
}

/** What a word names of the target. */
function nearness(call: PlacedCall, word: string, { path, locations }: Target): Nearness {
  const bare = word.replace(/^\d*>+/, "").replace(/\/\.?$/, "");
  const candidate = bare === "" ? undefined : pathIn(call, bare);
  // A variable alone can be anything, and tells nothing.
  if (candidate === undefined || candidate.replace(VARIABLE, "") === "") return undefined;
  const pattern = patternOf(candidate);
  if (pattern === undefined) return undefined;
  let found: Nearness;
  for (const location of locations) {
    const absolute = `${location === "/" ? "" : location}/${path}`;
    if (pattern.test(absolute)) return "file";
    for (let end = absolute.lastIndexOf("/"); end > location.length; end = absolute.lastIndexOf("/", end - 1)) {
      if (pattern.test(absolute.slice(0, end))) found = "folder";
    }
  }
  return found;
}

/** What all words of a call name of the target, or those of what gives it its files. */
function nearest(call: PlacedCall, target: Target, words = call.words): Nearness {
  const found = new Set(words.map((word) => nearness(call, word, target)));
  if (found.has("file")) return "file";
  if (found.has("folder")) return "folder";
  return call.from !== undefined && finds(call, call.from, target) ? "file" : undefined;
}

/** Whether `find` would come upon the target, as far as folders and names tell. */
function finds(call: PlacedCall, words: readonly string[], target: Target): boolean {
  const names = words.flatMap((word, i) => (/^-i?name$/.test(word) ? [words[i + 1] ?? ""] : []));
  const isNamed = names.length === 0 || names.some((glob) => patternOf(glob)?.test(nameOf(target.path)));
  return isNamed && words.some((word) => !word.startsWith("-") && nearness(call, word, target) !== undefined);
}

function isSymbolicLink({ program, words }: PlacedCall): boolean {
  return program === "ln" && words.some((word) => /^-\w*s|^--symbolic$/.test(word));
}

export function removing(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
): PlacedCall | undefined {
  const target = { path, locations };
  return calls.findLast((call) => {
    const { program, words } = call;
    if (program === "find") return words.includes("-delete") && finds(call, words, target);
    // What is moved there is not taken away.
    const moved = program === "mv" && !words.some((word) => /^-\w*t|^--target/.test(word)) ? words.slice(0, -1) : words;
    return REMOVERS.has(program) && nearest(call, target, moved) !== undefined;
  });
}

/** Whether a call names both files, and so can have made one of the other under another name. */
export function renaming(calls: readonly PlacedCall[], original: string, path: string, locations: readonly string[]) {
  return calls.findLast((call) =>
    COPIERS.has(call.program) || (call.program === "ln" && !isSymbolicLink(call))
      ? nearest(call, { path: original, locations }) === "file" && nearest(call, { path, locations }) === "file"
      : false,
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
  const naming = calls.flatMap((call) => {
    const what = IDLE.has(call.program) ? undefined : nearest(call, { path, locations });
    const isVain =
      FOLDER_MAKERS.has(call.program) || isSymbolicLink(call) || (original === undefined && COPIERS.has(call.program));
    return what === undefined || (what === "folder" && isVain) ? [] : [{ call, what }];
  });
  const makers = naming.filter(({ call }) => MAKERS.has(call.program));
  if (original !== undefined) {
    const source = { path: original, locations };
    // A command that takes it away from there is more telling than one that names its new place, or a folder above.
    const taking = calls.filter(
      (call) => MAKERS.has(call.program) && !isSymbolicLink(call) && nearest(call, source) !== undefined,
    );
    const both = makers.findLast(({ call }) => taking.includes(call))?.call ?? taking.at(-1);
    if (both !== undefined) return both;
  }
  const found =
    makers.findLast(({ what }) => what === "file") ??
    makers.at(-1) ??
    naming.findLast(({ what }) => what === "file") ??
    naming.at(-1);
  return found?.call;
}

/** The call as it stands in the script, shortened. */
export function textOf({ text }: PlacedCall): string {
  const line = text.replaceAll("\n", " ");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
