/** The broken projects in fixtures/broken/: each says what is wrong, how it is met, and the files that make it so. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type FileContent, project } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const dir = join(import.meta.dirname, "fixtures/broken");

export interface Fault {
  readonly name: string;
  /** What is run in turn; the last command is the one that fails. */
  readonly commands: readonly (readonly string[])[];
  readonly files: Readonly<Record<string, FileContent>>;
  /** Whether the project has a folder `root` with a shell to build in. */
  readonly root: boolean;
}

/**
 * Faults of one subject, as `== NAME`, lines `$ COMMAND`, and files as `-- PATH --` and their text.
 * A path may be `PATH -> TARGET` for a symbolic link, and `root/` is the machine's shell.
 * In a text, `<FF>` is the byte with that hexadecimal value.
 */
function parseFault(text: string): Fault {
  const [head = "", ...parts] = text.split(/^-- (?=.* --$)/m);
  const [name = "", ...lines] = head.trim().split("\n");
  const commands = lines.map((line) => line.replace(/^\$ /, "").split(" "));
  const files: Record<string, FileContent> = {};
  for (const part of parts) {
    const [path = "", ...content] = part.split("\n");
    const [link = "", target] = path.replace(/ --$/, "").split(" -> ");
    files[link] = target === undefined ? bytes(content.join("\n")) : { symlink: target };
  }
  const root = "root/" in files;
  return { name, commands: commands.length === 0 ? [["show", "a.bst"]] : commands, files, root };
}

function bytes(text: string): Uint8Array {
  const parts = text.split(/<([0-9A-F]{2})>/);
  return Buffer.concat(parts.map((part, index) => Buffer.from(part, index % 2 === 0 ? "utf8" : "hex")));
}

/** From each subject to its faults. */
export const faults: ReadonlyMap<string, readonly Fault[]> = new Map(
  readdirSync(dir)
    .sort()
    .map((file) => [
      file.replace(/\.txt$/, ""),
      readFileSync(join(dir, file), "utf8").split(/^== /m).slice(1).map(parseFault),
    ]),
);

/** Writes the fault's project; returns its folder. */
export function writeFault(fault: Fault): string {
  const cwd = project(fault.files);
  if (fault.root) writeRoot(join(cwd, "root"));
  return cwd;
}
