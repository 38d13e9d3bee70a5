/** The paths that a patch may mean: more than it changes, never fewer. */

/** What precedes a name in the header of a file's changes, in every format of patch. */
const HEADER = /^[ \tX]*(?:---|\+\+\+|\*\*\*|Index:|(?:rename|copy) (?:from|to)) (.*)$/gm;
const GIT_HEADER = /^diff --git (.*)$/gm;
const QUOTED = /^"((?:[^"\\]|\\.)*)"/;

/**
 * Relative paths without `..`.
 * @param strip how many leading folders the program takes off the names
 */
export function patchNames(patch: Uint8Array, strip: number): Set<string> {
  const text = Buffer.from(patch).toString("utf8").replaceAll("\r\n", "\n");
  const names = new Set<string>();
  const add = (written: string) => {
    // What is renamed or copied is named without the folder that stands for old or new.
    for (const count of [strip, strip - 1]) {
      const name = stripped(written, count);
      if (name !== undefined) names.add(name);
    }
  };
  for (const [, rest = ""] of text.matchAll(HEADER)) for (const name of readings(rest)) add(name);
  for (const [, rest = ""] of text.matchAll(GIT_HEADER)) for (const name of gitReadings(rest)) add(name);
  return names;
}

/** What a name with a date behind it may be: names can have spaces, and dates need no tab before them. */
function readings(rest: string): string[] {
  const quoted = QUOTED.exec(rest)?.[1];
  if (quoted !== undefined) return [unquoted(quoted)];
  return [rest.trimEnd(), rest.split("\t")[0]?.trimEnd() ?? "", rest.split(/\s/)[0] ?? ""];
}

/** Two names with a space between, which may have spaces themselves. */
function gitReadings(rest: string): string[] {
  const first = QUOTED.exec(rest);
  if (first !== null) return [unquoted(first[1] ?? ""), ...readings(rest.slice(first[0].length + 1))];
  const names: string[] = [];
  for (let space = rest.indexOf(" "); space >= 0; space = rest.indexOf(" ", space + 1)) {
    names.push(rest.slice(0, space), ...readings(rest.slice(space + 1)));
  }
  return names;
}

const ESCAPES: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Undoes the escapes of C, which stand for bytes of UTF-8. */
function unquoted(text: string): string {
  const bytes = Buffer.from(text).toString("latin1");
  const plain = bytes.replace(/\\([0-7]{1,3}|.)/gs, (_, written: string) =>
    /^[0-7]/.test(written) ? String.fromCharCode(Number.parseInt(written, 8) & 255) : (ESCAPES[written] ?? written),
  );
  return Buffer.from(plain, "latin1").toString("utf8");
}

function stripped(name: string, count: number): string | undefined {
  let rest = name;
  for (let i = 0; i < count; i++) {
    const slash = rest.search(/\/+/);
    if (slash < 0) return undefined;
    rest = rest.slice(slash).replace(/^\/+/, "");
  }
  const parts = rest.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") || rest.includes("\0") ? undefined : parts.join("/");
}
