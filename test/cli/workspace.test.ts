/** Workspaces are opened, built in, reset and closed, and never lose what somebody has worked on without being told to. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type FileContent, project, runCli, tempDir, writeFiles } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const imported = (path: string) => `kind: import\nsources:\n- kind: local\n  path: files/${path}\n`;

const elements = {
  "one.bst": imported("one"),
  "sub/two.bst": `${imported("two")}  directory: inner\n- kind: local\n  path: files/one\n`,
  "filter.bst": "kind: filter\nbuild-depends: [one.bst]\nconfig: {include: [runtime]}\n",
  "stack.bst": "kind: stack\ndepends: [one.bst]\n",
  "files/one/a": "1",
  "files/one/bin/run": { executable: "#!/bin/sh\n" },
  "files/two/b": "2",
};

function workplace(files: Readonly<Record<string, FileContent>> = {}) {
  const cwd = project({ ...elements, ...files });
  const run = (...args: string[]) => runCli(args, { cwd });
  return {
    cwd,
    run,
    folder: join(cwd, "workspace"),
    succeed: async (...args: string[]) => {
      const result = await run(...args);
      expect(result.code, result.stderr).toBe(0);
      return result;
    },
    list: async () => parse((await run("workspace", "list")).stdout).workspaces,
    key: async (element: string) => (await run("show", "--deps", "none", "--format", "%{full-key}", element)).stdout,
  };
}

const text = (...path: string[]) => readFileSync(join(...path), "utf8");

describe("open", () => {
  it("puts sources into folders that lead back to the project", async () => {
    const { cwd, folder, succeed, list } = workplace();
    await succeed("workspace", "open", "--directory", folder, "sub/two.bst");
    expect(text(folder, "inner/b") + text(folder, "a")).toBe("21");
    expect(statSync(join(folder, "bin/run")).mode & 0o777).toBe(0o755);
    expect(await list()).toEqual([{ element: "sub/two.bst", directory: folder }]);
    const conf = { projects: [{ "project-path": cwd, "element-name": "sub/two.bst" }], "format-version": 1 };
    expect(parse(text(folder, ".bstproject.yaml"))).toEqual(conf);
    expect(parse(text(cwd, ".bst2/workspaces.yml"))).toEqual({
      "format-version": 4,
      workspaces: { "sub/two.bst": { path: "workspace" } },
    });
    const { stdout } = await runCli(["show", "--deps", "none", "--format", "%{name} %{workspace-dirs}"], {
      cwd: join(folder, "inner"),
    });
    expect(stdout).toBe(`sub/two.bst Workspace: ${folder}\n`);
  });

  it("names folders after elements, in the configured folder, and follows filters", async () => {
    const { succeed, list } = workplace();
    await succeed("workspace", "open", "filter.bst", "sub/two.bst");
    const [one, two] = await list();
    expect([one.element, two.element]).toEqual(["one.bst", "sub/two.bst"]);
    expect(text(one.directory, "a")).toBe("1");
    expect(two.directory).toMatch(/\/sub\/two$/);
  });

  it("takes no folder with content, unless it may", async () => {
    const { cwd, folder, run, succeed } = workplace({ "workspace/mine": "x" });
    const args = ["--directory", folder, "one.bst"];
    const refusal = { code: 255, error: { domain: "stream", reason: "bad-directory" } };
    expect(await run("workspace", "open", ...args)).toMatchObject(refusal);
    expect(existsSync(join(cwd, ".bst2"))).toBe(false);
    await succeed("workspace", "open", "--no-checkout", ...args);
    expect(readdirSync(folder).sort()).toEqual([".bstproject.yaml", "mine"]);
    await succeed("workspace", "close", "one.bst");
    await succeed("workspace", "open", "--force", ...args);
    expect(readdirSync(folder).sort()).toEqual([".bstproject.yaml", "a", "bin"]);
  });

  it("replaces a workspace only by force, from the element's own sources", async () => {
    const { folder, run, succeed, list } = workplace();
    await succeed("workspace", "open", "--directory", folder, "one.bst");
    writeFileSync(join(folder, "a"), "changed");
    const again = ["--directory", `${folder}-2`, "one.bst"];
    expect(await run("workspace", "open", ...again)).toMatchObject({ code: 255, error: { domain: "stream" } });
    expect(text(folder, "a")).toBe("changed");
    await succeed("workspace", "open", "--force", ...again);
    expect(text(`${folder}-2`, "a")).toBe("1");
    expect(existsSync(folder)).toBe(false);
    expect(await list()).toEqual([{ element: "one.bst", directory: `${folder}-2` }]);
  });

  it("opens nothing where one of several cannot be", async () => {
    const { folder, run, list } = workplace();
    const several = ["workspace", "open", "--directory", folder, "one.bst", "sub/two.bst"];
    expect(await run(...several)).toMatchObject({ error: { reason: "directory-with-multiple-elements" } });
    expect(await run("workspace", "open", "one.bst", "stack.bst")).toMatchObject({
      code: 255,
      error: { domain: "stream", message: expect.stringContaining("no sources"), detail: expect.any(String) },
    });
    expect(await list()).toEqual([]);
  });

  it("leaves a folder as it was where the sources cannot be had", async () => {
    const { folder, run, list } = workplace({
      "gone.bst": `kind: import\nsources:\n- kind: remote\n  url: file:///no/such/file\n  ref: ${"0".repeat(64)}\n`,
      "workspace/mine": "x",
    });
    const args = ["workspace", "open", "--force", "--directory", folder, "gone.bst"];
    expect(await run(...args)).toMatchObject({ code: 255, error: { task: { domain: "source" } } });
    expect(text(folder, "mine")).toBe("x");
    expect(await list()).toEqual([]);
  });
});

describe("close", () => {
  it("keeps the folder, or removes it", async () => {
    const { folder, run, succeed, list } = workplace();
    for (const name of ["one", "two"]) {
      await succeed(
        "workspace",
        "open",
        "--directory",
        `${folder}-${name}`,
        name === "one" ? "one.bst" : "sub/two.bst",
      );
    }
    await succeed("workspace", "close", "filter.bst");
    expect(readdirSync(`${folder}-one`).sort()).toEqual(["a", "bin"]);
    const missing = { code: 255, error: { domain: "app", message: "Workspace does not exist", detail: "one.bst" } };
    expect(await run("workspace", "close", "one.bst")).toMatchObject(missing);
    await succeed("workspace", "close", "--all", "--remove-dir");
    expect(existsSync(`${folder}-two`)).toBe(false);
    expect(await list()).toEqual([]);
    expect((await succeed("workspace", "close", "--all")).stderr).toContain("No open workspaces to close");
  });

  it("closes what is no longer there: the element, or the folder", async () => {
    const { cwd, folder, run, succeed, list } = workplace();
    await succeed("workspace", "open", "--directory", folder, "one.bst");
    rmSync(join(cwd, "one.bst"));
    rmSync(folder, { recursive: true });
    expect(await run("workspace", "close", "--remove-dir", "one.bst")).toMatchObject({ error: { domain: "stream" } });
    await succeed("workspace", "close", "one.bst");
    expect(await list()).toEqual([]);
    expect(await run("workspace", "close")).toMatchObject({
      error: { domain: "app", message: "No elements specified" },
    });
  });

  it("means the workspace's element in its folder", async () => {
    const { folder, succeed, list } = workplace();
    await succeed("workspace", "open", "--directory", folder, "one.bst");
    await succeed("-C", folder, "workspace", "close");
    expect(await list()).toEqual([]);
  });
});

describe("reset", () => {
  it("puts the sources back, and nothing else", async () => {
    const { folder, run, succeed, list, key } = workplace();
    await succeed("workspace", "open", "--directory", folder, "one.bst");
    mkdirSync(join(folder, "new/folder"), { recursive: true });
    writeFileSync(join(folder, "a"), "changed");
    const changed = await key("one.bst");
    expect(await run("workspace", "reset", "--all", "one.bst")).toMatchObject({ code: 255, error: { domain: "app" } });
    expect(await run("workspace", "reset", "sub/two.bst")).toMatchObject({ error: { domain: "stream" } });
    await succeed("workspace", "reset", "--soft", "one.bst");
    expect(text(folder, "a")).toBe("changed");
    await succeed("workspace", "reset", "--all");
    expect(readdirSync(folder).sort()).toEqual([".bstproject.yaml", "a", "bin"]);
    expect(text(folder, "a")).toBe("1");
    expect(await list()).toHaveLength(1);
    expect(await key("one.bst")).not.toBe(changed);
  });
});

it("refuses workspaces of another format", async () => {
  const { cwd, run } = workplace();
  for (const version of ["-1", "0.5", "3", "5"]) {
    writeFiles(cwd, { ".bst2/workspaces.yml": `format-version: ${version}\n` });
    expect(await run("workspace", "list")).toMatchObject({ error: { domain: "load", reason: "invalid-data" } });
  }
});

describe("builds in workspaces", () => {
  const program = `kind: manual
build-depends: [root.bst]
sources:
- kind: local
  path: files/program
config:
  configure-commands:
  - test ! -e configured && echo "$(cat source)" > configured
  build-commands:
  - test source -nt built || test ! -e built && cp source built || true
  - grep -v bad built
  install-commands:
  - cp configured built %{install-root}
`;

  async function open() {
    const place = workplace({ "root.bst": imported("root"), "program.bst": program, "files/program/source": "1" });
    writeRoot(join(place.cwd, "files/root"));
    await place.succeed("workspace", "open", "--directory", place.folder, "program.bst");
    return {
      ...place,
      build: () => place.run("build", "program.bst"),
      result: async () => {
        const to = join(tempDir("checkout"), "it");
        await place.succeed("artifact", "checkout", "--directory", to, "program.bst");
        return [text(to, "configured").trim(), text(to, "built").trim()];
      },
      lastBuild: () => parse(text(place.cwd, ".bst2/workspaces.yml")).workspaces["program.bst"].last_build,
    };
  }

  it("go on from the last build, be it a failed one", { timeout: 120_000 }, async () => {
    const { cwd, folder, succeed, build, result, key, lastBuild } = await open();
    expect(await build()).toMatchObject({ code: 0 });
    expect(await result()).toEqual(["1", "1"]);
    expect(`${lastBuild()}\n`).toBe(await key("program.bst"));

    writeFileSync(join(folder, "source"), "bad");
    expect(await build()).toMatchObject({ code: 255, stderr: expect.stringContaining("Incremental build") });
    expect(`${lastBuild()}\n`).toBe(await key("program.bst"));

    writeFileSync(join(folder, "source"), "3");
    expect(await build()).toMatchObject({ code: 0, stderr: expect.stringContaining("Incremental build") });
    // Configured once, and built from what changed.
    expect(await result()).toEqual(["1", "3"]);

    // As programs like make see it, nothing has changed since.
    writeFileSync(join(folder, "source"), "4");
    utimesSync(join(folder, "source"), 1_000_000_000, 1_000_000_000);
    expect(await build()).toMatchObject({ code: 0 });
    expect(await result()).toEqual(["1", "3"]);

    await succeed("workspace", "reset", "--soft", "program.bst");
    expect(lastBuild()).toBeUndefined();
    writeFileSync(join(folder, "source"), "5");
    expect(await build()).toMatchObject({ code: 0, stderr: expect.not.stringContaining("Incremental build") });
    expect(await result()).toEqual(["5", "5"]);

    writeFiles(cwd, { "files/root/etc/new": "x" });
    writeFileSync(join(folder, "source"), "6");
    // Built with other tools, nothing of the last build can be trusted.
    expect(await build()).toMatchObject({ code: 0, stderr: expect.not.stringContaining("Incremental build") });
    expect(await result()).toEqual(["6", "6"]);
  });
});
