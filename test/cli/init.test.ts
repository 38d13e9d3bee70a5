import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type CommandContext, createContext } from "../../src/cli/app.ts";
import { run } from "../../src/cli/commands/init.ts";
import { parseCommandLine } from "../../src/cli/parse.ts";
import type { OptionsOf } from "../../src/cli/spec/commands.ts";
import { tempDir } from "../helpers.ts";

let folder: string;
const said: string[] = [];

beforeEach(() => {
  folder = tempDir("init");
  said.length = 0;
});

async function init(...args: string[]): Promise<void> {
  const parsed = parseCommandLine(args);
  if (parsed.kind !== "run") throw new Error("this is no command to run");
  const context: CommandContext = {
    ...createContext(parsed.globals, { signal: new AbortController().signal, lendTerminal: () => () => {} }),
    cwd: folder,
    interactive: false,
    printError: (text) => said.push(text),
  };
  await run(context, parsed.options as OptionsOf<"init">);
}

const project = (...path: string[]) => parse(readFileSync(join(folder, ...path, "project.conf"), "utf8"));

describe("init", () => {
  it("writes project.conf and makes the folder for elements", async () => {
    await init("init", "--project-name", "foo");
    expect(project()).toEqual({ name: "foo", "min-version": 2.8, "element-path": "elements" });
    expect(existsSync(join(folder, "elements"))).toBe(true);
    expect(said).toEqual([`\nCreated project.conf at: ${folder}/project.conf`]);
  });

  it("does so where and how it is told", async () => {
    const target = join(folder, "a/b");
    await init("init", "--project-name", "_x-1", "--min-version", "2.0", "--element-path", "c/d", target);
    expect(project("a/b")).toEqual({ name: "_x-1", "min-version": 2, "element-path": "c/d" });
    expect(existsSync(join(target, "c/d"))).toBe(true);
  });

  it("overwrites a project only by force", async () => {
    writeFileSync(join(folder, "project.conf"), "name: pony\n");
    await expect(init("init", "--project-name", "foo")).rejects.toMatchObject({
      domain: "app",
      reason: "project-exists",
    });
    expect(project()).toEqual({ name: "pony" });
    await init("init", "--project-name", "foo", "-f");
    expect(project()).toMatchObject({ name: "foo" });
  });

  it.each([
    [["init"], "app", "unspecified-project-name"],
    [["-C", "/", "init", "--project-name", "foo"], "app", "init-with-set-directory"],
    [["init", "--project-name", ""], "load", "invalid-symbol-name"],
    [["init", "--project-name", "1st"], "load", "invalid-symbol-name"],
    [["init", "--project-name", "one two"], "load", "invalid-symbol-name"],
    [["init", "--project-name", "one+one"], "load", "invalid-symbol-name"],
    [["init", "--project-name", "foo", "--min-version", "-1"], "app", "invalid-min-version"],
    [["init", "--project-name", "foo", "--min-version", "1.4"], "app", "invalid-min-version"],
    [["init", "--project-name", "foo", "--min-version", "2"], "app", "invalid-min-version"],
    [["init", "--project-name", "foo", "--min-version", "2.900"], "app", "invalid-min-version"],
    [["init", "--project-name", "foo", "--element-path", "/x"], "app", "invalid-element-path"],
    [["init", "--project-name", "foo", "--element-path", "a/../../x"], "app", "invalid-element-path"],
  ])("refuses %j", async (args, domain, reason) => {
    await expect(init(...args)).rejects.toMatchObject({ domain, reason });
    expect(existsSync(join(folder, "project.conf"))).toBe(false);
  });
});
