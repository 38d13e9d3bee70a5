/** Plugins are checked against the types of the package, as it is published. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { tempDir, writeFiles } from "../helpers.ts";
import { kinds, plugin, tsconfig } from "./plugin-examples.ts";

const root = join(import.meta.dirname, "../..");
const directory = tempDir("types");
const installed = join(directory, "node_modules/bst-ts");

/** An example with one text in the place of another. */
function changed(kind: string, from: string, to: string): string {
  const code = plugin(kind);
  if (!code.includes(from)) throw new Error(`the plugin '${kind}' of docs/plugins.md has no '${from}'`);
  return code.replace(from, to);
}

const wrong = {
  "a getter that there is not": { code: changed("greeting", "config.string(", "config.strings_("), error: "TS2551" },
  "a schema that there is not": { code: changed("greeting", "schema.text", "schema.txt"), error: "TS2551" },
  "no key": { code: changed("greeting", "uniqueKey: () => ({ name }),", ""), error: "TS2741" },
  "a key that may be undefined": {
    code: changed("greeting", 'config.required("name", config.string("name"))', 'config.string("name")'),
    error: "TS2322",
  },
  "an artifact that is no path": { code: changed("greeting", 'return "/"', "return 1"), error: "TS2322" },
  "a misspelt property": { code: changed("greeting", "runsCommands", "runCommands"), error: "TS2561" },
  "a source without fetch": { code: changed("note", "async fetch() {},", ""), error: "TS2741" },
  "a step that there is not": { code: changed("just", "build-commands", "compile-commands"), error: "TS2353" },
  "classes imported to be executed": {
    code: 'import { BstError } from "bst-ts";\nthrow new BstError("element", "Wrong");\n',
    error: "TS1362",
  },
};

/** What tsc says, by file. */
const errors = new Map<string, string[]>();

beforeAll(() => {
  const [{ filename }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", directory], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }),
  );
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(directory, filename), "--strip-components=1", "-C", installed]);
  mkdirSync(join(directory, "node_modules/@types"));
  symlinkSync(join(root, "node_modules/@types/node"), join(directory, "node_modules/@types/node"));
  writeFiles(directory, { "tsconfig.json": tsconfig });
  for (const kind of kinds) writeFiles(directory, { [`plugins/${kind}.ts`]: plugin(kind) });
  for (const [what, { code }] of Object.entries(wrong)) writeFiles(directory, { [`plugins/${fileOf(what)}`]: code });

  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "--pretty", "false"], { cwd: directory, encoding: "utf8" });
  for (const line of stdout.split("\n")) {
    const [, file = "", error = line] = /^(\S+?)\(\d+,\d+\): error (.*)/.exec(line) ?? [];
    if (line !== "" && !line.startsWith(" ")) errors.set(file, [...(errors.get(file) ?? []), error]);
  }
});

function fileOf(what: string): string {
  return `wrong-${what.replaceAll(" ", "-")}.ts`;
}

it("The package has one file of types, which imports nothing but Node.js", () => {
  const text = readFileSync(join(installed, "dist/index.d.ts"), "utf8");
  const modules = [...text.matchAll(/(?:from|import\()\s*["']([^"']+)["']/g)].map(([, name]) => name);
  expect(modules.filter((name) => name !== "bst-ts")).toEqual(["node:stream"]);
});

it("The examples of docs/plugins.md, and the types themselves, are right", () => {
  expect(kinds).toContain("greeting");
  const rightFiles = [...errors].filter(([file]) => !file.startsWith("plugins/wrong-"));
  expect(rightFiles).toEqual([]);
});

describe("A plugin is wrong that has", () => {
  it.each(Object.entries(wrong))("%s", (what, { error }) => {
    expect(errors.get(`plugins/${fileOf(what)}`)).toEqual([expect.stringContaining(error)]);
  });
});
