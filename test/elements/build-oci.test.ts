/** Images that scripts assemble: the whole way from packages to an image, in each kind of sandbox, and what goes wrong. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bstTs, cacheConfig, project, type RunOptions, type RunResult, runCommand, tempDir } from "../helpers.ts";
import type { Configuration, Index, Manifest } from "../oci/helpers.ts";
import { Podman, podmanAbsent } from "../podman/podman.ts";
import { writeRoot } from "../root.ts";

if (podmanAbsent !== undefined) console.warn(`skipped: the script's image in a container: ${podmanAbsent}`);

const attrAbsent = spawnSync("setfattr", ["--version"]).status !== 0;
if (attrAbsent) console.warn("skipped: attributes that commands give files: this machine has no `setfattr`");

const description = `
    mode: oci
    gzip: disabled
    annotations: {whole: "yes"}
    images:
    - os: linux
      architecture: "%{go-arch}"
      parent:
        image: /parent
        index: 0
      layer: /layer
      comment: "Import the example's layer"
      config:
        Cmd: [/usr/bin/app]
        ExposedPorts: {80/tcp: {}}
        Labels:
          'com.github.containers.toolbox': 'true'
          'quay.expires-after': "%{expire}"
      annotations: {of: manifest}
      index-annotations:
        'org.opencontainers.image.ref.name': 'example/script:1'
`;

/** A script with one command. */
const script = (command: string, dependencies: string, asks = "build-oci: True"): string => `
kind: script
build-depends: ${dependencies}
environment: {SOURCE_DATE_EPOCH: '1000000000', FAKECAP_DB: /fakecap}
variables: {expire: never, go-arch: amd64}
config:
  ${asks}
  commands:
  - |
    ${command.trim().replaceAll("\n", "\n    ")}
`;
const heredoc = (text: string): string => `build-oci <<EOF || echo "status $?" >&2\n${text.trim()}\nEOF`;
const parentAndLayer = `
- root.bst
- layers/init.bst
- {filename: base.bst, config: {location: /parent}}
- {filename: layers/image.bst, config: {location: /layer}}`;

