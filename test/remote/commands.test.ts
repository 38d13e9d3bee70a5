/** Commands that pull and push, with servers that behave and servers that don't. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { cacheConfig, project, type RunOptions, runCli, tempDir } from "../helpers.ts";
import { CacheServer } from "./server.ts";

const FILES = {
  "project.conf": "name: test\nmin-version: 2.0\n",
  "base.bst": "kind: import\nsources: [{ kind: local, path: files }]\n",
  "app.bst": "kind: filter\nbuild-depends: [base.bst]\nruntime-depends: [more.bst]\n",
  "more.bst": "kind: import\nsources: [{ kind: local, path: more }]\n",
  "files/usr/bin/tool": "tool\n",
  "more/etc/conf": "conf\n",
};

let server: CacheServer;
let cwd: string;

beforeEach(async () => {
  server = await new CacheServer().start();
  cwd = project(FILES);
});

afterEach(() => server.stop());

function config(settings: Record<string, unknown> = {}): string {
  return cacheConfig({ artifacts: { servers: [{ url: server.url, push: true }] }, ...settings });
}

function sourceConfig(): string {
  return cacheConfig({ "source-caches": { servers: [{ url: server.url, push: true }] } });
}

async function run(config: string, ...args: string[]) {
  return runCli(args, { cwd, config });
}

async function succeed(config: string, ...args: string[]) {
  const result = await run(config, ...args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

function cacheOf(config: string): string {
  return parse(readFileSync(config, "utf8")).cachedir;
}

/** Names of artifacts in a cache. */
function refs(config: string): string[] {
  const folder = join(cacheOf(config), "artifacts/refs");
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
}

function pulled(stderr: string): string[] {
  return [...stderr.matchAll(/\[\s*pull:(\S+)\s*\]\s*INFO\s*Pulled artifact/g)].map((match) => match[1] ?? "").sort();
}

describe("a build", () => {
  it("pushes what it makes, and pulls it elsewhere without building", async () => {
    const first = await succeed(config(), "build", "app.bst");
    expect(first.stderr).toMatch(/Push Queue:\s+processed 3, skipped 0, failed 0/);
    const second = await succeed(config(), "build", "app.bst");
    // What it is built from is not needed then.
    expect(pulled(second.stderr)).toEqual(["app.bst", "more.bst"]);
    expect(second.stderr).toMatch(/Build Queue:\s+processed 0/);
    expect(second.stderr).toMatch(/Push Queue:\s+processed 0, skipped 2/);
  });

  it("pulls what a changed element is built from", async () => {
    await succeed(config(), "build", "app.bst");
    writeFileSync(join(cwd, "more.bst"), `${FILES["more.bst"]}variables: { changed: "1" }\n`);
    writeFileSync(join(cwd, "app.bst"), `${FILES["app.bst"]}public: { changed: "1" }\n`);
    const again = await succeed(config(), "build", "app.bst");
    expect(pulled(again.stderr)).toContain("base.bst");
    expect(again.stderr).toMatch(/Build Queue:\s+processed 1/);
  });

  it("goes on where the server is away", async () => {
    const settings = config();
    server.stop();
    const result = await succeed(settings, "build", "app.bst");
    expect(result.stderr).toContain(`WARNING Failed to initialize remote ${server.url}`);
    expect(result.stderr).not.toContain("Pull Queue");
  });

  it("builds what the server has lost a part of, and leaves no trace of it", async () => {
    await succeed(config(), "build", "base.bst");
    server.blobs.clear();
    const settings = config({ artifacts: { servers: [{ url: server.url }] } });
    const pull = await run(settings, "artifact", "pull", "base.bst");
    expect(pull.stderr).toContain("SKIPPED Pull");
    expect(refs(settings)).toEqual([]);
    const build = await succeed(settings, "build", "base.bst");
    expect(pulled(build.stderr)).toEqual([]);
  });

  it("says which artifact the server sent damaged, after trying again", async () => {
    await succeed(config(), "build", "base.bst");
    server.faults.alter = (_, data) => data.subarray(1);
    const settings = config({ scheduler: { "network-retries": 1 } });
    const result = await run(settings, "build", "base.bst");
    expect(result.code).not.toBe(0);
    expect(result.error).toMatchObject({ domain: "stream", task: { domain: "artifact" } });
    expect(result.stderr).toContain("Try #1 failed, retrying");
    expect(result.stderr).toContain(`${server.url} failed: Received blob`);
    expect(refs(settings)).toEqual([]);
  });

  it("pushes the artifact of a failed build as well, and does not run that again elsewhere", async () => {
    writeFileSync(join(cwd, "bad.bst"), "kind: script\nbuild-depends: [base.bst]\nconfig: { commands: ['false'] }\n");
    const first = await run(config(), "build", "bad.bst");
    expect(first.error?.task?.domain).toBe("sandbox");
    expect(first.stderr).toMatch(/push:bad.bst\s*\]\s*INFO\s*Pushed artifact/);
    const second = await run(config(), "build", "bad.bst");
    expect(pulled(second.stderr)).toContain("bad.bst");
    expect(second.error?.task).toMatchObject({ domain: "element", reason: "cached-failure" });
  });

  it("that is not strict pulls what was built from other versions, and nothing old into a composition", async () => {
    writeFileSync(join(cwd, "all.bst"), "kind: stack\ndepends: [base.bst]\n");
    writeFileSync(join(cwd, "layer.bst"), "kind: compose\nbuild-depends: [all.bst]\n");
    await succeed(config(), "build", "layer.bst");
    writeFileSync(join(cwd, "files/usr/bin/tool"), "new\n");
    const settings = config();
    const build = await succeed(settings, "--no-strict", "build", "layer.bst");
    // The stack alone can be the old one: its artifact has no files of others.
    expect(pulled(build.stderr)).toEqual(["all.bst"]);
    const folder = join(tempDir("checkout"), "files");
    const args = ["artifact", "checkout", "--no-integrate", "--directory", folder, "layer.bst"];
    await succeed(settings, "--no-strict", ...args);
    expect(readFileSync(join(folder, "usr/bin/tool"), "utf8")).toBe("new\n");
    expect((await succeed(settings, "--no-strict", "build", "layer.bst")).stderr).toMatch(/Build Queue:\s+processed 0/);
  });

  it("uses a server for names and another for content", async () => {
    const other = await new CacheServer().start();
    try {
      const servers = [
        { url: server.url, push: true, type: "index" },
        { url: other.url, push: true, type: "storage" },
      ];
      await succeed(config({ artifacts: { servers } }), "build", "base.bst");
      expect([server.assets.size > 0, server.blobs.size, other.assets.size, other.blobs.size > 0]).toEqual([
        true,
        0,
        0,
        true,
      ]);
      expect(pulled((await succeed(config({ artifacts: { servers } }), "build", "base.bst")).stderr)).toEqual([
        "base.bst",
      ]);
    } finally {
      other.stop();
    }
  });
});

