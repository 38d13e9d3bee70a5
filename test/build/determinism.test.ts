/** The same project makes the same artifacts and images: in another cache, time zone and language, for another user. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { bstTs, cacheConfig, type RunResult, runCommand, writeFiles } from "../helpers.ts";
import { writeRoot } from "../root.ts";

const UID = 65534;
const AS_USER = ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups"];

/** Why another user can't be tried here. */
const absent = ((): string | undefined => {
  if (process.geteuid?.() !== 0) return "only root can become another user";
  try {
    for (const command of [
      [process.execPath, "--version"],
      ["unshare", "--user", "--map-root-user", "true"],
    ]) {
      const [program = "", ...args] = [...AS_USER, ...command];
      execFileSync(program, args, { stdio: "ignore" });
    }
    return undefined;
  } catch {
    return "another user can't run Node.js, or may not make user namespaces";
  }
})();
if (absent !== undefined) console.warn(`skipped: builds of ordinary users: ${absent}`);

// Where every user can read; folders that mkdtemp makes are their owner's alone.
const scratch = mkdtempSync(join(tmpdir(), "bst-ts-same-"));
chmodSync(scratch, 0o755);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const cwd = join(scratch, "project");
const work = (name: string, dependencies: readonly string[] = []) => `kind: manual
build-depends: [${["root.bst", ...dependencies].join(", ")}]
sources:
- {kind: local, path: files/${name}}
config:
  build-commands:
  - |
    for each in 3 1 2; do echo "$each $(id -u) $PWD \${HOME} $(umask)" > out-$each; done
  install-commands:
  - |
    mkdir -p %{install-root}/usr/share/${name} %{install-root}/usr/lib/debug
    cp * %{install-root}/usr/share/${name}
    stat -c '%n %a %u %g %s %Y' text /usr/bin/cat > %{install-root}/usr/share/${name}/listing
    stat -c '%n %a %u %g' . out-1 /usr /tmp >> %{install-root}/usr/share/${name}/listing
    chmod 755 %{install-root}/usr/share/${name}/out-1
    ln -s out-1 %{install-root}/usr/share/${name}/link
    env | sort > %{install-root}/usr/share/${name}/environment
    echo > %{install-root}/usr/lib/debug/${name}
`;
writeFiles(cwd, {
  "project.conf": "name: same\nmin-version: 2.0\n",
  "root.bst": "kind: import\nsources:\n- {kind: local, path: root}\n",
  ...Object.fromEntries(["a", "b", "c"].map((name) => [`files/${name}/text`, name])),
  "a.bst": work("a"),
  "b.bst": work("b"),
  "c.bst": work("c", ["a.bst", "b.bst"]),
  "all.bst": "kind: stack\ndepends: [a.bst, b.bst, c.bst]\n",
  "composed.bst": `kind: compose
build-depends: [all.bst]
config: {integrate: False, exclude: [debug]}
public:
  oci:
    files:
      /usr/share/a/**: {user: '5', mode: '4750', capabilities: cap_net_raw=ep, xattrs: {user.x: ż}}
`,
  "scripted.bst": `kind: script
build-depends:
- root.bst
- {filename: composed.bst, config: {location: '%{install-root}'}}
config:
  commands:
  - cat %{install-root}/usr/share/*/listing > %{install-root}/listings
`,
  "image.bst": `kind: oci
build-depends: [scripted.bst]
config:
  images:
  - {architecture: amd64, os: linux, layer: [scripted.bst], config: {Cmd: [sh]}}
`,
  "top.bst": `kind: oci
build-depends: [image.bst, composed.bst, root.bst]
config:
  compression: zstd
  images:
  - architecture: amd64
    os: linux
    parent: {element: image.bst}
    layer: [composed.bst, root.bst]
    layers: {max: 5}
    source-date-epoch: 1000000000
  - {architecture: arm64, os: linux, layer: [composed.bst]}
`,
});
writeRoot(join(cwd, "root"));

interface How {
  readonly config: string;
  readonly builders: number;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A line for each element: its name, its key and the digest of its files. */
async function built({ config, builders, command = bstTs, env = {} }: How): Promise<string[]> {
  const home = dirname(config);
  const run = async (...args: string[]): Promise<RunResult> => {
    const options = { cwd, config, env: { HOME: home, TMPDIR: home, BST_TS_ERROR_FILE: undefined, ...env } };
    const result = await runCommand(command, args, options);
    expect(result.code, result.stderr).toBe(0);
    return result;
  };
  await run("--builders", String(builders), "build", "top.bst");
  const format = "%{name} %{full-key} %{artifact-cas-digest}";
  const { stdout } = await run("show", "--deps", "all", "--format", format, "top.bst");
  return stdout.trim().split("\n");
}

const first = built({ config: cacheConfig(), builders: 1 });

it("makes artifacts, each with a digest", async () => {
  const lines = await first;
  expect(lines.map((line) => line.split(" ")[0])).toContain("top.bst");
  for (const line of lines) expect(line).toMatch(/^\S+ [0-9a-f]{64} [0-9a-f]{64}\/\d+$/);
});

it("makes the same in another cache, time zone and language, with more builders and another umask", async () => {
  const command = ["sh", "-c", 'umask 077; exec "$@"', "sh", ...bstTs];
  const env = { TZ: "Asia/Kathmandu", LC_ALL: "tr_TR.UTF-8", LANG: "tr_TR.UTF-8", UV_THREADPOOL_SIZE: "1" };
  expect(await built({ config: cacheConfig(), builders: 4, command, env })).toEqual(await first);
});

it.skipIf(absent !== undefined)("makes the same for another user", async () => {
  const home = join(scratch, "home");
  writeFiles(home, { "buildstream.conf": "" });
  const config = join(home, "buildstream.conf");
  const folders = ["cachedir", "sourcedir", "logdir", "workspacedir"];
  writeFileSync(config, folders.map((name) => `${name}: ${join(home, name)}\n`).join(""));
  chownSync(home, UID, UID);
  // The user may not be able to read the folder that the program is in.
  const program = join(scratch, "program");
  const main = bstTs.at(-1) ?? "";
  cpSync(dirname(main), program, { recursive: true });
  const bundle = join(program, readdirSync(program).find((name) => main.endsWith(`/${name}`)) ?? "");
  // Without the library that is compiled for one machine.
  const wasm = "node_modules/@bokuweb/zstd-wasm";
  cpSync(join(dirname(dirname(import.meta.dirname)), wasm), join(scratch, wasm), { recursive: true });
  const command = [...AS_USER, process.execPath, bundle];
  expect(await built({ config, builders: 2, command })).toEqual(await first);
});
