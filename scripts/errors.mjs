// Lists the errors that the code can end with, by domain and reason: docs/errors.md.
//
//   node scripts/errors.mjs           writes the page
//   node scripts/errors.mjs --print   prints it
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const DEFINITIONS = "src/base/errors.ts";
const NO_REASON = "";
const NAME = /"([a-z][a-z0-9:-]*)"/g;
/** `facts.error(…)`, or `error(…)` of a kind that took the function from its facts. */
const ELEMENT_ERROR = /(?<!function )(?<![.\w])(facts\.|this\.facts\.|element\.)?error\(/g;

/** Files by domain and reason. @type {Map<string, Map<string, Set<string>>>} */
const errors = new Map();

/**
 * @param {string} domain
 * @param {string} reason
 * @param {string} file
 */
function add(domain, reason, file) {
  const reasons = errors.get(domain) ?? new Map();
  errors.set(domain, reasons);
  const files = reasons.get(reason) ?? new Set();
  reasons.set(reason, files);
  files.add(file);
}

/**
 * The arguments of a call.
 * @param {string} code
 * @param {number} start behind the opening parenthesis
 */
function argumentsOf(code, start) {
  const found = [];
  let depth = 0;
  let begin = start;
  for (let at = start; at < code.length; at++) {
    const char = code[at] ?? "";
    if (char === '"' || char === "'" || char === "`") at = endOfText(code, at);
    else if ("([{".includes(char)) depth++;
    else if (")]}".includes(char) && depth-- === 0) {
      found.push(code.slice(begin, at).trim());
      break;
    } else if (char === "," && depth === 0) {
      found.push(code.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return found.filter(Boolean);
}

/**
 * Where a string or template ends.
 * @param {string} code
 * @param {number} start its opening quote
 */
function endOfText(code, start) {
  for (let at = start + 1; at < code.length; at++) {
    if (code[at] === "\\") at++;
    else if (code[at] === code[start]) return at;
    else if (code[start] === "`" && code.startsWith("${", at)) at = endOfExpression(code, at + 2);
  }
  throw new Error(`A text has no end: ${code.slice(start, start + 60)}`);
}

/**
 * @param {string} code
 * @param {number} start behind the opening brace
 */
function endOfExpression(code, start) {
  let depth = 0;
  for (let at = start; at < code.length; at++) {
    const char = code[at] ?? "";
    if (char === '"' || char === "'" || char === "`") at = endOfText(code, at);
    else if (char === "{") depth++;
    else if (char === "}" && depth-- === 0) return at;
  }
  throw new Error(`An expression has no end: ${code.slice(start, start + 60)}`);
}

/** @param {string} code */
function names(code) {
  return [...code.matchAll(NAME)].map((match) => match[1] ?? "");
}

/**
 * The reasons that a constructor's options give; none where they only pass on those of another error.
 * @param {string} options
 * @param {string} code the file, for reasons that come from the callers of a local function
 */
function reasonsIn(options, code) {
  const given = /\breason(?::\s*([^,}]+))?/.exec(options);
  if (given === null) return [NO_REASON];
  const [, value] = given;
  if (value?.trim() === "token") return [...tokens];
  if (value !== undefined) return names(value);
  const local = /const (\w+) = \([^)]*\breason: string\)/.exec(code)?.[1];
  if (local === undefined) return [];
  return [...code.matchAll(new RegExp(`\\b${local}\\(`, "g"))].flatMap(({ index }) =>
    argumentsOf(code, index + local.length + 1)
      .slice(1)
      .flatMap(names),
  );
}

const files = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .filter((file) => file !== DEFINITIONS)
  .sort();
const sources = new Map(
  files.map((file) => [
    file,
    // Comments may quote what looks like code.
    readFileSync(join(root, file), "utf8").replace(/^\s*(\/\/.*|\/\*\*?[\s\S]*?\*\/)$/gm, ""),
  ]),
);
const definitions = readFileSync(join(root, DEFINITIONS), "utf8");
const loadReasons = new Set(names(/type LoadReason =([^;]*);/.exec(definitions)?.[1] ?? ""));
const domains = new Set(names(/type ErrorDomain =([^;]*);/.exec(definitions)?.[1] ?? ""));
/** Names of warnings: where a project makes one fatal, its name is the reason. */
const tokens = new Set(
  [...sources.values()].flatMap((code) => [...code.matchAll(/\btoken: ("[a-z:-]+")/g)].flatMap(([, t]) => names(t))),
);

for (const [file, code] of sources) {
  for (const match of code.matchAll(/\bnew BstError\(/g)) {
    const [domain = "", , options = ""] = argumentsOf(code, match.index + match[0].length);
    for (const name of names(domain)) {
      if (!domains.has(name)) throw new Error(`${file}: no known domain: ${name}`);
      for (const reason of reasonsIn(options, code)) add(name, reason, file);
    }
  }
  // What kinds of elements throw begins with where the element is declared.
  for (const match of code.matchAll(ELEMENT_ERROR)) {
    if (match[1] === undefined && !file.startsWith("src/elements/")) continue;
    const [, options = ""] = argumentsOf(code, match.index + match[0].length);
    for (const reason of reasonsIn(options, code)) add("element", reason, file);
  }
  // Of a node of YAML, with its place; without a reason it is about the data.
  for (const match of code.matchAll(/(\w+)\)?\??\.error\(/g)) {
    const [message = "", options = ""] = argumentsOf(code, match.index + match[0].length);
    if (!["styles", "facts", "element"].includes(match[1] ?? "") && message !== "" && !/\breason\b/.test(options))
      add("load", "invalid-data", file);
  }
  // Load reasons are a closed set of words that stand for nothing else, other than where they are compared.
  for (const match of code.matchAll(/(?<![!=]== )"([a-z-]+)"/g)) {
    if (loadReasons.has(match[1] ?? "")) add("load", match[1] ?? "", file);
  }
}

/** @type {(a: string, b: string) => number} */
const byText = (a, b) => (a < b ? -1 : Number(a > b));
const lines = [
  "# Errors",
  "",
  "Generated from the code by `node scripts/errors.mjs`; do not edit.",
  "",
  "Every error that a user can cause has a domain and a reason, which stay the same when its text is put better. They are",
  "BuildStream's own names, so that scripts find them with either program. With `BST_TS_ERROR_FILE=PATH` in the",
  "environment, a command that fails writes them to PATH:",
  "",
  '    {"domain": "load", "reason": "missing-file", "message": "…", "detail": null, "task": null}',
  "",
  "`task` has the domain and reason of the last job that failed. The exit status is 255, or 2 for a wrong command line.",
  "Anything that ends in `BUG:` is a mistake of the program.",
  "",
  "An error that is met on the way of another (a checkout that fails, say) keeps the reason, in the domain of what was",
  "asked for. Warnings that a project lists under `fatal-warnings` are errors in domain `plugin`, with the warning's name",
  "as reason; any other name that a plugin gives its warnings can stand there, too.",
];
for (const [domain, reasons] of [...errors].sort(([a], [b]) => byText(a, b))) {
  lines.push("", `## ${domain}`, "", "| reason | where |", "| --- | --- |");
  for (const [reason, where] of [...reasons].sort(([a], [b]) => byText(a, b))) {
    const name = reason === NO_REASON ? "none" : `\`${reason}\``;
    lines.push(`| ${name} | ${[...where].sort(byText).join(", ")} |`);
  }
}
const page = `${lines.join("\n")}\n`;
if (process.argv.includes("--print")) process.stdout.write(page);
else writeFileSync(join(root, "docs/errors.md"), page);
