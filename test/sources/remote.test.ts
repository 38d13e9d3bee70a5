import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { remote } from "../../src/sources/remote.ts";
import { mappingFrom } from "../../src/yaml/node.ts";
import { tempDir } from "../helpers.ts";
import { bench, listing } from "./helpers.ts";
import { serveFtp, serveHttp } from "./servers.ts";

const content = Buffer.from("the file\n");
const sha256 = createHash("sha256").update(content).digest("hex");

function home(netrc?: string, mode = 0o600): void {
  const directory = tempDir("home");
  vi.stubEnv("HOME", directory);
  if (netrc === undefined) return;
  writeFileSync(join(directory, ".netrc"), netrc);
  chmodSync(join(directory, ".netrc"), mode);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("remote", () => {
  test("stages a file under the last part of its URL, or another name", async () => {
    const on = bench({ files: ["file:///"] });
    const path = join(tempDir("files"), "some%20name.txt");
    writeFileSync(path.replace("%20", " "), content);
    const source = on.configure(remote, { url: `files:${path}`, ref: sha256 });
    expect(source.isCached(on.io)).toBe(false);
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
    expect(listing(on.cas, await on.stage(source))).toEqual(["some%20name.txt = the file\n"]);
    const other = on.configure(remote, {
      url: `files:${path}`,
      ref: sha256,
      filename: "run",
      executable: "True",
      version: "2.0",
    });
    expect(listing(on.cas, await on.stage(other))).toEqual(["run* = the file\n"]);
    expect(source.uniqueKey()).toEqual([`files:${path}`, sha256, "some%20name.txt", false]);
    expect(other.uniqueKey()).toEqual([`files:${path}`, sha256, "2.0", "run", true]);
  });

  test("keeps downloads where BuildStream keeps them", async () => {
    const { url } = await serveHttp((_request, response) => response.setHeader("ETag", '"one"').end(content));
    const on = bench({ up: [url] });
    await on.configure(remote, { url: "up:/dir/file-1.2.txt", ref: sha256 }).fetch(on.io);
    const file = join(on.io.mirrorDirectory, "up__dir_file_1_2_txt", sha256);
    expect(readFileSync(file)).toEqual(content);
    expect(readFileSync(`${file}.etag`, "utf8")).toBe('"one"');
  });

  test("refuses a filename with folders", () => {
    const config = { url: "http://example.com/x", filename: "a/b" };
    expect(() => bench().configure(remote, config)).toThrow(
      expect.objectContaining({ domain: "source", reason: "filename-contains-directory" }),
    );
  });

  test("refuses a file that is not what the ref says, after trying every mirror", async () => {
    const { url, requests } = await serveHttp((_request, response) => response.end("something else"));
    const on = bench({ up: [`${url}/one`, `${url}/two`] });
    const source = on.configure(remote, { url: "up:/x", ref: sha256 });
    await expect(source.fetch(on.io)).rejects.toMatchObject({
      domain: "source",
      reason: null,
      message: expect.stringContaining("/two/x"),
      detail: expect.stringMatching(/Tried before:.*\/one\/x/s),
    });
    expect(requests.map((request) => request.url)).toEqual(["/one/x", "/two/x"]);
    expect(source.isCached(on.io)).toBe(false);
  });

  test("takes the next mirror where the first has nothing", async () => {
    const { url } = await serveHttp((request, response) => {
      if (request.url === "/two/x") response.end(content);
      else response.writeHead(404).end();
    });
    const on = bench({ up: [`${url}/one`, `${url}/two`] });
    const source = on.configure(remote, { url: "up:/x", ref: sha256 });
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
  });

  test("tracks, and asks only whether the file changed when it has one", async () => {
    let tag = '"one"';
    let body = content;
    const { url, requests } = await serveHttp((request, response) => {
      if (request.headers["if-none-match"] === tag) response.writeHead(304).end();
      else response.setHeader("ETag", tag).end(body);
    });
    const on = bench({ up: [url] });
    const source = on.configure(remote, { url: "up:/x" });
    expect(source.isResolved).toBe(false);
    const ref = await source.track(on.io);
    expect(ref).toBe(sha256);
    source.setRef(ref);
    expect(await source.track(on.io)).toBe(sha256);
    expect(requests.map((request) => request.headers["if-none-match"])).toEqual([undefined, '"one"']);
    expect(on.warnings).toEqual([]);
    tag = '"two"';
    body = Buffer.from("changed");
    expect(await source.track(on.io)).toBe(createHash("sha256").update("changed").digest("hex"));
    expect(on.warnings).toEqual(["Potential man-in-the-middle attack!"]);
  });

  test("follows redirects, and stores what is sent as it is sent", async () => {
    const packed = gzipSync(content);
    const { url } = await serveHttp((request, response) => {
      if (request.url === "/x.gz") response.writeHead(302, { location: "/there" }).end();
      else response.setHeader("Content-Type", "application/gzip").end(packed);
    });
    const on = bench({ up: [url] });
    const source = on.configure(remote, { url: "up:/x.gz" });
    source.setRef(await source.track(on.io));
    const node = (await on.stage(source)).lookup("x.gz");
    expect(node?.kind === "file" && gunzipSync(on.cas.read(node.digest))).toEqual(content);
  });

  test("gives up where redirects go round in a circle, or lead to the machine's own files", async () => {
    const { url } = await serveHttp((request, response) => {
      response.writeHead(302, { location: request.url === "/file" ? "file:///etc/passwd" : "/x" }).end();
    });
    const on = bench({ up: [url] });
    await expect(on.configure(remote, { url: "up:/x" }).track(on.io)).rejects.toThrow("without end");
    await expect(on.configure(remote, { url: "up:/file" }).track(on.io)).rejects.toThrow("of kind 'file:'");
  });

  test("tries again where the server fails for a moment, and continues a file that broke off", async () => {
    const large = Buffer.alloc(300_000, "large");
    let count = 0;
    const { url, requests } = await serveHttp((request, response) => {
      count++;
      if (count === 1) response.writeHead(503).end();
      else if (count === 2) {
        response.writeHead(200, { etag: '"one"', "content-length": large.length });
        response.write(large.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
      } else {
        const [, start = "0"] = /bytes=(\d+)-/.exec(request.headers.range ?? "") ?? [];
        response.writeHead(206, {
          etag: '"one"',
          "content-range": `bytes ${start}-${large.length - 1}/${large.length}`,
          "content-length": large.length - Number(start),
        });
        response.end(large.subarray(Number(start)));
      }
    });
    const on = bench({ up: [url] });
    const ref = await on.configure(remote, { url: "up:/x" }).track(on.io);
    expect(ref).toBe(createHash("sha256").update(large).digest("hex"));
    expect(requests).toHaveLength(3);
  });

  test("says that trying again may help where nobody answers", async () => {
    const on = bench();
    const source = on.configure(remote, { url: "file:///nowhere/at/all", ref: sha256 });
    await expect(source.fetch(on.io)).rejects.toMatchObject({ domain: "source", reason: null, temporary: true });
    await expect(source.fetch(on.io)).rejects.toThrow("ENOENT");
    expect(existsSync(join(on.io.mirrorDirectory, "file____nowhere_at_all"))).toBe(false);
  });
});

describe("credentials", () => {
  const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;
  const guarded = (token: string) =>
    serveHttp((request, response) => {
      if (request.headers.authorization === token) response.end(content);
      else response.writeHead(401, { "www-authenticate": "Basic realm=x" }).end();
    });

  test("come from .netrc when the server asks for them", async () => {
    home('# mine\nmachine 127.0.0.1\nlogin user password "secret"\nmacdef x\nline\n\ndefault login a password b\n');
    const { url, requests } = await guarded(basic);
    const on = bench({ up: [url] });
    expect(await on.configure(remote, { url: "up:/x" }).track(on.io)).toBe(sha256);
    expect(requests.map((request) => request.headers.authorization)).toEqual([undefined, basic]);
  });

  test("are not sent to a host that a redirect leads to", async () => {
    home("machine 127.0.0.1 login user password secret\n");
    const { url: other, requests } = await serveHttp((_request, response) => response.end(content));
    const { url } = await serveHttp((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401).end();
      else response.writeHead(302, { location: other }).end();
    });
    const on = bench({ up: [url] });
    expect(await on.configure(remote, { url: "up:/x" }).track(on.io)).toBe(sha256);
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  test("are a bearer token where the mirror says so", async () => {
    home("machine 127.0.0.1\npassword token\n");
    const { url } = await guarded("Bearer token");
    const on = bench();
    const context = { ...on.context, candidates: () => [{ url: `${url}/x`, extra: { "http-auth": "bearer" } }] };
    const source = remote.configure(mappingFrom({ url: "x:y" }), context);
    expect(await source.track(on.io)).toBe(sha256);
  });

  test("in a file that others can read are not used", async () => {
    home("machine 127.0.0.1 login user password secret\n", 0o644);
    const { url } = await guarded(basic);
    const on = bench({ up: [url] });
    await expect(on.configure(remote, { url: "up:/x" }).track(on.io)).rejects.toThrow("the server answered 401");
    expect(on.warnings).toEqual([expect.stringContaining("chmod 600")]);
  });

  test("of the URL go before those of .netrc", async () => {
    home("machine 127.0.0.1 login user password secret\n");
    const { url } = await guarded(basic);
    const on = bench({ up: [url.replace("//", "//other@")] });
    await expect(on.configure(remote, { url: "up:/x" }).track(on.io)).rejects.toThrow("401");
  });
});

describe("ftp", () => {
  const server = { user: "user", password: "secret", files: { "dir/x": content } };

  test.each([false, true])("downloads with the login of .netrc (old server: %s)", async (old) => {
    home("machine 127.0.0.1 login user password secret\n");
    const on = bench({ up: [`ftp://${await serveFtp({ ...server, old })}`] });
    expect(await on.configure(remote, { url: "up:/dir/x" }).track(on.io)).toBe(sha256);
  });

  test.each([
    ["a missing file", "up:/gone", "550"],
    ["another user", "other:/dir/x", "530"],
    ["a line break in the path", "up:/dir/x%0d%0aQUIT", "line break"],
  ])("reports %s", async (_name, url, message) => {
    home("machine 127.0.0.1 login user password secret\n");
    const host = await serveFtp(server);
    const on = bench({ up: [`ftp://${host}`], other: [`ftp://otheruser@${host}`] });
    await expect(on.configure(remote, { url }).track(on.io)).rejects.toThrow(message);
  });

  test("does not take a transfer that broke off for a whole file", async () => {
    const host = await serveFtp({ ...server, end: "426 Broken off" });
    const on = bench({ up: [`ftp://user:secret@${host}`] });
    await expect(on.configure(remote, { url: "up:/dir/x" }).track(on.io)).rejects.toThrow("426");
  });
});

describe("version guesses", () => {
  const guess = (config: Record<string, string>) => {
    const on = bench();
    return on.configure(remote, { url: "https://example.com/v1.2/foo-bar-1.2.3.tar.gz", ...config }).info()[0]
      ?.versionGuess;
  };

  test("are the match with the most numbers", () => {
    expect(guess({})).toBe("1.2.3");
    expect(guess({ version: "7" })).toBe("7");
    expect(guess({ "version-guess-pattern": "foo-(?P<name>bar)" })).toBe("bar");
    expect(guess({ "version-guess-pattern": "foo" })).toBe("foo");
    expect(guess({ "version-guess-pattern": "none" })).toBeUndefined();
  });

  test("need a valid pattern", () => {
    expect(() => guess({ "version-guess-pattern": "(" })).toThrow(expect.objectContaining({ reason: "invalid-data" }));
  });
});
