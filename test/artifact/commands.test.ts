/** The `artifact` commands of the built program, and BuildStream's on the same cache. */
import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bst } from "../cas/oracle.ts";
import { cacheConfig, project, type RunResult, runCli, runCommand, tempDir } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { writeRoot } from "../root.ts";

const UNKNOWN = "f".repeat(64);

let directory: string;
let config: string;
const keys: Record<string, string> = {};

const run = (...args: string[]): Promise<RunResult> => runCli(["--no-colors", ...args], { cwd: directory, config });

beforeAll(async () => {
  directory = project({
    "project.conf": "name: test\nmin-version: 2.0\nelement-path: elements\n",
    "elements/a.bst": "kind: import\nsources: [{kind: local, path: files/a}]\n",
    "elements/sub/b-1.2.bst":
      "kind: import\nruntime-depends: [a.bst]\nsources: [{kind: local, path: files/b}]\n" +
      "public: {bst: {overlap-whitelist: [/usr/x], integration-commands: [echo integrated > /integrated]}}\n",
    "elements/c.bst": "kind: compose\nbuild-depends: [sub/b-1.2.bst]\nconfig: {integrate: False}\n",
    "elements/root.bst": "kind: import\nsources: [{kind: local, path: root}]\n",
    "elements/system.bst": "kind: stack\ndepends: [root.bst, sub/b-1.2.bst]\n",
    "elements/unbuilt.bst": "kind: import\nsources: [{kind: local, path: files/a}]\nconfig: {target: /unbuilt}\n",
    "files/a/usr/x": { executable: "x of a" },
    "files/a/usr/y": "y",
    "files/b/usr/x": "x of b",
    "files/b/link": { symlink: "usr/x" },
  });
  writeRoot(join(directory, "root"));
  config = cacheConfig();
  expect(await run("build", "c.bst", "system.bst")).toMatchObject({ code: 0 });
  const shown = await run(
    "show",
    "--deps",
    "none",
    "--format",
    "%{name} %{full-key}",
    "a.bst",
    "sub/b-1.2.bst",
    "c.bst",
  );
  for (const line of shown.stdout.trim().split("\n")) {
    const [name = "", key = ""] = line.split(" ");
    keys[name] = key;
  }
});

const refA = () => `test/a/${keys["a.bst"]}`;
const refB = () => `test/sub-b-1.2/${keys["sub/b-1.2.bst"]}`;

