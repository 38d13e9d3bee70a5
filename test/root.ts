/** A root folder small enough to stage in a test: a shell and a few commands of this machine with their libraries. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const commands = [
  "sh cat chmod cp echo env find id ln ls mkdir mv pwd readlink rm rmdir sleep sort stat test touch true false umask wc",
  "head tail sed grep tr uname setfattr mkfifo",
].flatMap((line) => line.split(" "));

function findCommand(name: string): string | undefined {
  return ["/usr/bin", "/bin"].map((dir) => join(dir, name)).find((path) => existsSync(path));
}

/** Absolute paths of the loader and of the shared libraries that a program needs. */
function libraries(program: string): string[] {
  const listed = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "");
}

/** Makes `dir` such a root: commands in /usr/bin, libraries where the programs look for them, `/bin` a link. */
export function writeRoot(dir: string): void {
  mkdirSync(join(dir, "usr/bin"), { recursive: true });
  symlinkSync("usr/bin", join(dir, "bin"));
  const needed = new Set<string>();
  for (const name of commands) {
    const path = findCommand(name);
    if (path === undefined) continue;
    copyFileSync(realpathSync(path), join(dir, "usr/bin", basename(name)));
    for (const library of libraries(path)) needed.add(library);
  }
  for (const library of needed) {
    const to = join(dir, library);
    mkdirSync(dirname(to), { recursive: true });
    if (!existsSync(to)) copyFileSync(realpathSync(library), to);
  }
}