describe("artifact", () => {
  it("show tells what could be pulled", async () => {
    await succeed(config(), "build", "base.bst");
    const settings = config();
    expect((await succeed(settings, "artifact", "show", "base.bst", "more.bst")).stdout).toBe(
      "   available base.bst\n  not cached more.bst\n\n",
    );
    // Where only the project is looked at, nobody is asked.
    const before = server.calls.length;
    await succeed(settings, "show", "base.bst");
    expect(server.calls.length).toBe(before);
  });

  it("pull and checkout take artifacts by name, without a project", async () => {
    const settings = config();
    await succeed(settings, "build", "app.bst");
    const [name = ""] = refs(settings).filter((ref) => /^test\/app\/[0-9a-f]+$/.test(ref));
    const elsewhere: RunOptions = { cwd: tempDir("empty"), config: config() };
    const pull = await runCli(["artifact", "pull", "--deps", "build", name], elsewhere);
    expect(pull.code, pull.stderr).toBe(0);
    expect(pulled(pull.stderr)).toContain("base");
    const folder = join(tempDir("checkout"), "files");
    const args = ["artifact", "checkout", "--deps", "build", "--no-integrate", "--directory", folder, name];
    const checkout = await runCli(args, { ...elsewhere, config: config() });
    expect(checkout.code, checkout.stderr).toBe(0);
    expect(readFileSync(join(folder, "usr/bin/tool"), "utf8")).toBe("tool\n");
  });

  it("pull and push are errors where there is no server for that", async () => {
    const settings = cacheConfig();
    await succeed(settings, "build", "base.bst");
    for (const command of ["pull", "push"]) {
      const result = await run(settings, "artifact", command, "base.bst");
      expect(result.error).toMatchObject({ domain: "stream", reason: null });
    }
    const pullOnly = cacheConfig({ artifacts: { servers: [{ url: server.url }] } });
    expect((await run(pullOnly, "artifact", "push", "base.bst")).error).toMatchObject({ domain: "stream" });
  });

  it("push names what is not in the cache", async () => {
    const result = await run(config(), "artifact", "push", "base.bst");
    expect(result.error).toMatchObject({ domain: "stream", task: { domain: "element", reason: null } });
    expect(result.stderr).toContain("Push failed: base.bst is not cached");
  });

  it("push says that the server has no space left, and gives no name to what is not there", async () => {
    const settings = cacheConfig();
    await succeed(settings, "build", "base.bst");
    server.faults.refuse = () => status.RESOURCE_EXHAUSTED;
    const result = await run(settings, "artifact", "push", "--artifact-remote", server.url, "base.bst");
    expect(result.error).toMatchObject({ domain: "stream", task: { domain: "artifact", reason: "cache-too-full" } });
    expect(server.assets.size).toBe(0);
  });

  it("pull ends at once when it is interrupted", async () => {
    await succeed(config(), "build", "base.bst");
    server.faults.hang = (method) => method === "BatchReadBlobs";
    const settings = config();
    const began = performance.now();
    const result = await runCli(["artifact", "pull", "base.bst"], {
      cwd,
      config: settings,
      onStart: (child) => {
        const poll = setInterval(() => {
          if (!server.calls.includes("BatchReadBlobs")) return;
          clearInterval(poll);
          child.kill("SIGINT");
        }, 20);
      },
    });
    expect(result.code).not.toBe(0);
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(refs(settings)).toEqual([]);
  });
});

