/** What podman makes of layers: owners, modes, attributes and capabilities, and files that took the place of others. */
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { layered } from "../oci/layered.ts";
import { writeRoot } from "../root.ts";
import { Podman, podmanAbsent } from "./podman.ts";

if (podmanAbsent !== undefined) console.warn(`skipped: layers in a container: ${podmanAbsent}`);

const cwd = project({
  ...layered,
  "elements/tools.bst": `
kind: import
sources: [{kind: local, path: tools}]
public:
  oci:
    changes: rarely
    files:
      /usr/bin/setuid-cat: {mode: '4755'}
      /usr/bin/capable-cat: {capabilities: cap_net_bind_service=ep, group: app}
      /usr/share/note: {mode: '0640', xattrs: {user.note: told, user.bytes: '0x00ff'}}
`,
  "elements/again.bst": "kind: filter\nbuild-depends: [above.bst]\nconfig: {include-orphans: True}\n",
  "elements/base.bst": `
kind: oci
build-depends: [below.bst]
config:
  images: [{architecture: amd64, os: linux, layer: [below.bst]}]
`,
  "elements/image.bst": `
kind: oci
build-depends: [base.bst, again.bst]
config:
  compression: zstd
  compression-level: 1
  images:
  - architecture: amd64
    os: linux
    parent: {element: base.bst}
    layer: [again.bst]
    layers: {max: 6}
    tags: ['example/layers:1']
    source-date-epoch: 1000000000
    config: {User: app}
`,
  "project.conf": "name: test\nmin-version: 2.0\nelement-path: elements\n",
  "old/srv/data/b": "1",
});
const tar = join(tempDir("image"), "image.tar");
const config = cacheConfig();

async function bst(...args: string[]): Promise<void> {
  const result = await runCli(args, { cwd, config });
  expect(result.code, result.stderr).toBe(0);
}

describe.skipIf(podmanAbsent !== undefined)("layers in a container", () => {
  const podman = new Podman();
  afterAll(() => podman[Symbol.dispose]());
  let image = "";

  beforeAll(async () => {
    writeRoot(join(cwd, "root"));
    for (const name of ["setuid-cat", "capable-cat"])
      copyFileSync(join(cwd, "root/usr/bin/cat"), join(cwd, "tools/usr/bin", name));
    await bst("build", "image.bst");
    await bst("artifact", "checkout", "--tar", tar, "image.bst");
    [image = ""] = await podman.load(tar);
  });

  it("make the files that were asked for, with their owners and modes", async () => {
    const found = await podman.output(image, "find", "/srv", "-printf", "%y %m %U:%G %P %l\n");
    expect(
      found
        .split("\n")
        .map((line) => line.trim())
        .sort(),
    ).toEqual(
      [
        // The folder itself is the parent's.
        "d 755 0:0",
        "d 1777 1000:7 data",
        "f 644 1000:7 data/z",
        "d 755 1000:7 file-to-folder",
        "f 644 1000:7 file-to-folder/inside",
        "f 644 1000:7 folder-to-file",
        "l 777 1000:7 folder-to-link data",
        "d 755 1000:7 link-to-folder",
        "f 644 1000:7 link-to-folder/inside",
        "f 644 1000:7 kept",
        "f 644 1000:7 changed",
      ].sort(),
    );
    expect(await podman.output(image, "cat", "/srv/changed", "/srv/data/z")).toBe("22");
  });

  it("keep setuid and capabilities, as the kernel says", async () => {
    const status = async (program: string, key: string) =>
      new RegExp(`^${key}:\\s*(.*)$`, "m").exec(await podman.output(image, program, "/proc/self/status"))?.[1];
    expect(await status("cat", "Uid")).toBe("1000\t1000\t1000\t1000");
    expect(await status("setuid-cat", "Uid")).toBe("1000\t0\t0\t0");
    expect(await status("cat", "CapEff")).toBe("0000000000000000");
    expect(await status("capable-cat", "CapEff")).toBe("0000000000000400");
  });

  it("keep other attributes", async () => {
    const folder = await podman.mount(image);
    const read = "import os, sys; print([os.getxattr(sys.argv[1], name) for name in ('user.note', 'user.bytes')])";
    const found = execFileSync("python3", ["-c", read, join(folder, "usr/share/note")], { encoding: "utf8" });
    expect(found.trim()).toBe("[b'told', b'\\x00\\xff']");
    expect(await podman.output(image, "stat", "-c", "%a %u:%g %Y", "/usr/share/note", "/usr/bin/capable-cat")).toBe(
      "640 0:0 1000000000\n755 0:1001 1000000000",
    );
  });

  it("say what is in each and when it was made", async () => {
    const { Created, History } = (await podman.inspect(image)) as {
      Created: string;
      History: readonly { created_by?: string; created?: string }[];
    };
    expect(Created).toBe("2001-09-09T01:46:40Z");
    expect(History.map(({ created_by }) => created_by)).toEqual([
      undefined,
      "What is gone",
      "tools.bst",
      "new.bst",
      // The attributes of a folder that was there before.
      "What no element brings",
    ]);
  });
});
