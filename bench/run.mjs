// Bundles bench/main.ts, which Node 20 cannot run as it is, and runs it. See README.md.
import { join } from "node:path";
import { build } from "esbuild";

const bundle = join(import.meta.dirname, "dist/main.mjs");
await build({
  entryPoints: [join(import.meta.dirname, "main.ts")],
  outfile: bundle,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20.20",
  logLevel: "warning",
});
await import(bundle);