function files(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

describe("artifact show", () => {
  test("tells what is cached", async () => {
    const shown = await run("artifact", "show", "--deps", "all", "c.bst", "unbuilt.bst");
    expect(shown.stdout).toBe(
      "      cached a.bst\n      cached sub/b-1.2.bst\n      cached c.bst\n  not cached unbuilt.bst\n\n",
    );
    expect((await run("artifact", "show", refB(), `test/a/${UNKNOWN}`)).stdout).toBe(
      `      cached ${refB()}\n  not cached test/a/${UNKNOWN}\n\n`,
    );
    expect((await run("artifact", "show", "--deps", "build", `test/c/${keys["c.bst"]}`)).stdout).toBe(
      `      cached ${refA()}\n      cached ${refB()}\n\n`,
    );
  });

  test("takes patterns, of which both names of an artifact are one", async () => {
    const [elements, artifacts, nothing] = await Promise.all([
      run("artifact", "show", "*.bst"),
      run("artifact", "show", "test/*a/**", "test/sub*/*"),
      run("artifact", "show", "none*.bst", "none/**"),
    ]);
    expect(
      elements.stdout
        .split("\n")
        .map((line) => line.slice(13))
        .sort(),
    ).toEqual(["", "", "a.bst", "c.bst", "root.bst", "system.bst", "unbuilt.bst"]);
    expect(
      artifacts.stdout
        .trim()
        .split("\n")
        .map((line) => line.trim())
        .sort(),
    ).toEqual([`cached ${refA()}`, `cached ${refB()}`]);
    expect(nothing).toMatchObject({ code: 0, stdout: "\n" });
    expect(nothing.stderr).toMatch(/WARNING .*none\*\.bst(.|\n)*WARNING .*none\/\*\*/);
  });

  test("refuses what is no name, and dependencies of artifacts", async () => {
    expect(await run("artifact", "show", "foo")).toMatchObject({
      code: 255,
      error: { domain: "stream", reason: "unrecognized-target-format" },
    });
    for (const deps of ["run", "all"]) {
      expect(await run("artifact", "show", "--deps", deps, refA())).toMatchObject({
        code: 255,
        error: { domain: "stream", reason: "deps-not-supported" },
      });
    }
  });
});

describe("artifact list-contents", () => {
  test("lists files", async () => {
    expect((await run("artifact", "list-contents", "sub/b-1.2.bst", refA())).stdout).toBe(
      `  sub/b-1.2.bst:\n\tlink\n\tusr\n\tusr/x\n  ${refA()}:\n\tusr\n\tusr/x\n\tusr/y\n\n`,
    );
    expect((await run("artifact", "list-contents", "-l", "c.bst")).stdout).toBe(
      [
        "  c.bst:",
        "\tlrwxrwxrwx  link   5           link -> usr/x",
        "\tdrwxr-xr-x  dir    0           usr",
        "\t-rw-r--r--  reg    6           usr/x",
        "\t-rw-r--r--  reg    1           usr/y",
        "\n",
      ].join("\n"),
    );
  });

  test("fails where nothing is cached", async () => {
    const listed = await run("artifact", "list-contents", "unbuilt.bst");
    expect(listed).toMatchObject({ code: 1, stdout: "" });
    expect(listed.stderr).toMatch(/WARNING test\/unbuilt\/[0-9a-f]{64} is not cached/);
  });
});

describe("artifact log", () => {
  test("shows logs, or writes them to files", async () => {
    const [one, other] = await Promise.all([run("artifact", "log", "a.bst"), run("artifact", "log", refB())]);
    expect(one.stdout).toMatch(/START .*a\.bst: Build(.|\n)*LOG .*a\.bst/);
    expect(other.stdout).toContain("sub/b-1.2.bst: Build");

    const out = join(tempDir(), "logs");
    expect(await run("artifact", "log", "--out", out, "a.bst", "sub/b-1.2.bst", refB(), "unbuilt.bst")).toMatchObject({
      code: 0,
    });
    expect(files(out)).toEqual(["a.log", "sub", "sub-b-1.2.log", "sub/b-1.2.log"]);
    expect(`${fs.readFileSync(join(out, "a.log"), "utf8")}\n`).toBe(one.stdout);
    expect(await run("artifact", "log", "--out", out, "a.bst")).toMatchObject({ code: 1 });
  });
});

describe("artifact checkout", () => {
  test("takes what the element needs to run, or what is asked for", async () => {
    const into = async (...args: string[]) => {
      const out = join(tempDir(), "out");
      expect(await run("artifact", "checkout", "--no-integrate", "--directory", out, ...args)).toMatchObject({
        code: 0,
      });
      return files(out);
    };
    expect(await into("sub/b-1.2.bst")).toEqual(["link", "usr", "usr/x", "usr/y"]);
    expect(await into("--deps", "none", "sub/b-1.2.bst")).toEqual(["link", "usr", "usr/x"]);
    expect(await into("--deps", "build", "a.bst")).toEqual([]);
    expect(await into("--deps", "none", "--hardlinks", refA())).toEqual(["usr", "usr/x", "usr/y"]);
    expect(await into("--deps", "build", `test/c/${keys["c.bst"]}`)).toEqual(["link", "usr", "usr/x", "usr/y"]);
  });

  test("goes to a folder named like the target by default", async () => {
    const cwd = tempDir();
    const args = [
      "--no-colors",
      "-C",
      directory,
      "artifact",
      "checkout",
      "--no-integrate",
      "--deps",
      "none",
      "sub/b-1.2.bst",
    ];
    expect(await runCli(args, { cwd, config })).toMatchObject({ code: 0 });
    expect(files(cwd)).toContain("sub/b-1.2/usr/x");
  });

  test("runs integration commands", async () => {
    const [integrated, plain] = [join(tempDir(), "out"), join(tempDir(), "out")];
    const result = await run("artifact", "checkout", "--directory", integrated, "system.bst");
    expect(result).toMatchObject({ code: 0 });
    expect(fs.readFileSync(join(integrated, "integrated"), "utf8")).toBe("integrated\n");
    expect(await run("artifact", "checkout", "--no-integrate", "--directory", plain, "system.bst")).toMatchObject({
      code: 0,
    });
    expect(fs.existsSync(join(plain, "integrated"))).toBe(false);
    expect(fs.existsSync(join(plain, "usr/bin/sh"))).toBe(true);
  });

  test("writes archives, also to the standard output", async () => {
    const folder = tempDir();
    const args = ["artifact", "checkout", "--deps", "none", "a.bst", "--tar"];
    const [plain, compressed, conflicting, unknown] = await Promise.all([
      run(...args, join(folder, "a.tar")),
      run(...args, join(folder, "a.tar.gz")),
      run(...args, join(folder, "b.tar.gz"), "--compression", "bz2"),
      run(...args, join(folder, "a.tar.foo")),
    ]);
    expect([plain.code, compressed.code, conflicting.code, unknown.code]).toEqual([0, 0, 0, 255]);
    expect(unknown.stderr).toContain("Expected compression with unknown file extension ('.foo')");
    expect(conflicting.stderr).toContain("WARNING");
    const start = (name: string) => fs.readFileSync(join(folder, name)).subarray(0, 4).toString("latin1");
    expect([start("a.tar"), start("a.tar.gz"), start("b.tar.gz").slice(0, 3)]).toEqual([
      "./us",
      "\x1f\x8b\x08\0",
      "BZh",
    ]);
    const { stdout } = await run(...args, "-");
    expect(stdout).toBe(fs.readFileSync(join(folder, "a.tar"), "utf8"));
    expect(files(folder)).toEqual(["a.tar", "a.tar.gz", "b.tar.gz"]);
  });

  test.each([
    [["--hardlinks", "--tar", "x.tar"], "options --hardlinks and --tar conflict"],
    [["--directory", "x", "--tar", "x.tar"], "options --directory and --tar conflict"],
    [["--directory", "x", "--compression", "gz"], "--compression can only be provided if --tar is provided"],
  ])("refuses %j", async (options, message) => {
    const result = await run("artifact", "checkout", "a.bst", ...options);
    expect(result.code).toBe(255);
    expect(result.stderr).toContain(`ERROR: ${message}`);
  });

  test("fails where the artifact or the room for it is missing", async () => {
    const full = tempDir();
    fs.writeFileSync(join(full, "file"), "");
    const checkout = (...args: string[]) => run("artifact", "checkout", ...args);
    const out = join(tempDir(), "out");
    const failure = (reason: string | null, domain = "stream") => ({ code: 255, error: { domain, reason } });
    expect(await checkout("--directory", full, "a.bst")).toMatchObject(failure(null));
    expect(await checkout("--tar", join(full, "file"), "a.bst")).toMatchObject(failure(null));
    expect(await checkout("--directory", "/proc/nowhere", "a.bst")).toMatchObject(failure(null));
    expect(await checkout("--directory", join(full, "file/below"), "--force", "a.bst")).toMatchObject(failure(null));
    expect(await checkout("--directory", out, "unbuilt.bst")).toMatchObject(failure("uncached-checkout-attempt"));
    expect(await checkout("--deps", "none", "--directory", out, `test/a/${UNKNOWN}`)).toMatchObject(
      failure("missing-sandbox-config"),
    );
    expect(await checkout("--directory", out)).toMatchObject(failure(null, "app"));
  });
});

describe.skipIf(absent)("BuildStream on the same cache", () => {
  test("says the same", async () => {
    const commands = [
      ["show", "--deps", "all", "c.bst", "unbuilt.bst"],
      ["show", refA()],
      ["list-contents", "c.bst", refA()],
      ["list-contents", "--long", "system.bst", "c.bst", "sub/b-1.2.bst"],
      ["log", "a.bst", "c.bst"],
      ["checkout", "--no-integrate", "--tar", "-", "--deps", "none", "c.bst"],
    ];
    for (const command of commands) {
      const [ours, theirs] = await Promise.all([
        run("artifact", ...command),
        runCommand([bst, "--no-colors"], ["artifact", ...command], { cwd: directory, config }),
      ]);
      if (command[0] === "checkout") expect(members(ours.stdout)).toEqual(members(theirs.stdout));
      else expect([command, ours.code, ours.stdout]).toEqual([command, theirs.code, theirs.stdout]);
    }
  });
});

/** Names in an archive of short names and small text files. */
function members(archive: string): string[] {
  return [...archive.matchAll(/\.\/[a-z./]*/g)].map(([name]) => name);
}

describe("artifact delete", () => {
  test("removes both names of an artifact", async () => {
    const build = ["build", "unbuilt.bst"];
    expect(await run(...build)).toMatchObject({ code: 0 });
    const deleted = await run("artifact", "delete", "unbuilt.bst");
    expect(deleted.code).toBe(0);
    expect(deleted.stderr.match(/INFO {4}Removed: test\/unbuilt\/[0-9a-f]{64}/g)).toHaveLength(2);
    expect((await run("artifact", "show", "unbuilt.bst")).stdout).toContain("not cached");

    const again = await run("artifact", "delete", "unbuilt.bst", `test/a/${UNKNOWN}`);
    expect(again.code).toBe(0);
    expect(again.stderr.match(/WARNING Could not find ref 'test\/(unbuilt|a)\/[0-9a-f]{64}'/g)).toHaveLength(3);
  });

  test("removes dependencies where it is asked to", async () => {
    expect(await run("artifact", "delete", "--deps", "build", `test/c/${keys["c.bst"]}`)).toMatchObject({ code: 0 });
    expect((await run("artifact", "show", "--deps", "all", "c.bst")).stdout).toBe(
      "  not cached a.bst\n  not cached sub/b-1.2.bst\n      cached c.bst\n\n",
    );
  });
});
