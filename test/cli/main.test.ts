import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { tempDir } from "../helpers.ts";

/** The bundled program, as `npm run build` makes it. */
const program = resolve(process.env["BST_TS_PROGRAM"] ?? "dist/bst-ts.js");

let folder: string;
let record: string;

beforeEach(() => {
  folder = tempDir("main");
  record = join(folder, "error.json");
});

function run(...args: string[]) {
  const environment = { ...process.env, BST_TS_ERROR_FILE: record };
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const error = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")) : undefined;
  return { status, stdout, stderr, error };
}

describe("the program", () => {
  it("says which BuildStream it takes after, and which version it is", () => {
    expect(run("--version")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^2\.8\.1\+bst-ts\.\d/),
      stderr: "",
    });
  });

  it("prints help that was asked for, and otherwise complains", () => {
    expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: bst-ts /), stderr: "" });
    expect(run("show", "-h")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: bst-ts show /) });
    expect(run()).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(/^Usage: bst-ts /) });
    expect(run("help", "workspace", "open")).toMatchObject({
      status: 0,
      stdout: "",
      stderr: expect.stringMatching(/^Usage: bst-ts workspace open /),
    });
    expect(run("help", "workspace").stderr).toContain("bst-ts help workspace COMMAND");
    expect(run("help", "nonsense")).toMatchObject({ status: 255, stderr: "There is no command 'bst-ts nonsense'\n" });
  });

  it("describes itself as JSON", () => {
    const whole = JSON.parse(run("--help", "--json").stdout);
    expect(whole.options).toContainEqual(
      expect.objectContaining({ flags: ["-o", "--option"], values: [{ type: "text" }, { type: "text" }] }),
    );
    const artifact = whole.commands.find(({ name }: { name: string }) => name === "artifact");
    const checkout = artifact.commands.find(({ name }: { name: string }) => name === "checkout");
    expect(JSON.parse(run("artifact", "checkout", "--json", "-h").stdout)).toEqual(checkout);
    expect(checkout).toMatchObject({
      buildstream: true,
      arguments: [{ name: "TARGET", value: { type: "artifact" }, required: false, multiple: false }],
    });
    expect(checkout.options).toContainEqual({
      flags: ["-d", "--deps"],
      help: "Dependencies to check out as well",
      values: [{ type: "choice", choices: ["run", "build", "none", "all"] }],
      multiple: false,
      default: "run",
      buildstream: true,
    });
    const image = whole.commands.find(({ name }: { name: string }) => name === "image");
    const owned = image.commands.flatMap(({ options }: { options: { buildstream: boolean }[] }) => options);
    expect(owned.some(({ buildstream }: { buildstream: boolean }) => buildstream)).toBe(false);
    // Each command that helps on itself is in it.
    expect(JSON.parse(run("help", "--json", "artifact").stdout)).toEqual(artifact);
    expect(run("build", "--dry-run", "--json", "--nonsense")).toMatchObject({ status: 2 });
  });

  it("ends with status 2 for a command line that it does not understand", () => {
    const { status, stdout, stderr } = run("show", "--depth");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: bst-ts show .*\nTry 'bst-ts show --help' for help\.\n\nError: .*'--depth'/);
  });

  it("ends with status 255 and an error record for what goes wrong", () => {
    writeFileSync(join(folder, "project.conf"), "");
    expect(run("init", "--project-name", "x")).toEqual({
      status: 255,
      stdout: "",
      stderr: `\nThere is a project already: ${folder}/project.conf\n`,
      error: {
        domain: "app",
        reason: "project-exists",
        message: `There is a project already: ${folder}/project.conf`,
        detail: null,
        task: null,
      },
    });
  });

  it("leaves no record where nothing goes wrong", () => {
    expect(run("init", "--project-name", "x")).toMatchObject({ status: 0, error: undefined });
  });

  it("still says what went wrong where the record cannot be written", () => {
    record = "/nonexistent/error.json";
    const { status, stderr } = run("init");
    expect(status).toBe(255);
    expect(stderr).toMatch(/needs a name[\s\S]*Cannot write the error record/);
  });

  it("reports errors as JSON where the log is", () => {
    const { stderr } = run("--log-format", "json", "init");
    expect(JSON.parse(stderr)).toMatchObject({
      type: "command-failed",
      domain: "app",
      reason: "unspecified-project-name",
    });
  });

  it("is quiet when nobody reads its output any more", () => {
    const script = `"$0" "$1" --help 2>errors | head -c 0; sleep 0.2; cat errors`;
    const { stdout } = spawnSync("bash", ["-c", script, process.execPath, program], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("");
  });

  it.each([
    "--version >/dev/full",
    "init --help >/dev/full",
    "-c conf show x.bst >/dev/full",
    "-c conf show x.bst 2>/dev/full",
  ])("%s: no room for output is an error, and no bug", (words) => {
    writeFileSync(join(folder, "x.bst"), "kind: stack\n");
    writeFileSync(join(folder, "conf"), `cachedir: ${folder}/cache\n`);
    writeFileSync(join(folder, "project.conf"), "name: x\nmin-version: 2.0\n");
    const done = spawnSync("bash", ["-c", `"$0" "$1" ${words}`, process.execPath, program], {
      cwd: folder,
      encoding: "utf8",
    });
    expect([done.status, done.stderr]).toEqual([255, expect.not.stringMatching(/BUG| {4}at /)]);
    if (!words.includes("2>")) expect(done.stderr).toMatch(/standard output cannot be written: ENOSPC/);
  });

  it("prints scripts for shells, and the completions that they ask for", () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      expect(run("completion", shell)).toMatchObject({ status: 0, stdout: expect.stringContaining("COMP_CWORD") });
    }
    writeFileSync(join(folder, "bst-ts"), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 });
    const script = `
      PATH=$PWD:$PATH
      eval "$(bst-ts completion bash)"
      COMP_WORDS=(bst-ts artifact l) COMP_CWORD=2
      _bst_ts_complete bst-ts
      printf '<%s>' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["-c", script], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("<log ><list-contents >");
  });
});
