/** What makes a build fail is told each time, and never taken for a result. */
import { join } from "node:path";
import { expect, it } from "vitest";
import { project, runCli } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const base = "kind: import\nsources:\n- kind: local\n  path: root\n";

it("is that there is nothing to keep", async () => {
  const cwd = project({
    "base.bst": base,
    "a.bst": `kind: script
build-depends: [base.bst]
config:
  commands:
  - rm -rf %{install-root}
`,
  });
  writeRoot(join(cwd, "root"));
  for (const reason of [null, "cached-failure"]) {
    const { code, error, stderr } = await runCli(["build", "a.bst"], { cwd });
    expect(stderr).toContain("The build left no folder '/buildstream-install'");
    expect({ code, task: error?.task }).toEqual({ code: 255, task: { domain: "element", reason } });
  }
});

it("is a sandbox that cannot be had here, which is not kept as the build's result", async () => {
  const cwd = project({
    "base.bst": base,
    "a.bst": `kind: manual
build-depends: [base.bst]
sandbox:
  remote-apis-socket: { path: /usr/bin/cat }
config:
  build-commands: ["true"]
`,
  });
  writeRoot(join(cwd, "root"));
  for (let time = 0; time < 2; time++) {
    const { code, error } = await runCli(["build", "a.bst"], { cwd });
    expect({ code, task: error?.task }).toEqual({
      code: 255,
      task: { domain: "virtual-fs", reason: "remote-apis-socket" },
    });
  }
});
