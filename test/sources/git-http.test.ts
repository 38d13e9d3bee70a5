import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { git } from "../../src/sources/git.ts";
import { gitRepo } from "../../src/sources/git-repo.ts";
import { gitTag } from "../../src/sources/git-tag.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { GitRepository } from "./git-repository.ts";
import { bench } from "./helpers.ts";

const PASSWORD = "s3cret";

let server: Server | undefined;

afterEach(() => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
});

/** Serves repositories below a folder by git's own CGI program. @returns the URL of the folder */
async function serve(root: string, before: (request: IncomingMessage, response: ServerResponse) => boolean) {
  const execPath = execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim();
  server = createServer((request, response) => {
    if (before(request, response)) return;
    const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
    const env = {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: request.headers["git-protocol"]?.toString() ?? "",
    };
    const cgi = spawn(join(execPath, "git-http-backend"), { env, stdio: ["pipe", "pipe", "ignore"] });
    request.pipe(cgi.stdin);
    const chunks: Buffer[] = [];
    cgi.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    cgi.on("close", () => {
      const output = Buffer.concat(chunks);
      const end = output.indexOf("\r\n\r\n");
      for (const line of output.toString("latin1", 0, end).split("\r\n")) {
        const [name = "", value = ""] = line.split(": ");
        if (name === "Status") response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(output.subarray(end + 4));
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function repository() {
  const made = new GitRepository(tempDir("served"), "lib.git");
  made.commit("one", { file: "one\n" });
  made.tag("v1.0", { annotated: true });
  const tip = made.commit("two", { file: "two\n" });
  return { root: dirname(made.directory), refs: { tip, exact: `v1.0-0-g${made.git("rev-parse", "HEAD~1")}` } };
}

describe("git over HTTP", () => {
  test.each(Object.entries({ git, git_repo: gitRepo, git_tag: gitTag }))("%s fetches and tracks", async (_, kind) => {
    const { root, refs } = repository();
    const address = await serve(root, () => false);
    for (const ref of [refs.exact, refs.tip]) {
      const on = bench();
      const source = on.configure(kind, { url: `${address}/lib.git`, ref });
      await source.fetch(on.io);
      expect((await on.stage(source)).exists("file")).toBe(true);
    }
    const on = bench();
    const source = on.configure(kind, { url: `${address}/lib.git`, track: "v1.0" });
    expect(await source.track(on.io)).toContain(refs.exact.slice(-40));
  });

  test("passwords are those of .netrc, and nobody is asked for any", async () => {
    const { root, refs } = repository();
    const expected = `Basic ${Buffer.from(`me:${PASSWORD}`).toString("base64")}`;
    const address = await serve(root, (request, response) => {
      if (request.headers.authorization === expected) return false;
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="test"' }).end();
      return true;
    });
    const home = tempDir("home");
    vi.stubEnv("HOME", home);
    vi.stubEnv("GIT_ASKPASS", undefined);
    vi.stubEnv("SSH_ASKPASS", undefined);
    const on = bench();
    const source = on.configure(gitRepo, { url: `${address}/lib.git`, ref: refs.tip });
    await expect(source.fetch(on.io)).rejects.toMatchObject({ domain: "source", temporary: true });
    writeFiles(home, { ".netrc": `machine 127.0.0.1 login me password ${PASSWORD}\n` });
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
  });

  test("a fetch that is aborted leaves nothing, and can be repeated", async () => {
    const { root, refs } = repository();
    let stalled: () => void = () => {};
    const stalls = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    let isStalling = true;
    const address = await serve(root, (request) => {
      if (!isStalling || request.method !== "POST") return false;
      stalled();
      return true;
    });
    for (const kind of [git, gitRepo, gitTag]) {
      const on = bench();
      isStalling = true;
      const abort = new AbortController();
      const source = on.configure(kind, { url: `${address}/lib.git`, ref: refs.exact });
      const fetching = source.fetch({ ...on.io, signal: abort.signal });
      await Promise.race([stalls, fetching]);
      abort.abort(new Error("enough"));
      await expect(fetching).rejects.toThrow("enough");
      expect(source.isCached(on.io)).toBe(false);
      expect(readdirSync(on.io.mirrorDirectory).filter((name) => name.startsWith("tmp"))).toEqual([]);
      isStalling = false;
      await source.fetch(on.io);
      expect(source.isCached(on.io)).toBe(true);
    }
  });
});
