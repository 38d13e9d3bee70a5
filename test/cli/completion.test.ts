import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { complete } from "../../src/cli/completion/complete.ts";
import { splitWords } from "../../src/cli/completion/words.ts";
import { tempDir } from "../helpers.ts";

const cwd = process.cwd();
const folder = tempDir("completion");
const config = join(folder, "user.conf");

beforeAll(() => {
  const write = (path: string, text = "") => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("project/project.conf", "name: test\nelement-path: 'elements'\n");
  write("project/elements/app.bst");
  write("project/elements/app.txt");
  write("project/elements/base/alpine.bst");
  write("project/files/usr/bin/hello");
  write("flat/project.conf", "name: flat\n");
  write("flat/app.bst");
  write("broken/project.conf", "name: [");
  write("broken/app.bst");
  for (const key of ["a", "b"]) write(`cache/artifacts/refs/test/app/${key}`);
  write("cache/artifacts/refs/other/lib/c");
  write("user.conf", "cachedir: ${COMPLETION_TEST}/cache\n");
  process.env["COMPLETION_TEST"] = folder;
  process.chdir(join(folder, "project"));
});

afterAll(() => process.chdir(cwd));

/** Completes a line whose cursor is at its end. */
function completions(line: string, compatible = true, args: string[] = []): Promise<string[]> {
  const words = line.split(" ");
  const incomplete = words.at(-1) ?? "";
  return complete({ before: words.slice(1, -1), incomplete, args, compatible });
}

describe("completion", () => {
  it.each([
    ["bst-ts w", ["workspace "]],
    ["bst-ts workspace ", ["open ", "close ", "reset ", "list "]],
    ["bst-ts help artifact l", ["log ", "list-contents "]],
    ["bst-ts nonsense ", []],
    ["bst-ts im", []],
    ["bst-ts image pull docker", ["docker://", "docker-archive:"]],
    ["bst-ts image copy oci:f", ["oci:files/"]],
    ["bst-ts image save ap", ["app.bst "]],
    ["bst-ts --on-error ", ["continue ", "quit ", "terminate "]],
    ["bst-ts --no-colors sh", ["shell ", "show "]],
    ["bst-ts --fetchers ", []],
    ["bst-ts -o debug ", []],
    ["bst-ts -o debug True s", ["shell ", "show ", "source "]],
    ["bst-ts show --deps n", ["none "]],
    ["bst-ts show --deps=n", ["none "]],
    ["bst-ts show --deps =", ["none ", "run ", "build ", "all "]],
    ["bst-ts show --deps = n", ["none "]],
    ["bst-ts show --o", ["--order "]],
    ["bst-ts show --order alpha --o", []],
    ["bst-ts show --except a.bst --e", ["--except "]],
    ["bst-ts init --element-path f", ["files/"]],
    ["bst-ts shell app.bst a", []],
  ])("of '%s'", async (line, expected) => {
    expect(await completions(line)).toEqual(expected);
  });

  it("offers elements of the project at hand, or of the one that -C names", async () => {
    expect(await completions("bst-ts build ")).toEqual(["app.bst ", "base/"]);
    expect(await completions("bst-ts build base")).toEqual(["base/alpine.bst "]);
    expect(await completions("bst-ts show --except base/")).toEqual(["base/alpine.bst "]);
    expect(await completions("bst-ts -C ../flat build ")).toEqual(["app.bst "]);
    expect(await completions("bst-ts --directory=../flat build a")).toEqual(["app.bst "]);
    expect(await completions("bst-ts -C ../broken build ")).toEqual([]);
    expect(await completions("bst-ts -C /nonexistent build ")).toEqual([]);
  });

  it("offers artifacts of the cache that the user configuration names", async () => {
    const args = ["--config", config];
    expect(await completions("bst-ts artifact log ", true, args)).toEqual([
      "app.bst ",
      "base/",
      "other/lib/c",
      "test/app/a",
      "test/app/b",
    ]);
    expect(await completions(`bst-ts -c ${config} artifact show test/app/`)).toEqual(["test/app/a", "test/app/b"]);
    expect(await completions("bst-ts artifact checkout te", true, args)).toEqual(["test/app/a", "test/app/b"]);
  });

  it("offers paths", async () => {
    expect(await completions("bst-ts --log-file ")).toEqual(["elements/", "files/", "project.conf "]);
    expect(await completions("bst-ts --directory ")).toEqual(["elements/", "files/"]);
    expect(await completions("bst-ts --config files")).toEqual(["files/usr/"]);
    expect(await completions(`bst-ts --config ${folder}/project/p`)).toEqual([`${folder}/project/project.conf `]);
    expect(await completions("bst-ts --config /nonexistent/x")).toEqual([]);
  });

  it("offers what BuildStream does not have only to our own scripts", async () => {
    expect(await completions("bst-ts --log-f")).toEqual(["--log-file "]);
    expect(await completions("bst-ts --log-f", false)).toEqual(["--log-file ", "--log-format "]);
    expect(await completions("bst-ts comp")).toEqual([]);
    expect(await completions("bst-ts completion b", false)).toEqual(["bash "]);
    expect(await completions("bst-ts show --deps=n", false)).toEqual(["--deps=none "]);
    expect(await completions("bst-ts build -h")).toEqual([]);
    expect(await completions("bst-ts build --h", false)).toEqual(["--help "]);
  });
});

describe("words of a line", () => {
  it.each([
    ["", []],
    ["bst ", ["bst"]],
    ["  a\tb\nc ", ["a", "b", "c"]],
    ["a 'b c' d", ["a", "b c", "d"]],
    [`a "b 'c\\" d" e`, ["a", `b 'c" d`, "e"]],
    ["a b\\ c", ["a", "b c"]],
    ["x'y z'w", ["xy zw"]],
    ["a 'b c", ["a", "b c"]],
    ['a "b c', ["a", "b c"]],
    ["a b\\", ["a", "b"]],
    ["'' a", ["", "a"]],
  ])("%j", (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });
});
