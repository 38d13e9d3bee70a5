/** What others say of images that bst-ts made: those that check them, those that unpack them, those that run them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tempDir } from "../helpers.ts";
import { serveDebianRegistry } from "../oci/debian-registry.ts";
import { Podman, podmanAbsent } from "../podman/podman.ts";
import { blobPath, buildImages, declaredOf, type Images, ociNames, onBaseNames, readLayout } from "./images.ts";
import {
  askCrane,
  askImageTool,
  askSkopeo,
  askUmoci,
  craneAbsent,
  Docker,
  dockerAbsent,
  imageToolAbsent,
  registryAbsent,
  schemasAbsent,
  skopeoAbsent,
  umociAbsent,
} from "./programs.ts";
import { schemaOf } from "./schemas.ts";

let images: Images;
beforeAll(async () => {
  images = await buildImages();
});

/** One byte of a file is another one. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

/** What is said of it, by where in the layer that byte is: of a check of the whole, of compressed data, or of the archive. */
const damaged = /digest|diffid|gzip|flate|corrupt|archive\/tar|unexpected EOF/i;

/** A copy of a layout in which the highest layer is damaged. */
function damagedLayout(folder: string): string {
  const copy = join(tempDir("damaged"), basename(folder));
  cpSync(folder, copy, { recursive: true });
  const [layer] = readLayout(folder).manifests[0]?.layers.slice(-1) ?? [];
  if (layer === undefined) throw new Error("an image without layers");
  damage(blobPath(copy, layer));
  return copy;
}

/** A copy of an archive of Docker's form in which the highest layer is damaged. */
function damagedTar(tar: string): string {
  const dir = tempDir("damaged");
  mkdirSync(join(dir, "files"));
  execFileSync("tar", ["xf", tar, "-C", join(dir, "files")]);
  const [{ Layers }] = JSON.parse(readFileSync(join(dir, "files/manifest.json"), "utf8"));
  damage(join(dir, "files", Layers.at(-1)));
  const names = readdirSync(join(dir, "files"));
  execFileSync("tar", ["cf", join(dir, "damaged.tar"), "-C", join(dir, "files"), ...names]);
  return join(dir, "damaged.tar");
}

describe.skipIf(schemasAbsent !== undefined)("the specification's schemas", () => {
  it.each(ociNames)("hold for all JSON of %s", async (name) => {
    const folder = await images.checkout(name);
    const { index, manifests, configs } = readLayout(folder);
    expect(manifests.length).toBeGreaterThan(0);
    schemaOf("image-layout")(JSON.parse(readFileSync(join(folder, "oci-layout"), "utf8")));
    schemaOf("image-index")(index);
    for (const manifest of manifests) schemaOf("image-manifest")(manifest);
    for (const config of configs) schemaOf("config")(config);
  });

  it("do not for what is wrong", async () => {
    const { index, manifests, configs } = readLayout(await images.checkout("layers"));
    const [entry] = index.manifests;
    expect(() => schemaOf("image-layout")({ imageLayoutVersion: 1 })).toThrow();
    expect(() => schemaOf("image-index")({ ...index, manifests: [{ ...entry, digest: "none" }] })).toThrow("digest");
    expect(() => schemaOf("image-manifest")({ ...manifests[0], layers: [{ ...entry, size: "1" }] })).toThrow("size");
    expect(() => schemaOf("config")({ ...configs[0], created: "today" })).toThrow("created");
  });
});

// It knows no compression but gzip.
describe.skipIf(craneAbsent !== undefined)("crane validate", () => {
  it.each(["layers", "script"] as const)("takes %s, saved for everyone", async (name) => {
    const { ok, output } = await askCrane("validate", "--tarball", await images.save(name));
    expect(ok, output).toBe(true);
  });

  it.each(["docker", "zstd"])("takes %s in Docker's form", async (name) => {
    const { ok, output } = await askCrane("validate", "--tarball", await images.save(name, "docker-archive"));
    expect(ok, output).toBe(true);
  });

  it("refuses a layer that is damaged", async () => {
    for (const tar of [await images.save("layers"), await images.save("docker", "docker-archive")]) {
      const { ok, output } = await askCrane("validate", "--tarball", damagedTar(tar));
      expect([ok, output]).toEqual([false, expect.stringMatching(damaged)]);
    }
  });

  it.skipIf(registryAbsent !== undefined)("takes what is pushed to a registry", async () => {
    const host = await serveDebianRegistry();
    // The registry takes more than crane.
    for (const name of ["zstd", "docker"]) {
      await images.run("image", "push", `${name}.bst`, `${host}/${name}:1`);
      expect(await images.run("image", "verify", `docker://${host}/${name}:1`)).toContain("is whole");
    }
    for (const name of ["layers", "several"]) {
      await images.run("image", "push", `${name}.bst`, `${host}/${name}:1`);
      const { ok, output } = await askCrane("validate", "--remote", `${host}/${name}:1`);
      expect(ok, output).toBe(true);
    }
  });
});

