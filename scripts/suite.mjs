// Runs BuildStream's own black-box tests against bst-ts.
//
//   node scripts/suite.mjs            those of test/suite/passing.txt: each has to pass
//   node scripts/suite.mjs --report   all that BuildStream itself passes: how many pass, file by file
//   node scripts/suite.mjs --update   the same, and those that pass (twice) are added to passing.txt
//   … PREFIX…                         only tests whose names begin so: tests/format tests/frontend/show.py
//
// BST_ORACLE names the folder of a reference installation, BST_ORACLE_TOOLS the folder with the tools
// that made it (../shared/oracle), BST_TS the command under test ("oracle": BuildStream itself).
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const passingFile = join(root, "test/suite/passing.txt");
const counted = /^tests\/(format|cachekey|elements|frontend|sources)\/(?!mirror\.py)/;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: "boolean" }, update: { type: "boolean" }, workers: { type: "string", default: "2" } },
});
const oracle = process.env.BST_ORACLE ?? join(homedir(), ".cache/bst-ts-oracle");
const tools = process.env.BST_ORACLE_TOOLS ?? resolve(root, "../shared/oracle");
const executable = process.env.BST_TS ?? `${process.execPath} ${join(root, "dist/bst-ts.js")}`;

/** @param {string} path */
function readIds(path) {
  return readFileSync(path, "utf8").split("\n").filter(Boolean);
}

/** @param {readonly string[]} ids */
function selected(ids) {
  return positionals.length === 0 ? ids : ids.filter((id) => positionals.some((prefix) => id.startsWith(prefix)));
}

/**
 * Runs these tests; what pytest prints meanwhile goes to stderr.
 * @param {readonly string[]} ids
 * @returns {Promise<Set<string>>} those that passed
 */
async function run(ids) {
  // Without names pytest would run every test there is.
  if (ids.length === 0) return new Set();
  // Short, as paths of sockets are limited.
  const scratch = mkdtempSync(join(tmpdir(), "s"));
  const only = join(scratch, "ids");
  writeFileSync(only, `${ids.join("\n")}\n`);
  // What tests leave is not kept, as all of it would take many gigabytes. Others may use the machine as well.
  const kept = ["--basetemp", join(scratch, "t"), "-o", "tmp_path_retention_policy=failed", "--timeout=300"];
  const args = [oracle, executable, "-n", values.workers, "--integration", "--tb=line", "-rpfE", ...kept];
  const child = spawn(join(tools, "suite/run"), args, {
    env: { ...process.env, ONLY: only, INTEGRATION_CACHE: join(scratch, "integration-cache") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  rmSync(scratch, { recursive: true, force: true });
  const output = Buffer.concat(chunks).toString();
  const passed = new Set([...output.matchAll(/^PASSED (.*)$/gm)].map((match) => match[1]));
  if (passed.size < ids.length) process.stderr.write(output.replace(/^PASSED .*\n/gm, ""));
  return passed;
}

/**
 * @param {readonly string[]} ids
 * @param {ReadonlySet<string>} passed
 */
function printByFile(ids, passed) {
  /** @type {Map<string, {passed: number, total: number}>} */
  const files = new Map();
  for (const id of ids) {
    const file = id.split("::")[0] ?? "";
    const count = files.get(file) ?? { passed: 0, total: 0 };
    files.set(file, { passed: count.passed + Number(passed.has(id)), total: count.total + 1 });
  }
  for (const [file, count] of [...files].sort())
    console.log(`${String(count.passed).padStart(5)} of ${String(count.total).padStart(4)}  ${file}`);
  const share = ((100 * passed.size) / ids.length).toFixed(1);
  console.log(`${passed.size} of ${ids.length} tests of the ceiling pass (${share} %)`);
}

if (!existsSync(join(tools, "suite/run")) || !existsSync(join(oracle, "venv/bin/bst"))) {
  console.error(`BuildStream's tests need its tools in ${tools} and an installation in ${oracle}`);
  process.exit(2);
}
const passing = readIds(passingFile);
if (values.report || values.update) {
  const ids = selected(readIds(join(tools, "suite/ceiling.txt")).filter((id) => counted.test(id)));
  const passed = await run(ids);
  printByFile(ids, passed);
  if (values.update) {
    const known = new Set(passing);
    // Tests that pass only sometimes have no place in a list of what must pass.
    const again = await run([...passed].filter((id) => !known.has(id)));
    writeFileSync(
      passingFile,
      [...passing, ...again].sort().join("\n") + (passing.length + again.size > 0 ? "\n" : ""),
    );
    console.log(`${again.size} added to passing.txt, ${passing.length + again.size} in all`);
  }
} else {
  const ids = selected(passing);
  const passed = await run(ids);
  for (const id of ids) if (!passed.has(id)) console.log(`FAILED ${id}`);
  console.log(`${passed.size} passed, ${ids.length - passed.size} failed`);
  process.exitCode = passed.size === ids.length ? 0 : 1;
}
