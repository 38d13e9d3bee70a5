/** Caches go back and forth between BuildStream and this program. */
import fs from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  environmentMetadata,
  publicMetadata,
  readEnvironment,
  readPublicMetadata,
  variablesMetadata,
} from "../../src/artifact/metadata.ts";
import { type ArtifactRecord, encodeArtifact } from "../../src/artifact/record.ts";
import { parseRef } from "../../src/artifact/refs.ts";
import { SourceStore } from "../../src/artifact/sources.ts";
import { ArtifactStore } from "../../src/artifact/store.ts";
import { digestOf, formatDigest } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { SYNTHETIC } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { digestOfLayout, layoutOf, treeOf } from "../cas/helpers.ts";
import { bst } from "../cas/oracle.ts";
import { project, type RunResult, runCommand, tempDir } from "../helpers.ts";
import { absent } from "../oracle/oracle.ts";
import { smallRecord } from "./records.ts";

const FILES = {
  "elements/a.bst": "kind: import\nsources: [{kind: local, path: files/a}]\n",
  "elements/b-1.2.bst": `kind: import
depends: [a.bst]
sources: [{kind: local, path: files/b}]
public:
  bst:
    integration-commands: ["echo 'x: y' # z", "  lines\\n  two\\n", "%{project-name}"]
    overlap-whitelist: [/usr/**]
  other: {deep: [{list: [a, {b: c}]}], empty: {}, none: []}
`,
  "elements/sub/c.bst": `kind: compose
build-depends: [b-1.2.bst]
config: {integrate: False}
environment: {EMPTY: "", NUMBER: "1.50", TRUE: "yes"}
sandbox: {build-uid: 7, remote-apis-socket: {path: /run/socket, action-cache-enable-update: True}}
`,
  "elements/fails.bst":
    "kind: manual\ndepends: [a.bst]\nconfig: {build-commands: [make]}\nsources: [{kind: local, path: files/b}]\n",
  "elements/remote.bst": "kind: import\nsources: [{kind: remote, url: 'file://%{project-root}/files/a/x', ref: REF}]\n",
  "elements/stack.bst": "kind: stack\ndepends: [sub/c.bst]\n",
  "project.conf": "name: test\nmin-version: 2.0\nelement-path: elements\n",
  "files/a/x": { executable: "x of a" },
  "files/a/usr/y": "y of a",
  "files/b/usr/y": "y of b",
  "files/b/link": { symlink: "usr/y" },
};

