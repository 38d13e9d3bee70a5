/** Rolls the types of the library, and those that plugins are written against, into one file without imports of others. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";

const tsc = fileURLToPath(new URL("../bin/tsc", import.meta.resolve("typescript")));
const project = fileURLToPath(new URL("types.json", import.meta.url));

/** @returns the text of the package's declaration file */
export async function packageTypes() {
  const declarations = mkdtempSync(join(tmpdir(), "bst-ts-types-"));
  try {
    await promisify(execFile)(process.execPath, [tsc, "-p", project, "--outDir", declarations]);
    const bundle = await rollup({
      input: join(declarations, "api/index.d.ts"),
      external: /^node:/,
      plugins: [dts()],
    });
    const { output } = await bundle.generate({
      // The store has buffers and streams of Node.js: their types are looked up even where a project asks for none.
      banner: '/// <reference types="node" />',
    });
    return output[0].code.replaceAll(/^export \{(.*?)\};$/gms, (_, names) => exportsOf(names, output[0].code));
  } finally {
    rmSync(declarations, { recursive: true });
  }
}

/** Classes, too, are there for their types alone: only functions can be imported when a program is executed. */
function exportsOf(names, code) {
  const all = names.split(",").map((name) => name.trim());
  const functions = all.filter((name) => code.includes(`declare function ${name}(`));
  const others = all.filter((name) => !functions.includes(name));
  return `export { ${functions.join(", ")} };\nexport type { ${others.join(", ")} };`;
}