describe.skipIf(skopeoAbsent !== undefined)("skopeo copy", () => {
  it.each(onBaseNames)("takes %s", async (name) => {
    const { ok, output } = await askSkopeo("copy", `oci:${await images.checkout(name)}`, `dir:${tempDir("skopeo")}`);
    expect(ok, output).toBe(true);
  });

  it("refuses a layer that is damaged", async () => {
    const folder = damagedLayout(await images.checkout("layers"));
    const { ok, output } = await askSkopeo("copy", `oci:${folder}`, `dir:${tempDir("skopeo")}`);
    expect([ok, output]).toEqual([false, expect.stringMatching(damaged)]);
  });
});

describe.skipIf(imageToolAbsent !== undefined)("oci-image-tool validate", () => {
  it.each(["layers", "plain", "script"] as const)("takes %s", async (name) => {
    const folder = await images.checkout(name);
    const { ok, output } = await askImageTool("validate", "--type", "image", "--ref", `name=example/${name}:1`, folder);
    expect(ok, output).toBe(true);
  });

  it("refuses a layer that is damaged", async () => {
    const folder = damagedLayout(await images.checkout("layers"));
    const { ok, output } = await askImageTool("validate", "--type", "image", "--ref", "name=example/layers:1", folder);
    expect([ok, output]).toEqual([false, expect.stringMatching(/digest/)]);
  });
});

describe.skipIf(umociAbsent !== undefined)("umoci unpack", () => {
  const unpack = async (folder: string, tag: string) => {
    const bundle = join(tempDir("bundle"), "bundle");
    return { ...(await askUmoci("unpack", "--image", `${folder}:${tag}`, bundle)), root: join(bundle, "rootfs") };
  };

  it.each(["layers", "plain", "script"] as const)("makes of %s what its elements hold", async (name) => {
    const { ok, output, root } = await unpack(await images.checkout(name), `example/${name}:1`);
    expect(ok, output).toBe(true);
    const expected = describeFiles(await images.checkout("above"), declaredOf);
    expect(expected.length).toBeGreaterThan(50);
    expect(describeFiles(root)).toEqual(expected);
  });

  it("refuses a layer that is damaged", async () => {
    const { ok, output } = await unpack(damagedLayout(await images.checkout("layers")), "example/layers:1");
    expect([ok, output]).toEqual([false, expect.stringMatching(damaged)]);
  });
});

type Described = { mode?: number; uid: number; gid: number };

/** A line for each file of a folder: what and whose it is, and what is in it. */
function describeFiles(folder: string, declared?: (path: string) => Described): string[] {
  const lines: string[] = [];
  const visit = (path: string) => {
    const full = join(folder, path);
    const stat = lstatSync(full);
    const told = declared?.(path);
    const { uid, gid } = told ?? stat;
    if (stat.isSymbolicLink()) {
      lines.push(`${path} -> ${readlinkSync(full)} ${uid}:${gid}`);
      return;
    }
    const mode = told === undefined ? stat.mode & 0o7777 : (told.mode ?? (stat.mode & 0o100 ? 0o755 : 0o644));
    const owned = `${path} ${mode.toString(8)} ${uid}:${gid}`;
    if (stat.isDirectory()) {
      if (path !== "") lines.push(`${owned} folder`);
      for (const name of readdirSync(full)) visit(path === "" ? name : `${path}/${name}`);
    } else lines.push(`${owned} ${createHash("sha256").update(readFileSync(full)).digest("hex")}`);
  };
  visit("");
  return lines.sort();
}

interface Inspected {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RootFS: { readonly Layers: readonly string[] };
  readonly Config: Readonly<Record<string, unknown>>;
}

const config = {
  User: "app",
  Env: ["PATH=/usr/bin:/bin", "A=b c"],
  Entrypoint: ["/usr/bin/sh", "-c", 'echo "$A $1"', "sh"],
  Cmd: ["given"],
  WorkingDir: "/srv",
};

