/** The repository's own example, from its project to an image that runs. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { extract } from "tar-stream";
import { beforeAll, describe, expect, it } from "vitest";
import { cacheConfig, type RunResult, runCli, tempDir } from "../helpers.ts";
import type { ArchivedImage, Index, Manifest } from "../oci/helpers.ts";
import { Podman, podmanAbsent } from "../podman/podman.ts";

if (podmanAbsent !== undefined) console.warn(`skipped: the example's container: ${podmanAbsent}`);

const repository = dirname(dirname(import.meta.dirname));
const scratch = tempDir("example");
const cwd = join(scratch, "project");
const tar = join(scratch, "app.tar");
const config = cacheConfig();

async function bst(...args: string[]): Promise<RunResult> {
  const result = await runCli(args, { cwd, config });
  expect(result.code, result.stderr).toBe(0);
  return result;
}

beforeAll(async () => {
  mkdirSync(cwd);
  for (const name of ["project.conf", "elements", "files"]) {
    cpSync(join(repository, name), join(cwd, name), { recursive: true });
  }
  await bst("build", "oci/app.bst");
  await bst("artifact", "checkout", "--tar", tar, "oci/app.bst");
});

/** The files of the tar, by path. */
async function archived(): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const archive = extract();
  archive.end(readFileSync(tar));
  for await (const entry of archive) {
    const pieces: Buffer[] = [];
    for await (const piece of entry) pieces.push(piece as Buffer);
    if (entry.header.type === "file") files.set(entry.header.name.replace(/^\.\//, ""), Buffer.concat(pieces));
  }
  return files;
}

const blobPath = (digest: string) => `blobs/${digest.replace(":", "/")}`;

describe("the example's image", () => {
  it("is an OCI layout that docker's and podman's loaders take, with whole blobs", async () => {
    const files = await archived();
    const json = <T>(path: string): T => JSON.parse(files.get(path)?.toString() ?? `"no ${path}"`);
    expect(json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });

    const blobs = [...files].filter(([path]) => path.startsWith("blobs/"));
    expect(blobs.map(([path]) => path)).toEqual(
      blobs.map(([, bytes]) => `blobs/sha256/${createHash("sha256").update(bytes).digest("hex")}`),
    );

    const [described] = json<Index>("index.json").manifests;
    const manifest = json<Manifest>(blobPath(described?.digest ?? ""));
    const named = [described, manifest.config, ...manifest.layers];
    expect(named.map((each) => files.get(blobPath(each?.digest ?? ""))?.length)).toEqual(
      named.map((each) => each?.size),
    );
    expect(manifest.layers).toHaveLength(2);

    const [image, ...others] = json<readonly ArchivedImage[]>("manifest.json");
    expect(others).toEqual([]);
    expect(image?.Config).toBe(blobPath(manifest.config.digest));
    expect(image?.Layers).toEqual(manifest.layers.map(({ digest }) => blobPath(digest)));
    expect(json(blobPath(manifest.config.digest))).toMatchObject({
      os: "linux",
      config: { User: "web", Entrypoint: ["node", "/usr/lib/example/server.mjs"], ExposedPorts: { "8080/tcp": {} } },
    });
  });

  it("is the same when it is checked out to a folder", async () => {
    const folder = join(scratch, "folder");
    await bst("artifact", "checkout", "--directory", folder, "oci/app.bst");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
    expect(paths.toSorted()).toEqual([...(await archived()).keys()].toSorted());
  });

  it("has the server, and nothing that only developers and debuggers need", async () => {
    const { stdout } = await bst("artifact", "list-contents", "oci/layers/app.bst");
    const paths = stdout.split("\n").map((line) => line.trim().replace(/^\//, ""));
    expect(paths).toEqual(expect.arrayContaining(["usr/lib/example/server.mjs", "srv/www/index.html"]));
    expect(paths.filter((path) => /\.d\.mts$|\.map$|^initial_scripts/.test(path))).toEqual([]);
    // What is left out was there.
    const server = (await bst("artifact", "list-contents", "app/server.bst")).stdout;
    expect(server).toContain("server.d.mts");
    expect(server).toContain("server.mjs.map");
  });

  it.skipIf(podmanAbsent !== undefined)("runs in podman and answers over HTTP", async () => {
    expect(existsSync(tar)).toBe(true);
    using podman = new Podman();
    const [image = ""] = await podman.load(tar);
    expect(image).toContain("example/app:1.0");
    const url = await podman.serve(image, 8080);
    expect(await (await fetch(url)).text()).toBe(readFileSync(join(repository, "files/www/index.html"), "utf8"));
    expect(await (await fetch(`${url}healthz`)).json()).toMatchObject({ status: "ok", version: "1.0" });
    expect((await fetch(`${url}nothing`)).status).toBe(404);
  });
});