const cwd = project({
  "project.conf": "name: test\nmin-version: 2.0\nelement-path: elements\n",
  "elements/root.bst": `
kind: import
sources: [{kind: local, path: root}]
public:
  bst: {split-rules: {shell: [/usr/bin/sh, /bin, /lib*/**, /usr/lib*/**]}}
`,
  "elements/shell.bst": `kind: filter\nbuild-depends: [root.bst]\nconfig: {include: [shell]}\n`,
  "elements/app.bst": `
kind: import
sources: [{kind: local, path: app}]
public:
  oci: {files: {/usr/share/declared: {mode: '0640'}}}
  initial-script:
    script: |
      #!/bin/sh
      chmod 4755 "$1/usr/bin/app"
`,
  "elements/deps.bst": "kind: stack\ndepends: [app.bst]\n",
  "elements/layers/stack.bst": "kind: stack\ndepends: [deps.bst, root.bst]\n",
  "elements/layers/runtime.bst":
    "kind: compose\nbuild-depends: [layers/stack.bst]\nconfig: {exclude: [devel, debug, static-blocklist]}\n",
  "elements/layers/image.bst":
    "kind: compose\nbuild-depends: [layers/runtime.bst]\nconfig: {exclude: [extra, debug, static-blocklist]}\n",
  "elements/layers/init.bst":
    "kind: collect_initial_scripts\nbuild-depends: [layers/stack.bst]\nconfig: {path: /initial_scripts}\n",
  "elements/base.bst":
    "kind: oci\nbuild-depends: [root.bst]\nconfig: {images: [{architecture: amd64, os: linux, layer: [root.bst]}]}\n",
  "elements/image.bst": script(
    `
for i in /initial_scripts/*; do "$i" /layer; done
mkdir -p /layer/etc
mv /layer/usr/etc/* /layer/etc
rmdir /layer/usr/etc
rm -r /layer/srv/old
mkdir /layer/srv/old
echo 2 > /layer/srv/old/new
mkdir /fakecap
printf '\\1\\0\\0\\2\\0\\4\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' > "/fakecap/$(stat -c %Hd-%Ld-%i /layer/usr/bin/capable)-security.capability"
cd "%{install-root}"
build-oci <<EOF
${description.replaceAll(/^ {4}/gm, "").trim()}
EOF
[ -f blobs/sha256/* ] || ls blobs/sha256 | wc -l > /blobs`,
    parentAndLayer,
  ),
  // What the script makes of its layer.
  "elements/merged.bst": `
kind: import
sources: [{kind: local, path: merged}]
public:
  oci: {files: {/usr/share/declared: {mode: '0640'}, /usr/bin/app: {mode: '4755'}, /usr/bin/capable: {capabilities: cap_net_bind_service=ep}}}
`,
  "elements/same.bst": `
kind: oci
build-depends: [base.bst, root.bst, merged.bst]
variables: {expire: never, go-arch: amd64}
config:
${description
  .replaceAll(/^ {2}/gm, "")
  .replace("image: /parent", "element: base.bst")
  .replace("index: 0", "image: 0")
  .replace("layer: /layer", "layer: [root.bst, merged.bst]\n    source-date-epoch: 1000000000")
  .replace("{80/tcp: {}}", "[80/tcp]")}
`,
  "elements/added.bst": script(
    `
cd "%{install-root}"
build-oci <<EOF
images: [{os: linux, architecture: amd64, parent: {image: /parent}, add: /more}]
EOF`,
    "[root.bst, {filename: base.bst, config: {location: /parent}}, {filename: app.bst, config: {location: /more}}]",
  ),
  "elements/added-same.bst": `
kind: oci
build-depends: [base.bst, app.bst]
config:
  images:
  - {os: linux, architecture: amd64, parent: {element: base.bst}, add: [app.bst], source-date-epoch: 1000000000}
`,
  "elements/divided.bst": script(
    `
echo changed > /layer/usr/bin/app
cd "%{install-root}"
build-oci <<EOF
gzip: disabled
images: [{os: linux, architecture: amd64, layer: /layer, layers: {max: 5}}]
EOF`,
    "[root.bst, {filename: layers/image.bst, config: {location: /layer}}]",
    "build-oci: True\n  vcs-annotations: True",
  ),
  "elements/replacing.bst": script(
    `
cd "%{install-root}"
build-oci <<EOF
gzip: disabled
images: [{os: linux, architecture: amd64, layer: /layer}]
EOF`,
    `
- root.bst
- {filename: owner.bst, config: {location: /layer}}
- {filename: replacer.bst, config: {location: /layer}}
- {filename: replacer.bst, config: {location: /layer/in}}`,
  ),
  "elements/attributed.bst": script(
    `
echo new > /layer/new
setfattr -n user.note -v text /layer/new
setfattr -n user.note -v text /layer/usr/bin/app
setfattr -n user.bytes -v 0x00ff /layer/usr
cd "%{install-root}"
build-oci <<EOF
gzip: disabled
images: [{os: linux, architecture: amd64, layer: /layer}]
EOF`,
    "[root.bst, {filename: attributes.bst, config: {location: /layer}}]",
  ),
  "elements/attributes.bst": `
kind: import
sources: [{kind: local, path: attributes}]
public: {oci: {files: {/usr/bin/app: {xattrs: {user.declared: d, user.note: other}}}}}
`,
  "attributes/usr/bin/app": { executable: "app" },
  "attributed/new": "new\n",
  "attributed/usr/bin/app": { executable: "app" },
  "elements/attributed-files.bst": `
kind: import
sources: [{kind: local, path: attributed}]
public:
  oci:
    files:
      /new: {xattrs: {user.note: text}}
      /usr/bin/app: {xattrs: {user.declared: d, user.note: text}}
      /usr/: {xattrs: {user.bytes: '0x00ff'}}
`,
  "elements/attributed-same.bst": `
kind: oci
build-depends: [attributed-files.bst]
config:
  compression: none
  images: [{os: linux, architecture: amd64, layer: [attributed-files.bst], source-date-epoch: 1000000000}]
`,
  "elements/warned.bst": script(
    `
ln -s ../../by-command /layer/d
mkfifo /layer/pipe
cd "%{install-root}"
build-oci <<EOF
images: [{os: Linux, architecture: x86_64, layer: /layer}]
EOF`,
    "[root.bst, {filename: links.bst, config: {location: /layer}}]",
  ),
  "elements/links.bst": "kind: import\nsources: [{kind: local, path: links}]\n",
  "links/lib/up": { symlink: "../../x" },
  "links/lib/inside": { symlink: "../lib" },
  "elements/owner.bst": `
kind: import
sources: [{kind: local, path: owner}]
public: {oci: {files: {/**: {mode: '4750'}}}}
`,
  "elements/replacer.bst": `
kind: import
sources: [{kind: local, path: replacer}]
public: {bst: {overlap-whitelist: [/**]}, oci: {files: {/c: {mode: '0600'}}}}
`,
  "owner/a": "a",
  "owner/b": "b",
  "owner/in/a": "a",
  "owner/in/b": "b",
  "replacer/b": "another",
  "replacer/c": "c",
  "elements/shell-only.bst": script(
    `
if command -v cat ls python3; then exit 1; fi
cd "%{install-root}"
build-oci <<EOF
images: [{os: linux, architecture: amd64, layer: /usr, comment: first}]
EOF
build-oci <<EOF
gzip: gzip
images: [{os: linux, architecture: amd64, layer: ../usr, comment: second}]
EOF`,
    "[shell.bst]",
  ),
  "elements/failing.bst": script(
    [
      "cd %{install-root}; mkdir /tmp/layer; ln -s /usr /linked",
      heredoc("images:\n- {os: linux"),
      heredoc("images:\n- os: linux\n  architecture: amd64\n  colour: red"),
      heredoc("images:\n- os: linux\n  architecture: amd64\n  layer: /missing"),
      heredoc("images: [{os: linux, architecture: amd64, layer: /tmp/layer}]"),
      heredoc("images: [{os: linux, architecture: amd64, layer: /proc}]"),
      heredoc("images: [{os: linux, architecture: amd64, layer: /linked}]"),
      heredoc("images: [{os: linux, architecture: amd64, parent: {image: /usr}}]"),
      heredoc("images: [{os: linux, architecture: amd64, parent: {image: /usr, index: -1}}]"),
      heredoc("images: [{os: linux, architecture: amd64, parent: {element: base.bst}}]"),
      heredoc("vcs-annotations: True\nimages: []"),
      heredoc("images: [{os: linux, architecture: amd64, layer: /usr, layers: {max: 5}}]"),
      heredoc("gzip: fast\nimages: []"),
      heredoc(""),
    ].join("\n"),
    "[root.bst]",
  ),
  "app/usr/bin/app": { executable: "#!/bin/sh\ncat /etc/app.conf\n" },
  "app/usr/bin/capable": { executable: "#!/bin/sh\necho capable\n" },
  "app/usr/include/app.h": "devel",
  "app/usr/lib/debug/app.debug": "debug",
  "app/usr/etc/app.conf": "configured\n",
  "app/usr/share/declared": "1",
  "app/srv/old/gone": "1",
  "merged/usr/bin/app": { executable: "#!/bin/sh\ncat /etc/app.conf\n" },
  "merged/usr/bin/capable": { executable: "#!/bin/sh\necho capable\n" },
  "merged/etc/app.conf": "configured\n",
  "merged/usr/share/declared": "1",
  "merged/srv/old/new": "2\n",
  "merged/usr/lib/": "",
});
const config = cacheConfig();