describe.skipIf(absent)("a cache of BuildStream", () => {
  let cache: string;
  let directory: string;
  let run: (...args: string[]) => Promise<RunResult>;

  const settings = (cachedir: string) => {
    const path = join(tempDir("user"), "buildstream.conf");
    const [sources, logs] = [tempDir("sources"), tempDir("logs")];
    fs.writeFileSync(
      path,
      `cachedir: ${cachedir}\nsourcedir: ${sources}\nlogdir: ${logs}\ncache: {cache-buildtrees: always}\n`,
    );
    return path;
  };
  const runner = (config: string) => {
    return (...args: string[]) =>
      runCommand([bst, "--no-colors", "--on-error", "continue"], args, { cwd: directory, config });
  };
  const shown = async (element: string, format: string) =>
    (await run("show", "--deps", "none", "--format", format, element)).stdout.trim();

  beforeAll(async () => {
    cache = tempDir("cache");
    const remote = { "elements/remote.bst": FILES["elements/remote.bst"].replace("REF", digestOf("x of a").hash) };
    directory = project({ ...FILES, ...remote });
    // The alias-free URL of a file needs the path itself.
    const path = join(directory, "elements/remote.bst");
    fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("%{project-root}", directory));
    run = runner(settings(cache));
    const built = await run("build", "stack.bst", "fails.bst", "remote.bst");
    expect(built.stderr).toContain("Build Queue: processed 5, skipped 0, failed 1");
  });

  const open = (folder: string) => {
    const cas = new Cas(join(folder, "cas"));
    return { cas, store: new ArtifactStore(folder, cas), sources: new SourceStore(folder, cas) };
  };
  const records = () => {
    const { store } = open(cache);
    return store.list("**").map((ref): [string, ArtifactRecord] => {
      const name = parseRef(ref);
      const record = name && store.find(name);
      if (record === undefined) throw new Error(`${ref} is not found`);
      return [ref, record];
    });
  };

  test("is read: every artifact is found, and written with the same bytes", () => {
    const found = records();
    expect(found.map(([ref]) => ref.split("/")[1]).sort()).toEqual(
      ["a", "b-1.2", "fails", "remote", "stack", "sub-c"].flatMap((name) => [name, name]),
    );
    for (const [ref, record] of found) {
      expect(fs.readFileSync(join(cache, "artifacts/refs", ref)).equals(encodeArtifact(record)), ref).toBe(true);
    }
    const failed = found.find(([ref]) => ref.startsWith("test/fails/"))?.[1];
    expect(failed).toMatchObject({
      buildSuccess: false,
      buildSandbox: { workingDirectory: "/buildstream/test/fails.bst" },
    });
    expect(failed?.buildTree).toBeDefined();
  });

  test("is read: metadata are the same when written anew", () => {
    const { cas } = open(cache);
    for (const [ref, record] of records()) {
      expect(publicMetadata(cas, readPublicMetadata(cas, record)), ref).toEqual(record.publicData);
      const low = parseYaml(cas.read(record.lowDiversityMeta).toString(), SYNTHETIC);
      const sandbox = low.mapping("sandbox-config")?.toPlain() ?? {};
      expect(environmentMetadata(cas, readEnvironment(cas, record), sandbox), ref).toEqual(record.lowDiversityMeta);
      const high = parseYaml(cas.read(record.highDiversityMeta).toString(), SYNTHETIC).mapping("variables");
      const variables = Object.fromEntries(high?.keys().map((name) => [name, high.string(name) ?? ""]) ?? []);
      expect(variablesMetadata(cas, variables), ref).toEqual(record.highDiversityMeta);
    }
    const composed = records().find(([ref]) => ref.startsWith("test/sub-c/"))?.[1];
    if (composed === undefined) throw new Error("not built");
    // As the cache key has it, and Python writes it.
    const sandbox = {
      "build-os": "linux",
      "build-arch": "x86-64",
      "build-uid": 7,
      "remote-apis-socket": { path: "/run/socket", "action-cache-enable-update": true },
    };
    expect(environmentMetadata(cas, readEnvironment(cas, composed), sandbox)).toEqual(composed.lowDiversityMeta);
  });

  test("is read: files and staged sources", () => {
    const { cas, sources } = open(cache);
    const composed = records().find(([ref]) => ref.startsWith("test/sub-c/"))?.[1];
    expect(layoutOf(new Tree(cas, composed?.files))).toEqual({
      link: "-> usr/y",
      usr: { y: "y of b" },
      x: "* x of a",
    });
    const keys = fs.readdirSync(join(cache, "elementsources"));
    const trees = keys.map((key) => layoutOf(new Tree(cas, sources.find(key))));
    expect(trees).toContainEqual({ usr: { y: "y of a" }, x: "* x of a" });
    for (const key of fs.readdirSync(join(cache, "source_protos/local"))) {
      expect(sources.findSource("local", key)).toBeDefined();
    }
  });

  test("can be written here", async () => {
    const folder = tempDir("cache");
    const { cas, store, sources } = open(folder);
    const key = await shown("a.bst", "%{full-key}");
    const files = digestOfLayout(cas, { bin: { tool: "* tool", link: "-> tool" }, doc: "doc" });
    const log = { name: "a.log", digest: cas.write("what was done\n") };
    const record = smallRecord({
      strongKey: key,
      strictKey: key,
      files,
      publicData: publicMetadata(cas, parseYaml("bst: {split-rules: {}}", SYNTHETIC)),
      lowDiversityMeta: environmentMetadata(cas, { PATH: "/bin" }, { "build-os": "linux", "build-arch": "x86-64" }),
      highDiversityMeta: variablesMetadata(cas, { "install-root": "/buildstream-install" }),
      logs: [log],
    });
    store.put({ project: "test", normalName: "a" }, record);
    const theirs = runner(settings(folder));

    expect((await theirs("artifact", "show", "a.bst")).stdout).toContain("      cached a.bst\n");
    expect((await theirs("show", "--deps", "none", "--format", "%{artifact-cas-digest}", "a.bst")).stdout.trim()).toBe(
      formatDigest(files),
    );
    expect((await theirs("artifact", "list-contents", `test/a/${key}`)).stdout).toBe(
      `  test/a/${key}:\n\tdoc\n\tbin\n\tbin/link\n\tbin/tool\n\n`,
    );
    expect((await theirs("artifact", "log", "a.bst")).stdout).toBe("what was done\n\n");
    const out = join(tempDir(), "out");
    expect(await theirs("artifact", "checkout", "--directory", out, "a.bst")).toMatchObject({ code: 0 });
    expect(fs.readFileSync(join(out, "bin/link"), "utf8")).toBe("tool");

    // What the sources of `remote.bst` are is known to BuildStream by the same key.
    const original = open(cache);
    const expected = treeOf(original.cas, { x: "x of a" }).digest();
    const sourceKey = fs.readdirSync(join(cache, "elementsources")).find((each) => {
      return original.sources.find(each)?.hash === expected.hash;
    });
    const state = ["show", "--deps", "none", "--format", "%{state}", "remote.bst"];
    expect((await theirs(...state)).stdout.trim()).toBe("fetch needed");
    sources.put(sourceKey ?? "", treeOf(cas, { x: "x of a" }).digest());
    expect((await theirs(...state)).stdout.trim()).toBe("buildable");
  });
});
