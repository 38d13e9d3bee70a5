/** BuildStream's builds and ours see the same and leave the same. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { decodeArtifact } from "../../src/artifact/record.ts";
import { Tree } from "../../src/cas/tree.ts";
import { absent, bst } from "../cas/oracle.ts";
import { cas, INSTALL_ROOT, listing, root, rootFolder, run, temporaryDirectory, workingWays } from "./rig.ts";

/** What can be seen; only bubblewrap can drop all privileges, and every file system has sizes of its own. */
const FACTS = `
  env | sort; umask; pwd; id -u; id -g; uname -n; ls -a /dev /tmp /dev/shm
  stat -c '%n %Y %a %u %g' / /etc /etc/plain /etc/link /usr/bin/cat /buildstream .
  stat -c '%n %a %u %g' /tmp /dev /dev/shm /dev/null /proc
  grep -E '^(Uid|Gid|Groups|SigIgn|SigBlk|NoNewPrivs):' /proc/self/status | tr '\\t' ' '
  sed -n 's/^ *\\([^ ]*\\):.*/\\1/p' /proc/net/dev; readlink /proc/self/fd/0`;

const BUILDS: Readonly<Record<string, string>> = {
  facts: `{ ${FACTS}\n} > ${INSTALL_ROOT}/facts`,
  files: `cd ${INSTALL_ROOT}
    echo plain > plain; ln plain hard; mkfifo fifo; ln -s /etc/passwd link; mkdir -p a/b; echo x > a/b/c
    for mode in 0744 0654 0645 4755 0100 0000; do echo $mode > m$mode; chmod $mode m$mode; done
    mkdir sealed; echo x > sealed/file; chmod 0 sealed; echo x > "$(printf 'new\\nline')"; cp -a /etc copied`,
};

/** With the whole root as the result. */
const SCRIPT = `rm -r /etc/deep; mkdir /etc/deep; echo x > /etc/deep/y; rm /etc/plain; mkdir /etc/plain; echo > /tmp/t
  mv /usr/bin/head /usr/bin/first; chmod -x /usr/bin/tail; mkdir -p /new/er; mkfifo /new/fifo`;

interface Built {
  readonly digest: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly cache: string;
}

const folder = temporaryDirectory("oracle");

async function build(name: string, element: object): Promise<Built> {
  const project = `${folder}/${name}`;
  fs.mkdirSync(`${project}/elements`, { recursive: true });
  fs.cpSync(rootFolder, `${project}/files`, { recursive: true, verbatimSymlinks: true });
  fs.writeFileSync(`${project}/project.conf`, "name: test\nmin-version: 2.0\nelement-path: elements\n");
  fs.writeFileSync(
    `${project}/elements/base.bst`,
    stringify({ kind: "import", sources: [{ kind: "local", path: "files" }] }),
  );
  fs.writeFileSync(
    `${project}/elements/element.bst`,
    stringify({ "build-depends": ["base.bst"], environment: { PATH: "/usr/bin:/bin" }, ...element }),
  );
  fs.writeFileSync(
    `${project}/conf`,
    stringify({ cachedir: `${project}/cache`, cache: { "cache-buildtrees": "always" } }),
  );
  const ask = (...args: string[]) =>
    promisify(execFile)(bst, ["-c", `${project}/conf`, "-C", project, ...args], {
      env: { ...process.env, HOME: project },
    });
  await ask("build", "element.bst");
  const show = ["show", "--deps", "none", "--format"];
  const { stdout: digest } = await ask(...show, "%{artifact-cas-digest}", "element.bst");
  const { stdout: environment } = await ask(...show, "%{env}", "element.bst");
  return { digest: digest.trim(), environment: parse(environment), cache: `${project}/cache` };
}

describe.skipIf(absent)("compared with BuildStream", () => {
  it.each(Object.entries(BUILDS))("%s of a build", { timeout: 120_000 }, async (name, commands) => {
    const theirs = await build(name, { kind: "manual", config: { "build-commands": [commands] } });
    const key = fs.readdirSync(`${theirs.cache}/artifacts/refs/test/element`)[0];
    const record = decodeArtifact(fs.readFileSync(`${theirs.cache}/artifacts/refs/test/element/${key}`));
    for (const { name: way, host } of workingWays) {
      const ours = await run(host, commands, { env: theirs.environment });
      const { hash, size } = ours.tree.openDirectory("buildstream-install").digest();
      if (`${hash}/${size}` !== theirs.digest) {
        const facts = ours.tree.lookup("buildstream-install/facts");
        const text = facts?.kind === "file" ? cas.read(facts.digest).toString() : "";
        expect.fail(`${way}: ${listing(ours.tree, "buildstream-install").join("\n")}\n${text}`);
      }
      expect(ours.digest, way).toEqual(record.buildRoot);
    }
  });

  it("the root of a script", { timeout: 120_000 }, async () => {
    const variables = { "install-root": "/" };
    const theirs = await build("script", { kind: "script", variables, config: { commands: [SCRIPT] } });
    for (const { name: way, host } of workingWays) {
      const command = { cwd: "/", env: theirs.environment, rootReadOnly: false };
      const ours = await run(host, SCRIPT, command, { writableDirectories: ["/"] });
      expect(`${ours.digest.hash}/${ours.digest.size}`, way).toBe(theirs.digest);
    }
    expect(new Tree(cas, root).exists("new")).toBe(false);
  });
});
