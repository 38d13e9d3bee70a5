import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Parsed, parseCommandLine } from "../../src/cli/parse.ts";
import { UsageError } from "../../src/cli/usage.ts";
import { tempDir } from "../helpers.ts";

const parse = (line: string) => parseCommandLine(line === "" ? [] : line.split(" "));

function run(line: string): Extract<Parsed, { kind: "run" }> {
  const parsed = parse(line);
  if (parsed.kind !== "run") throw new Error(`${line} is no command to run`);
  return parsed;
}

function mistake(line: string): string {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UsageError) return [...error.path, error.message].join(": ");
    throw error;
  }
  throw new Error(`${line} was accepted`);
}

describe("a command line", () => {
  it("has global options, a command, and that command's options among its arguments", () => {
    const { globals, path, options } = run(
      "--no-colors -o debug True --option arch x -C / build a.bst -d all --retry-failed b.bst",
    );
    expect(globals).toMatchObject({
      colors: false,
      directory: "/",
      option: [
        ["debug", "True"],
        ["arch", "x"],
      ],
      logFormat: "text",
      noInteractive: false,
    });
    expect(path).toEqual(["build"]);
    expect(options).toMatchObject({
      deps: "all",
      retryFailed: true,
      elements: ["a.bst", "b.bst"],
      artifactRemotes: [],
    });
  });

  it("leaves what was not given undefined, or as the default says", () => {
    const { globals, options } = run("show");
    const unset = [
      "config",
      "directory",
      "onError",
      "fetchers",
      "verbose",
      "strict",
      "pullBuildtrees",
      "cacheBuildtrees",
    ];
    for (const name of unset) expect(globals, name).toHaveProperty(name, undefined);
    expect(options).toEqual({ except: [], deps: "all", order: "stage", format: undefined, elements: [] });
    expect(run("build").options["deps"]).toBeUndefined();
  });

  it.each([
    ["show --deps=none", "none"],
    ["show --deps none", "none"],
    ["show -dnone", "none"],
    ["show -d none", "none"],
    ["show -d all -d none", "none"],
  ])("takes the value of %s", (line, deps) => {
    expect(run(line).options["deps"]).toBe(deps);
  });

  it("lets short flags be written together, the last with a value", () => {
    expect(run("source checkout -fdall x.bst").options).toMatchObject({ force: true, deps: "all", element: "x.bst" });
    expect(run("shell -bt x.bst").options).toMatchObject({ build: true, useBuildtree: true });
  });

  it("takes what looks like an option for a value where one is due", () => {
    expect(run("show --format --deps a.bst").options).toMatchObject({ format: "--deps", elements: ["a.bst"] });
    expect(run("init --min-version -1 x").options).toMatchObject({ minVersion: "-1", targetDirectory: "x" });
    expect(run("show --format=").options["format"]).toBe("");
    expect(run("show --format=a=b").options["format"]).toBe("a=b");
  });

  it("takes everything behind -- for arguments", () => {
    expect(run("shell x.bst -- ls -l --help").options).toMatchObject({
      target: "x.bst",
      command: ["ls", "-l", "--help"],
    });
    expect(run("show -- --deps").options["elements"]).toEqual(["--deps"]);
    expect(run("show -").options["elements"]).toEqual(["-"]);
  });

  it("converts values", () => {
    expect(run("--fetchers 3 --error-lines -1 show").globals).toMatchObject({ fetchers: 3, errorLines: -1 });
    expect(run("--strict --no-strict show").globals.strict).toBe(false);
    expect(run("shell --mount / /host x.bst").options["mount"]).toEqual([["/", "/host"]]);
    expect(run("artifact pull --artifact-remote http://x a.bst").options["artifactRemotes"]).toEqual([
      { url: "http://x", type: "all", push: false },
    ]);
  });

  it.each([
    ["", "help", [], false],
    ["--help", "help", [], true],
    ["-h", "help", [], true],
    ["--no-colors --help build", "help", [], true],
    ["build --help", "help", ["build"], true],
    ["build --deps nonsense --help", "help", ["build"], true],
    ["workspace", "help", ["workspace"], false],
    ["workspace -h", "help", ["workspace"], true],
    ["artifact checkout -h", "help", ["artifact", "checkout"], true],
  ])("'%s' asks for help", (line, kind, path, asked) => {
    expect(parse(line)).toEqual({ kind, path, asked });
  });

  it("asks for the version before anything else is looked at", () => {
    expect(parse("--version nonsense")).toEqual({ kind: "version" });
    expect(parse("-c /nonexistent --version")).toEqual({ kind: "version" });
  });

  it.each([
    ["--no-colors", "A command is missing."],
    ["nonsense", "There is no command 'nonsense'."],
    ["bild", "There is no command 'bild'. Did you mean 'build'?"],
    ["constructor", "There is no command 'constructor'."],
    ["artifact shw", "artifact: There is no command 'shw'. Did you mean 'show'?"],
    ["--nonsense show", "There is no option '--nonsense'."],
    ["build --dep all", "build: There is no option '--dep'. Did you mean '--deps'?"],
    ["build -rx", "build: There is no option '-x'."],
    ["build --retry-failed=1", "build: Option '--retry-failed' takes no value."],
    ["show --deps", "show: Option '--deps' needs a value."],
    ["-o debug", "Option '-o' needs 2 values."],
    ["show --deps some", "show: Invalid value for option '--deps': 'some' is not one of: none, run, build, all."],
    ["show -d=all", "show: Invalid value for option '--deps': '=all' is not one of: none, run, build, all."],
    ["--fetchers many show", "Invalid value for option '--fetchers': 'many' is not a whole number."],
    ["-c /nonexistent show", "Invalid value for option '--config': there is no file '/nonexistent'."],
    ["-c / show", "Invalid value for option '--config': '/' is a directory."],
    ["-C /dev/null show", "Invalid value for option '--directory': '/dev/null' is not a directory."],
    [
      "shell --mount /nonexistent / x",
      "shell: Invalid value for option '--mount': there is no file or directory '/nonexistent'.",
    ],
    ["workspace open", "workspace: open: Missing argument ELEMENTS."],
    ["init a b c", "init: Too many arguments: 'b' 'c'."],
    ["completion csh", "completion: Invalid value for argument SHELL: 'csh' is not one of: bash, zsh, fish."],
  ])("'%s' is a mistake", (line, message) => {
    expect(mistake(line)).toBe(message);
  });

  it("may name a folder that does not exist yet, and a configuration that does", () => {
    const config = join(tempDir("parse"), "user.conf");
    writeFileSync(config, "");
    expect(run(`-C /nonexistent -c ${config} show`).globals).toMatchObject({ directory: "/nonexistent", config });
  });
});
