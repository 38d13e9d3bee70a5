/** Somebody at the terminal says what becomes of a build after a job has failed. */
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { bstTs, cacheConfig, project } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { hasTerminals, type } from "../terminal.ts";

const manual = (command: string, needs = "base.bst") =>
  `kind: manual\nbuild-depends: [${needs}]\nconfig:\n  build-commands:\n  - |\n    ${command}\n`;

let cwd: string;
let config: string;

beforeEach(() => {
  config = cacheConfig();
  cwd = project({
    "base.bst": "kind: import\nsources:\n- kind: local\n  path: root\n",
    "bad.bst": `${manual("echo before; test -e ready")}sources:\n- kind: local\n  path: files\n`,
    "other.bst": manual("true"),
    "last.bst": manual("true", "other.bst, base.bst"),
    "above.bst": manual("true", "bad.bst, base.bst"),
    "all.bst": "kind: stack\ndepends: [above.bst, last.bst]\n",
    "files/there": "x",
  });
  writeRoot(join(cwd, "root"));
});

const build = (answers: readonly string[], options: readonly string[] = []) =>
  type([...bstTs, "--config", config, "--no-colors", "--builders", "1", ...options, "build", "all.bst"], answers, {
    prompt: /Choice \[continue\]: .*$|\]\$ $/,
    cwd,
    env: { PAGER: "cat" },
  });

describe.skipIf(!hasTerminals)("after a failure", () => {
  it("goes on with what does not need it, which is what an empty answer means", async () => {
    const { screen, status } = await build(["\n"]);
    expect(screen).toContain("Build of bad.bst failed");
    expect(screen).toMatch(/SUCCESS.*\n(?:.*\n)*.*last\.bst/);
    expect(screen).toMatch(/Build Queue: processed 3, skipped 0, failed 1/);
    expect(status).toBe(255);
  });

  it("stops when told to, or when nobody is there any more", async () => {
    for (const answer of ["q\n", "terminate\n", "\u0004", "\u0003"]) {
      const { screen, status } = await build([answer]);
      expect(screen.match(/What now\?/g)).toHaveLength(1);
      expect(screen).not.toContain("build:last.bst");
      expect(status).toBe(255);
    }
  });

  it("asks again for what is no choice", async () => {
    const { screen } = await build(["x\n", "quit\n"]);
    expect(screen).toContain("Error: 'x' is not one of continue, quit, terminate, retry, log, shell");
  });

  it("shows the log, opens the sandbox, and runs the job again", async () => {
    const { screen, status } = await build([
      "log\n",
      "shell\n",
      "echo con$(cat there)tent; exit\n",
      "retry\n",
      "quit\n",
    ]);
    expect(screen).toMatch(/START {3}\[[0-9a-f]{8}\] bad\.bst: Build\n/);
    expect(screen).toContain("\nconxtent\n");
    expect(screen.match(/What now\?/g)).toHaveLength(4);
    expect(screen).toMatch(/Build Queue: processed 1, skipped 0, failed 1/);
    expect(screen.match(/START {3}test\/bad\/[0-9a-f]{8}-build/g)).toHaveLength(2);
    expect(status).toBe(255);
  });

  it("asks nobody where the command line has the answer", async () => {
    const { screen, status } = await build([], ["--on-error", "quit"]);
    expect(screen).not.toContain("What now?");
    expect(status).toBe(255);
  });
});
