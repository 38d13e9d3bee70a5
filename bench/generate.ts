/** Projects to measure on. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeRoot } from "../test/root.ts";

/** How many elements depend on one; a change in the first one below the top rebuilds about a third of them all. */
const fanOut = 3;

function write(dir: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), content);
}

/** Where the twelve files of an import are; half of them belong to domains that the compose leaves out. */
const folders = ["usr/bin", "usr/lib", "usr/share/data", "usr/include", "usr/share/doc", "usr/lib/debug"];

/** Path of the file whose change rebuilds about a third of the elements. */
export const changedFile = "files/e1/usr/bin/e1-0";

/** `elements` imports of twelve small files each, in a tree of dependencies, a stack of them all and a compose. */
export function writeImports(dir: string, elements: number): void {
  write(dir, "project.conf", "name: bench\nmin-version: 2.0\nelement-path: elements\n");
  const names = Array.from({ length: elements }, (_, index) => `e${index}`);
  for (const [index, name] of names.entries()) {
    for (const [number, folder] of [...folders, ...folders].entries())
      write(
        dir,
        `files/${name}/${folder}/${name}-${number}`,
        `file ${number} of ${name}\n`.repeat(1 + (number % 4) * 10),
      );
    const depends = index === 0 ? "" : `depends:\n- e${Math.floor((index - 1) / fanOut)}.bst\n`;
    write(dir, `elements/${name}.bst`, `kind: import\n${depends}sources:\n- kind: local\n  path: files/${name}\n`);
  }
  write(dir, "elements/all.bst", `kind: stack\ndepends:\n${names.map((name) => `- ${name}.bst\n`).join("")}`);
  write(
    dir,
    "elements/composed.bst",
    "kind: compose\nbuild-depends:\n- all.bst\nconfig:\n  integrate: False\n  exclude: [devel, doc, debug]\n",
  );
}

/** Bytes that do not compress and that follow from the name. */
function noise(name: string, size: number): Buffer {
  const block = createHash("sha512").update(name).digest();
  const bytes = Buffer.alloc(size, block);
  // One differing byte in each block, so that equal sizes are no equal files and pages differ.
  for (let at = 0; at < size; at += block.length) bytes[at] = (at / block.length) & 0xff;
  return bytes;
}

/** A sysroot of so many files and megabytes with a shell in it, and elements that run one command in it. */
export function writeSysroot(dir: string, files: number, megabytes: number, commands: number): void {
  write(dir, "project.conf", "name: sandbox\nmin-version: 2.0\nelement-path: elements\n");
  writeRoot(join(dir, "sysroot"));
  const size = Math.round((megabytes * 2 ** 20) / files);
  for (let index = 0; index < files; index++) {
    const folder = `usr/lib/folder${index % 300}/sub${index % 7}`;
    // From half to one and a half of the mean.
    const own = Math.max(1, Math.round(size * (0.5 + ((index * 7919) % 1000) / 1000)));
    write(dir, `sysroot/${folder}/file${index}`, noise(`file${index}`, own));
  }
  write(dir, "elements/sysroot.bst", "kind: import\nsources:\n- kind: local\n  path: sysroot\n");
  for (let index = 0; index < commands; index++)
    write(
      dir,
      `elements/command${index}.bst`,
      `kind: manual\nbuild-depends:\n- sysroot.bst\nconfig:\n  install-commands:\n  - echo ${index} > "%{install-root}/out"\n  strip-commands: []\n`,
    );
}

/**
 * `elements` build elements, each with three build dependencies among all before it and two runtime dependencies among
 * the fifty of its own group, so that what must be staged for one stays small; and a stack of the last fifty.
 */
export function writeGraph(dir: string, elements: number): void {
  write(dir, "project.conf", "name: graph\nmin-version: 2.0\nelement-path: elements\n");
  const path = (index: number) => `${Math.floor(index / 1000)}/e${index}.bst`;
  // A generator of its own, since the same numbers make the same project.
  let state = 1;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const list = (key: string, indexes: ReadonlySet<number>) =>
    indexes.size === 0 ? "" : `${key}:\n${[...indexes].map((index) => `- ${path(index)}\n`).join("")}`;
  for (let index = 0; index < elements; index++) {
    const first = index - (index % 50);
    const build = new Set(index === 0 ? [] : [below(index), below(index), below(index)]);
    const run = new Set(index === first ? [] : [0, 1].map(() => first + below(index - first)));
    for (const each of build) run.delete(each);
    write(
      dir,
      `elements/${path(index)}`,
      `kind: manual\n${list("build-depends", build)}${list("runtime-depends", run)}variables:\n  version: "${index}"\nconfig:\n  build-commands:\n  - make %{version}\n`,
    );
  }
  const names = Array.from({ length: elements }, (_, index) => index);
  write(dir, "elements/all.bst", `kind: stack\n${list("depends", new Set(names))}`);
}
