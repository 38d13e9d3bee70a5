/** The launcher keeps the program's compiled code, and what then runs is the whole program. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { project, runCli } from "../helpers.ts";
import { serveHttp } from "../sources/servers.ts";

it("can still load packages that are not part of it", async () => {
  const { url } = await serveHttp((_, response) => response.end("content"));
  const ref = createHash("sha256").update("content").digest("hex");
  const element = `kind: import\nsources:\n- kind: remote\n  url: ${url}/file\n  ref: ${ref}\n`;
  for (let time = 0; time < 2; time++) {
    const { code, stderr } = await runCli(["source", "fetch", "a.bst"], { cwd: project({ "a.bst": element }) });
    expect(stderr).not.toContain("FAILURE");
    expect(code).toBe(0);
  }
});
