// Bundles src/, as a command and as a library, and its types into dist/, runs it once so that its code is kept compiled, and links the command
// where npx finds it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { packageTypes } from "./types.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// Built aside first, so that a failed build leaves the last good one.
const fresh = join(root, "dist.new");
rmSync(fresh, { recursive: true, force: true });
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  // One file that is compiled at once: Node.js can keep the compiled code of scripts, not that of modules.
  format: "cjs",
  target: "node20.20",
  legalComments: "none",
  logLevel: "warning",
};
const types = packageTypes();
await build({
  ...common,
  entryPoints: ["src/cli/launch.ts"],
  outfile: "dist.new/bst-ts.js",
  banner: { js: "#!/usr/bin/env node" },
});
const whole = {
  ...common,
  // Code that was kept compiled cannot import: packages are required.
  supported: { "dynamic-import": false },
  define: { "process.env.BST_TS_BUILD": JSON.stringify(sourcesHash()) },
  // Large, and needed by few commands.
  external: ["@grpc/grpc-js", "sucrase", "undici"],
  minifySyntax: true,
  minifyWhitespace: true,
};
await build({ ...whole, entryPoints: ["src/cli/main.ts"], outfile: "dist.new/main.js", sourcemap: "linked" });
// The library is apart, so that it costs the command nothing.
await build({ ...whole, entryPoints: ["src/api/index.ts"], outfile: "dist.new/api.js" });
writeFileSync(join(fresh, "index.d.ts"), await types);
writeFileSync(join(fresh, "package.json"), '{ "type": "commonjs" }\n');
chmodSync(join(fresh, "bst-ts.js"), 0o755);
rmSync(join(root, "dist"), { recursive: true, force: true });
renameSync(fresh, join(root, "dist"));
compileOnce();

// npx looks for a command of the project itself in node_modules/.bin only.
const bin = join(root, "node_modules/.bin");
mkdirSync(bin, { recursive: true });
rmSync(join(bin, "bst-ts"), { force: true });
symlinkSync("../../dist/bst-ts.js", join(bin, "bst-ts"));

/** What keys were computed with is told by this: another program may compute others. */
function sourcesHash() {
  const hash = createHash("sha256").update(readFileSync(join(root, "package-lock.json")));
  const names = readdirSync(join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".ts"));
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(root, "src", name)));
  return hash.digest("hex").slice(0, 16);
}

/** Runs the commands that are used most on a small project: what they compile is left behind for all later runs. */
function compileOnce() {
  const cwd = mkdtempSync(join(tmpdir(), "bst-ts-build-"));
  const write = (name, ...lines) => writeFileSync(join(cwd, name), lines.join("\n"));
  write("project.conf", "name: warm-up", "min-version: 2.0");
  write("files.bst", "kind: import", "sources: [{ kind: local, path: files.bst }]", "variables: { name: value }");
  write("all.bst", "kind: stack", "depends: [files.bst]");
  write("composed.bst", "kind: compose", "build-depends: [all.bst]", "config: { exclude: [devel] }");
  write("user.conf", `cachedir: ${cwd}/cache`);
  for (const words of ["build", "show", "artifact list-contents", "artifact checkout --tar files.tar"]) {
    const command = [join(root, "dist/bst-ts.js"), "--config", "user.conf", ...words.split(" "), "composed.bst"];
    // Where it fails, the program only starts slower.
    spawnSync(process.execPath, command, { cwd, stdio: "ignore", env: { ...process.env, BST_TS_COMPILE: "more" } });
  }
  rmSync(cwd, { recursive: true });
}
