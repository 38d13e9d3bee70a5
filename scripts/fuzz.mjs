// Looks for files that bst-ts and BuildStream read differently, and for files that bst-ts breaks down on.
//
//   node scripts/fuzz.mjs [yaml|composition]        random texts, random projects: both programs' answers are compared
//   node scripts/fuzz.mjs project FOLDER            shows elements of a copy of a project in which files are broken
//   … --seeds N --from S                            so many seeds (1000) from this one on (1)
//   … --config FILE --target ELEMENT                the user configuration for the project, and the element to show
//
// BST_ORACLE names the folder of a reference installation, BST_TS the command under test. Ends with 1 where something
// was found, and prints the seed and the files. test/README.md says more.
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const bundle = join(root, "test/fuzz/dist/main.mjs");
await build({
  entryPoints: [join(root, "test/fuzz/main.ts")],
  outfile: bundle,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20.20",
  // Modules know themselves by another name.
  define: { __filename: JSON.stringify(bundle) },
  logLevel: "warning",
});
await import(bundle);