describe("sources", () => {
  it("are pushed, and pulled where they can't be had any more", async () => {
    const archive = join(tempDir("archives"), "a.tar");
    execFileSync("tar", ["-cf", archive, "-C", join(cwd, "files"), "usr"]);
    writeFileSync(
      join(cwd, "tar.bst"),
      `kind: import\nsources: [{ kind: tar, url: "file://${archive}", base-dir: "" }]\n`,
    );
    const settings = sourceConfig();
    await succeed(settings, "source", "track", "tar.bst");
    const push = await succeed(settings, "source", "push", "tar.bst");
    expect(push.stderr).toContain("Pushed source");
    rmSync(archive);
    const fetch = await succeed(sourceConfig(), "source", "fetch", "tar.bst");
    expect(fetch.stderr).toContain("Pulled source");
    const build = await succeed(sourceConfig(), "build", "tar.bst");
    expect(build.stderr).toContain("Pulled source");
  });
});

describe("the storage service", () => {
  it("has what the cache has lost", async () => {
    const settings = cacheConfig({ cache: { "storage-service": { url: server.url } } });
    await succeed(settings, "build", "base.bst");
    expect(server.assets.size).toBe(0);
    rmSync(join(cacheOf(settings), "cas"), { recursive: true });
    const folder = join(tempDir("checkout"), "files");
    await succeed(settings, "artifact", "checkout", "--no-integrate", "--directory", folder, "base.bst");
    expect(readFileSync(join(folder, "usr/bin/tool"), "utf8")).toBe("tool\n");
    // What it has lost, too, is built again.
    rmSync(join(cacheOf(settings), "cas"), { recursive: true });
    server.blobs.clear();
    expect((await succeed(settings, "build", "base.bst")).stderr).toMatch(/Build Queue:\s+processed 1/);
    expect(server.blobs.size).toBeGreaterThan(0);
  });

  it("is done without where it is away", async () => {
    const settings = cacheConfig({ cache: { "storage-service": { url: server.url } } });
    server.stop();
    expect((await succeed(settings, "build", "base.bst")).stderr).toContain("Failed to initialize remote");
  });
});

describe("credentials", () => {
  const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
  if (!hasOpenssl) console.warn("skipped: there is no openssl to make certificates with");

  it("are a token, which the server gets with each call", async () => {
    const token = join(tempDir("auth"), "token");
    writeFileSync(token, "secret\n");
    const servers = [{ url: server.url, push: true, auth: { "access-token": token } }];
    await succeed(config({ artifacts: { servers } }), "build", "base.bst");
    expect(server.authorization).toBe("Bearer secret");
  });

  it("that can't be read are a warning", async () => {
    const servers = [{ url: server.url, push: true, auth: { "access-token": "/nowhere/token" } }];
    const result = await succeed(config({ artifacts: { servers } }), "build", "base.bst");
    expect(result.stderr).toContain("/nowhere/token");
  });

  it.skipIf(!hasOpenssl)("are certificates of both sides", async () => {
    const folder = tempDir("certificates");
    for (const name of ["server", "client"]) {
      const files = ["-keyout", join(folder, `${name}.key`), "-out", join(folder, `${name}.crt`)];
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
      const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files];
      execFileSync("openssl", args, { stdio: "ignore" });
    }
    const read = (name: string) => readFileSync(join(folder, name));
    const keys = [{ private_key: read("server.key"), cert_chain: read("server.crt") }];
    const secured = await new CacheServer().start(ServerCredentials.createSsl(read("client.crt"), keys, true));
    try {
      const auth = { "server-cert": join(folder, "server.crt") };
      const client = { "client-key": join(folder, "client.key"), "client-cert": join(folder, "client.crt") };
      const servers = (auth: object) => ({ artifacts: { servers: [{ url: secured.url, push: true, auth }] } });
      const anonymous = await succeed(config(servers(auth)), "build", "base.bst");
      expect(anonymous.stderr).toContain("Failed to initialize remote");
      expect(secured.assets.size).toBe(0);
      await succeed(config(servers({ ...auth, ...client })), "build", "base.bst");
      expect(secured.assets.size).toBeGreaterThan(0);
    } finally {
      secured.stop();
    }
  });
});
