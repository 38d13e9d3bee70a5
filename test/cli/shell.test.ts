/** Shells run in what an element runs in, is built in, or was built in, and see of the machine what they are shown. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { BuiltCache } from "../build/cache.ts";
import { cacheConfig, project, runCli, tempDir, writeFiles } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const config = cacheConfig();
const machine = tempDir("machine");
let cwd: string;

async function bst(args: readonly string[], options: Parameters<typeof runCli>[1] = {}) {
  return runCli(args, { cwd, config, ...options });
}

async function shell(...args: string[]) {
  return bst(["shell", ...args]);
}

async function outputOf(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await shell(...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

beforeAll(async () => {
  writeFiles(machine, { file: "of the machine", "folder/inside": "x" });
  cwd = project({
    "project.conf": `name: test
min-version: 2.0
shell:
  command: [sh, -c, echo "the project's shell"]
  environment:
    GREETING: hello \${WHOM}
  host-files:
  - host_path: ${machine}/\${WHICH}
    path: /etc/of-machine
  - ${machine}/missing
  - path: ${machine}/optional
    optional: True
`,
    "root.bst": `kind: import
sources:
- kind: local
  path: files/root
public:
  bst:
    integration-commands:
    - echo integrated > /etc/integrated; echo "printed by the integration"
`,
    "program.bst": `kind: manual
build-depends: [root.bst]
runtime-depends: [root.bst]
sources:
- kind: local
  path: files/program
environment:
  OWN: value
variables:
  command-subdir: below
config:
  build-commands:
  - echo built > output
  - test "$(cat ../below/input)" = good
  install-commands:
  - mkdir -p %{install-root}/usr/share
  - cp output %{install-root}/usr/share/program
`,
    "unbuilt.bst": `kind: manual\nbuild-depends: [program.bst]\nconfig:\n  build-commands: ["true"]\n`,
    "files/program/below/input": "good",
  });
  writeRoot(join(cwd, "files/root"));
  writeFiles(cwd, { "files/root/etc/": "" });
  const { code, stderr } = await bst(["--cache-buildtrees", "always", "build", "program.bst"]);
  expect(code, stderr).toBe(0);
});

describe("a shell", () => {
  it("leaves nothing behind", async () => {
    await outputOf("program.bst", "--", "sh", "-c", "echo x > /tmp/x");
    expect(readdirSync(join(dirname(config), "cache/cas/sandboxes"))).toEqual([]);
  });

  it("has the element with what it needs to run, integrated, and nothing of the build", async () => {
    expect(await outputOf("program.bst", "--", "cat", "/usr/share/program", "/etc/integrated")).toBe(
      "built\nintegrated\n",
    );
    expect(await outputOf("program.bst", "--", "sh", "-c", "pwd; echo $OWN")).toBe("/\nvalue\n");
    expect(await shell("program.bst", "--", "touch", "/file")).toMatchObject({ code: 1 });
    expect(await shell("root.bst", "--", "cat", "/usr/share/program")).toMatchObject({ code: 1 });
  });

  it("passes on exit statuses, and reads the standard input", async () => {
    for (const status of [0, 1, 77]) {
      expect(await shell("root.bst", "--", "sh", "-c", `exit ${status}`)).toMatchObject({ code: status });
    }
    expect(await bst(["shell", "root.bst", "--", "cat"], { stdin: "given" })).toMatchObject({ stdout: "given" });
  });

  it("is the project's where no command is given", async () => {
    expect(await outputOf("root.bst")).toBe("the project's shell\n");
    expect(await outputOf("root.bst", "--", "sh", "-c", 'echo "$PS1"')).toMatch(
      /^\[[0-9a-f]{8}@root.bst:\$\{PWD\}\]\$ \n$/,
    );
  });

  it("says what is missing", async () => {
    expect(await shell("unbuilt.bst", "--", "true")).toMatchObject({
      code: 255,
      error: { domain: "app", reason: "shell-missing-deps", detail: "unbuilt.bst" },
    });
    expect(await shell("root.bst", "--", "no-such-command")).toMatchObject({
      code: 255,
      error: { domain: "app", reason: "missing-command" },
    });
    expect(await shell("none.bst")).toMatchObject({ error: { domain: "app", reason: "missing-file" } });
    expect(await shell()).toMatchObject({ code: 255, error: { domain: "app" } });
    expect(await shell("nonsense")).toMatchObject({ error: { reason: "unrecognized-target-format" } });
    expect(await shell(`test/program/${"0".repeat(64)}`)).toMatchObject({
      error: { domain: "app", reason: "only-buildtrees-supported" },
    });
  });
});

describe("of the machine, a shell sees", () => {
  const env = { WHOM: "world", WHICH: "file" };

  it("what the project and the command line say, which may be variables", async () => {
    const script = 'echo "$GREETING"; cat /etc/of-machine; ls /deep/mounted';
    const args = ["shell", "--mount", `${machine}/folder`, "/deep/mounted", "root.bst", "--", "sh", "-c", script];
    const { code, stdout, stderr } = await bst(args, { env });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "hello world\nof the machineinside\n" });
    expect(stderr).toContain(`Not mounting non-existing host file: ${machine}/missing`);
    expect(stderr).not.toContain("optional");
    writeFileSync(join(machine, "folder/inside"), "x");
  });

  it("nothing where it is isolated", async () => {
    const script = 'echo "[$GREETING]"; test ! -e /etc/of-machine; ls /deep 2>/dev/null | wc -l';
    const args = ["shell", "--isolate", "--mount", `${machine}/folder`, "/deep", "root.bst", "--", "sh", "-c", script];
    expect(await bst(args, { env })).toMatchObject({ code: 0, stdout: "[]\n0\n" });
  });
});

describe("a build's shell", () => {
  it("has sources and tools, in the build's folder, which can be written to", async () => {
    const script = "pwd; cat input; touch written ../written %; ls; cat /etc/integrated; touch /file";
    const { code, stdout } = await shell("--build", "program.bst", "--", "sh", "-c", script);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: "/buildstream/test/program.bst/below\ngood%\ninput\nwritten\nintegrated\n",
    });
    // Nothing of that is kept.
    expect(await outputOf("--build", "program.bst", "--", "ls")).toBe("input\n");
  });

  it("fetches sources, needs what the element is built from, and not the element", async () => {
    expect(await outputOf("--build", "unbuilt.bst", "--", "cat", "/usr/share/program")).toBe("built\n");
  });

  it("has what the build left, where that is kept", async () => {
    const list = [
      "--build",
      "--use-buildtree",
      "program.bst",
      "--",
      "sh",
      "-c",
      "pwd; ls; cat /etc/integrated; echo $OWN",
    ];
    const left = "/buildstream/test/program.bst/below\ninput\noutput\nintegrated\nvalue\n";
    expect(await outputOf(...list)).toBe(left);
    expect(await outputOf("--use-buildtree", "program.bst", "--", "touch", "more")).toBe("");
    const key = (await bst(["show", "--deps", "none", "--format", "%{full-key}", "program.bst"])).stdout.trim();
    expect(await outputOf("--use-buildtree", `test/program/${key}`, "--", "cat", "output")).toBe("built\n");

    const refusal = (reason: string) => ({ code: 255, error: { domain: "app", reason } });
    expect(await shell("--use-buildtree", "unbuilt.bst", "--", "true")).toMatchObject(
      refusal("missing-buildtree-artifact-not-cached"),
    );
    const cache = new BuiltCache(config);
    const { buildTree } = cache.artifact("program.bst", key);
    if (buildTree === undefined) throw new Error("the build tree was kept");
    rmSync(join(cache.folder, "cas/objects", buildTree.hash.slice(0, 2), buildTree.hash.slice(2)));
    expect(await shell("--use-buildtree", "program.bst", "--", "true")).toMatchObject(
      refusal("missing-buildtree-artifact-buildtree-not-cached"),
    );
  });

  it("has what a failed build left, and says so", async () => {
    writeFileSync(join(cwd, "files/program/below/input"), "bad");
    expect(await bst(["build", "program.bst"])).toMatchObject({ code: 255 });
    const { stdout, stderr } = await shell("--use-buildtree", "program.bst", "--", "cat", "output");
    expect(stdout).toBe("built\n");
    expect(stderr).toContain("using a buildtree from a failed build");
    writeFileSync(join(cwd, "files/program/below/input"), "good");
  });

  it("cannot have what was not kept", async () => {
    const args = ["--cache-buildtrees", "never", "build", "unbuilt.bst"];
    expect(await bst(args)).toMatchObject({ code: 0 });
    expect(await shell("--use-buildtree", "unbuilt.bst", "--", "true")).toMatchObject({
      error: { domain: "app", reason: "missing-buildtree-artifact-created-without-buildtree" },
    });
  });
});