describe.skipIf(dockerAbsent !== undefined)("docker load", () => {
  let docker: Docker;
  beforeAll(async () => {
    docker = await Docker.start();
  });
  afterAll(() => docker?.[Symbol.asyncDispose]());

  // First, as layers that are there already are not read again.
  it("refuses a layer that is damaged", async () => {
    for (const tar of [await images.save("layers"), await images.tar("docker")]) {
      const { ok, output } = await docker.ask("load", "--input", damagedTar(tar));
      expect([ok, output]).toEqual([false, expect.stringMatching(damaged)]);
    }
  });

  it("refuses layers of zstd, which this version does not know", async () => {
    expect(await docker.ask("load", "--input", await images.save("zstd"))).toMatchObject({ ok: false });
  });

  const archives: readonly (readonly [string, () => Promise<string>])[] = [
    ["layers", () => images.save("layers")],
    ["plain", () => images.tar("plain")],
    ["script", () => images.save("script")],
    ["docker", () => images.tar("docker")],
  ];

  it.each(archives)("has the configuration and the layers of %s, and runs it", async (name, tarOf) => {
    const loaded = await docker.ask("load", "--input", await tarOf());
    expect(loaded).toEqual({ ok: true, output: `Loaded image: example/${name}:1` });
    const inspected = await docker.ask("image", "inspect", `example/${name}:1`);
    const [image]: Inspected[] = JSON.parse(inspected.output);
    const { id, diffIds } = await identity(await images.checkout(name));
    expect(image).toMatchObject({
      Id: id,
      RepoTags: expect.arrayContaining([`example/${name}:1`]),
      Config: config,
      RootFS: { Layers: diffIds },
    });
    expect(image?.Config).toMatchObject({
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Volumes: { "/srv/data": {} },
    });
    const by = ["run", "--rm", "--network", "none", `example/${name}:1`];
    expect(await docker.ask(...by)).toEqual({ ok: true, output: "b c given" });
    expect(await docker.ask(...by, "other")).toEqual({ ok: true, output: "b c other" });
  });

  it("has files with their owners and modes, and no others", async () => {
    const command = ["--entrypoint", "find", "example/layers:1", "/srv", "/usr/bin/setuid-cat", "-printf"];
    const { output } = await docker.ask("run", "--rm", "--network", "none", ...command, "%y %m %U:%G %p\\n");
    const found = output.split("\n").filter((line) => !line.includes("/long"));
    expect(found.sort()).toEqual(
      [
        // The folder itself is the parent's.
        "d 755 0:0 /srv",
        "d 1777 1000:7 /srv/data",
        "f 644 1000:7 /srv/data/z",
        "d 755 1000:7 /srv/file-to-folder",
        "f 644 1000:7 /srv/file-to-folder/inside",
        "f 644 1000:7 /srv/folder-to-file",
        "l 777 1000:7 /srv/folder-to-link",
        "d 755 1000:7 /srv/link-to-folder",
        "f 644 1000:7 /srv/link-to-folder/inside",
        "f 644 1000:7 /srv/kept",
        "f 644 1000:7 /srv/changed",
        "f 644 1000:7 /srv/ümlaut ☃",
        "f 4755 0:0 /usr/bin/setuid-cat",
      ].sort(),
    );
  });
});

/** What docker and podman call an image by, and its layers. */
async function identity(folder: string): Promise<{ id: string; diffIds: readonly string[] }> {
  const [{ Config }] = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  const bytes = readFileSync(join(folder, Config));
  const { rootfs } = JSON.parse(bytes.toString());
  return { id: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, diffIds: rootfs.diff_ids };
}

describe.skipIf(podmanAbsent !== undefined)("podman load", () => {
  const podman = new Podman();
  afterAll(() => podman[Symbol.dispose]());

  // First, as layers that are there already are not read again.
  it("refuses a layer that is damaged", async () => {
    await expect(podman.load(damagedTar(await images.save("plain")))).rejects.toThrow(/digest|checksum/i);
  });

  it.each(onBaseNames)("has the configuration and the layers of %s, and runs it", async (name) => {
    const image = `localhost/example/${name}:1`;
    expect(await podman.load(await images.save(name))).toEqual([image]);
    const { id, diffIds } = await identity(await images.checkout(name));
    expect(await podman.inspect(image)).toMatchObject({
      Id: id.slice(7),
      Config: config,
      RootFS: { Layers: diffIds },
    });
    expect(await podman.output(image, "other")).toBe("b c other");
  });
});
