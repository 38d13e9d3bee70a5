/** Which commands of an element can have made or removed a path. */
import { globPattern } from "../../base/glob.ts";
import type { PlacedCall } from "../scripts.ts";

const REMOVERS = new Set(["rm", "rmdir", "unlink", "mv", "find", "truncate"]);
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

/** Which copy what is elsewhere, under its own name where they are told of a folder. */
const COPIERS = new Set(["cp", "mv", "install", "rsync"]);

/** Whether a word names a file, or else a folder above it, at any of these locations. */
function names(word: string, path: string, locations: readonly string[]): "file" | "folder" | undefined {
  const cleaned = word.replace(/^>+/, "").replace(/\/\.?$/, "");
  // A variable alone can be anything, and tells nothing.
  if (/^\$(?:\{[^}]*\}|\w+)$/.test(cleaned)) return undefined;
  let pattern: RegExp;
  try {
    // Variables stand for anything.
    pattern = new RegExp(`^(?:${globPattern(cleaned.replace(/\$(?:\{[^}]*\}|\w+)/g, "**"))})$`, "u");
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

export function removing(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
): PlacedCall | undefined {
  return calls.findLast(
    ({ program, words }) => REMOVERS.has(program) && words.some((word) => names(word, path, locations) !== undefined),
  );
}

/** @param isCopy whether there is such a file elsewhere, so that commands can have brought it that name folders only */
export function making(
  calls: readonly PlacedCall[],
  path: string,
  locations: readonly string[],
  isCopy: boolean,
): PlacedCall | undefined {
  const product = PRODUCTS.find(([pattern]) => pattern.test(path));
  const producer = calls.findLast(({ program }) => program === product?.[1]);
  if (producer !== undefined && !isCopy) return producer;
  const naming = calls.flatMap((call) => {
    const named = new Set(call.words.map((word) => names(word, path, locations)));
    const what = named.has("file") ? "file" : named.has("folder") ? "folder" : undefined;
    const isVain = FOLDER_MAKERS.has(call.program) || (!isCopy && COPIERS.has(call.program));
    return what === undefined || (what === "folder" && isVain) ? [] : [{ call, what }];
  });
  const makers = naming.filter(({ call }) => MAKERS.has(call.program));
  const found =
    makers.findLast(({ what }) => what === "file") ??
    makers.at(-1) ??
    naming.findLast(({ what }) => what === "file") ??
    naming.at(-1);
  return found?.call;
}

/** The call as it stands in the script, shortened. */
export function textOf({ program, words }: PlacedCall): string {
  const text = [program, ...words].join(" ").replaceAll("\n", " ");
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
