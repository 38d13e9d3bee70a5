// Bundles src/ into dist/ and links the command where npx finds it.
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Built aside first, so that a failed build leaves the last good one.
const fresh = join(root, "dist.new");
rmSync(fresh, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { "bst-ts": "src/cli/main.ts" },
  outdir: "dist.new",
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node20.20",
  sourcemap: "linked",
  legalComments: "none",
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as bstCreateRequire } from "node:module"; const require = bstCreateRequire(import.meta.url);',
  },
  logLevel: "warning",
});
chmodSync(join(fresh, "bst-ts.js"), 0o755);
rmSync(join(root, "dist"), { recursive: true, force: true });
renameSync(fresh, join(root, "dist"));

// npx looks for a command of the project itself in node_modules/.bin only.
const bin = join(root, "node_modules/.bin");
mkdirSync(bin, { recursive: true });
rmSync(join(bin, "bst-ts"), { force: true });
symlinkSync("../../dist/bst-ts.js", join(bin, "bst-ts"));