/** Where bubblewrap can't be executed, sandboxes are made by unshare. */
const withoutBubblewrap = [
  ...["unshare", ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--mount", "sh", "-c"],
  'mount --bind /dev/null "$(command -v bwrap)" && exec "$@"',
  ...["sh", ...bstTs],
];

async function bst(args: readonly string[], options: RunOptions & { command?: readonly string[] } = {}) {
  return runCommand(options.command ?? bstTs, args, { cwd, config, ...options });
}

async function succeed(...args: string[]): Promise<RunResult> {
  const result = await bst(args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

/** The files of an artifact, by path. */
async function checkout(element: string, options: Parameters<typeof bst>[1] = {}): Promise<Map<string, Buffer>> {
  const built = await bst(["build", element], options);
  expect(built.code, built.stderr).toBe(0);
  const directory = join(tempDir("checkout"), "files");
  const { code, stderr } = await bst(
    ["artifact", "checkout", element, "--deps", "none", "--directory", directory],
    options,
  );
  expect(code, stderr).toBe(0);
  const paths = readdirSync(directory, { recursive: true }).map(String).sort();
  const files = paths.filter((path) => lstatSync(join(directory, path)).isFile());
  return new Map(files.map((path) => [path, readFileSync(join(directory, path))]));
}

function digests(files: ReadonlyMap<string, Buffer>): Record<string, string> {
  const hashed = [...files].map(([path, bytes]) => [path, createHash("sha256").update(bytes).digest("hex")]);
  return Object.fromEntries(hashed);
}

function imageOf(files: ReadonlyMap<string, Buffer>): { manifest: Manifest; configuration: Configuration } {
  const json = <T>(path: string): T => JSON.parse(files.get(path)?.toString() ?? `"no ${path}"`);
  const blob = <T>(digest = ""): T => json(`blobs/${digest.replace(":", "/")}`);
  const manifest = blob<Manifest>(json<Index>("index.json").manifests[0]?.digest);
  return { manifest, configuration: blob<Configuration>(manifest.config.digest) };
}

beforeAll(() => {
  writeRoot(join(cwd, "root"));
});

describe("a script with build-oci", () => {
  it("makes the image, to the byte, that an element of kind oci makes of the same files, in each kind of sandbox", async () => {
    const image = await checkout("image.bst");
    expect(image.get("oci-layout")).toBeDefined();
    expect(digests(image)).toEqual(digests(await checkout("same.bst")));
    expect(imageOf(image).manifest).toMatchObject({ annotations: { of: "manifest" }, layers: [{}, {}] });
    const unshared = await checkout("image.bst", { command: withoutBubblewrap, config: cacheConfig() });
    expect(digests(unshared)).toEqual(digests(image));
  });

  it("adds to a parent", async () => {
    expect(digests(await checkout("added.bst"))).toEqual(digests(await checkout("added-same.bst")));
  });

  it("gives no file what is declared for one that it replaced", async () => {
    const files = await checkout("replacing.bst");
    const blob = (digest = "") => files.get(`blobs/${digest.replace(":", "/")}`) ?? Buffer.alloc(0);
    const layer = blob(imageOf(files).manifest.layers[0]?.digest);
    const listed = execFileSync("tar", ["-tvf", "-"], { input: layer, encoding: "utf8" }).trim().split("\n");
    expect(listed.map((line) => [line.split(/\s+/)[0], line.split(/\s+/).at(-1)].join(" "))).toEqual([
      "-rwsr-x--- a",
      "-rw-r--r-- b",
      "-rw------- c",
      "drwsr-x--- in/",
      "-rwsr-x--- in/a",
      "-rw-r--r-- in/b",
      "-rw------- in/c",
    ]);
  });

  it.skipIf(attrAbsent)("takes the attributes that commands gave files, in each kind of sandbox", async () => {
    const same = digests(await checkout("attributed-same.bst"));
    expect(digests(await checkout("attributed.bst"))).toEqual(same);
    const options = { command: withoutBubblewrap, config: cacheConfig() };
    expect(digests(await checkout("attributed.bst", options))).toEqual(same);
  });

  it("warns where nobody can tell what attributes commands gave files", async () => {
    const main = bstTs.at(-1) ?? "";
    const copy = join(tempDir("program"), "dist");
    cpSync(dirname(main), copy, { recursive: true });
    const command = [process.execPath, join(copy, basename(main))];
    const { code, stderr } = await bst(["build", "warned.bst"], { command, config: cacheConfig() });
    expect([code, stderr]).toEqual([0, expect.stringContaining("are not seen on this machine")]);
  });

  it("warns of what the image may be wrong about", async () => {
    const { code, stderr } = await bst(["build", "warned.bst"]);
    expect(code).toBe(0);
    expect(stderr).not.toContain("are not seen on this machine");
    expect(stderr).toContain("'x86_64': container engines look for 'amd64'");
    expect(stderr).toContain("'Linux': container engines look for 'linux'");
    expect(stderr).toContain(
      "2 relative links lead above the root: /d to '../../by-command'; /lib/up to '../../x', of links.bst",
    );
    expect(stderr).toContain("Pipes, sockets and devices get into no image: /layer/pipe\n");
  });

  it("needs a shell only, and can do it again", async () => {
    const files = await checkout("shell-only.bst");
    const { configuration, manifest } = imageOf(files);
    expect(configuration.history).toEqual([expect.objectContaining({ comment: "second" })]);
    expect(manifest.layers).toEqual([
      expect.objectContaining({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }),
    ]);
  });

  it("divides its layer by the elements that are staged there, and tells of the commit", async () => {
    const who = ["-c", "user.name=A", "-c", "user.email=a@example.org"];
    const git = (...words: string[]) => execFileSync("git", [...who, ...words], { cwd, encoding: "utf8" }).trim();
    try {
      git("init", "-q");
      git("add", "project.conf");
      git("commit", "-q", "-m", "A commit");
      const revision = git("rev-parse", "HEAD");
      const { manifest, configuration } = imageOf(await checkout("divided.bst"));
      expect(manifest.annotations).toMatchObject({ "org.opencontainers.image.revision": revision });
      const about = configuration.history.map((step) => (step as { created_by?: string }).created_by);
      expect(about).toEqual(["root.bst", "app.bst", "What no element brings"]);
      expect(manifest.layers).toHaveLength(3);
    } finally {
      rmSync(join(cwd, ".git"), { recursive: true });
    }
  });

  it("fails with the line of what is wrong", async () => {
    const { code, stderr } = await bst(["build", "failing.bst"]);
    expect(code, stderr).toBe(0);
    const logs = join(dirname(config), "log/test/failing");
    const [log = ""] = readdirSync(logs).filter((name) => name.includes("-build."));
    const lines = readFileSync(join(logs, log), "utf8").split("\n");
    const said = lines.filter((line) => /^(build-oci:|status )/.test(line));
    expect(said).toEqual(
      [
        "input [line 3 column 0]: Here a ',' or '}' is missing",
        "input [line 4 column 10]: Unexpected key: colour",
        "input [line 4 column 9]: There is no folder '/missing'",
        "input [line 1 column 49]: What is in /tmp is none of the sandbox's files: '/tmp/layer'",
        "input [line 1 column 49]: What is in /proc is none of the sandbox's files: '/proc'",
        "input [line 1 column 49]: '/linked' is no folder: it may be a symlink to one",
        "input [line 1 column 58]: /usr holds no image: it has neither an index.json nor a manifest.json",
        "input [line 1 column 71]: Value of 'index' can't be negative",
        "input [line 1 column 60]: Unexpected key: element",
        "input [line 1 column 17]: 'vcs-annotations' belongs into the element's 'config', as the commit is part of its key",
        "input [line 1 column 49]: No element is staged at '/usr', so that there is nothing to divide its files by",
        "input [line 1 column 6]: Value of 'gzip' must be one of: True, true, 1, False, false, 0, enabled, disabled, gzip",
        "input [line 1 column 0]: Missing key 'images'",
      ].flatMap((message) => [`build-oci: ${message}`, "status 1"]),
    );
  });

  it("is found in elements that ask for it, whose keys differ by that", async () => {
    const key = async (asks: string): Promise<string> => {
      writeFileSync(join(cwd, "elements/asks.bst"), script("echo | build-oci", "[root.bst]", asks));
      return (await succeed("show", "--deps", "none", "--format", "%{full-key}", "asks.bst")).stdout.trim();
    };
    const silent = await key("root-read-only: False");
    expect(await key("build-oci: True")).not.toBe(silent);
    expect(await key("build-oci: False")).toBe(silent);
    expect((await bst(["build", "asks.bst"])).stderr).toMatch(/build-oci: not found/);
    await expect(key("build-oci: perhaps")).rejects.toThrow("'build-oci'");
    await expect(key("vcs-annotations: True")).rejects.toThrow("Only scripts with 'build-oci: True'");
    expect(await key("build-oci: True\n  vcs-annotations: False")).toBe(await key("build-oci: True"));
  });

  it.skipIf(podmanAbsent !== undefined)("makes images that podman runs", async () => {
    using podman = new Podman();
    const tar = join(tempDir("image"), "image.tar");
    await succeed("build", "image.bst");
    await succeed("artifact", "checkout", "image.bst", "--tar", tar);
    const [image = ""] = await podman.load(tar);
    expect(image).toBe("localhost/example/script:1");
    expect(await podman.inspect(image)).toMatchObject({
      Labels: { "com.github.containers.toolbox": "true", "quay.expires-after": "never" },
    });
    expect(await podman.output(image)).toBe("configured");
    expect(await podman.output(image, "stat", "-c", "%a", "/usr/bin/app", "/usr/share/declared")).toBe("4755\n640");
    expect(await podman.output(image, "ls", "/srv/old")).toBe("new");
    expect(existsSync(tar)).toBe(true);
  });
});
