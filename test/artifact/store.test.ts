/** The artifact and source caches: complete or absent, whatever else uses or breaks them. */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ArtifactRecord } from "../../src/artifact/record.ts";
import { formatRef, parseRef } from "../../src/artifact/refs.ts";
import { SourceStore } from "../../src/artifact/sources.ts";
import { ArtifactStore } from "../../src/artifact/store.ts";
import { digestOf } from "../../src/cas/digest.ts";
import { Cas } from "../../src/cas/store.ts";
import { digestOfLayout } from "../cas/helpers.ts";
import { tempDir } from "../helpers.ts";
import { smallRecord } from "./records.ts";

const NAME = { project: "test", normalName: "base-hello" };
const [STRONG, WEAK] = ["a".repeat(64), "b".repeat(64)];

function open(directory = tempDir("cache")) {
  const cas = new Cas(join(directory, "cas"));
  return { directory, cas, store: new ArtifactStore(directory, cas), sources: new SourceStore(directory, cas) };
}

/** A record whose blobs are all in the store. */
function wholeRecord(cas: Cas, changes: Partial<ArtifactRecord> = {}): ArtifactRecord {
  return smallRecord({
    files: digestOfLayout(cas, { usr: { bin: { hello: "* hello" } } }),
    publicData: cas.write("public"),
    lowDiversityMeta: cas.write("low"),
    highDiversityMeta: cas.write("high"),
    logs: [{ name: "build.log", digest: cas.write("log") }],
    ...changes,
  });
}

describe("names of artifacts", () => {
  test("are made safe, and read back", () => {
    const name = { project: "test", normalName: "a b+é\u{1f600}-1.2_x", key: STRONG };
    expect(formatRef(name)).toBe(`test/a_b___-1.2_x/${STRONG}`);
    expect(parseRef(formatRef(name))).toEqual({ ...name, normalName: "a_b___-1.2_x" });
  });

  test.each([
    "",
    "a.bst",
    `test/${STRONG}`,
    `test/a/b/${STRONG}`,
    `test/../${STRONG}`,
    "test/a/abc",
    `test/a/${STRONG}0`,
  ])("are not %j", (text) => expect(parseRef(text)).toBeUndefined());
});

describe("artifact cache", () => {
  test("a later artifact of the same weak key takes the place of the first, also where their records are as long", () => {
    const { cas, store } = open();
    store.put(NAME, wholeRecord(cas));
    const later = wholeRecord(cas, { strongKey: "c".repeat(64), strictKey: "c".repeat(64) });
    store.put(NAME, later);
    expect(store.find({ ...NAME, key: WEAK })).toEqual(later);
  });

  test("finds by strong and weak key what was put", () => {
    const { cas, store } = open();
    const record = wholeRecord(cas);
    store.put(NAME, record);
    for (const key of [STRONG, WEAK]) expect(store.find({ ...NAME, key })).toEqual(record);
    expect(store.find({ ...NAME, key: "c".repeat(64) })).toBeUndefined();
    expect(store.find({ ...NAME, project: "other", key: STRONG })).toBeUndefined();
  });

  test("does not find what is not whole", () => {
    const { cas, store, directory } = open();
    const record = wholeRecord(cas);
    store.put(NAME, record);
    const find = () => new ArtifactStore(directory, new Cas(cas.root)).find({ ...NAME, key: STRONG });
    const hello = digestOf("hello");
    const blobs = [
      hello,
      record.files,
      record.publicData,
      record.lowDiversityMeta,
      record.highDiversityMeta,
      digestOf("log"),
    ];
    for (const digest of blobs) {
      if (digest === undefined) continue;
      const path = cas.objectPath(digest);
      fs.renameSync(path, `${path}.away`);
      expect(find(), digest.hash).toBeUndefined();
      fs.renameSync(`${path}.away`, path);
      expect(find()).toEqual(record);
    }
    // Build trees are not part of that.
    store.put(NAME, { ...record, buildTree: digestOf("nowhere") });
    expect(find()).toBeDefined();
    fs.writeFileSync(join(directory, "artifacts/refs", formatRef({ ...NAME, key: STRONG })), "garbage");
    expect(find()).toBeUndefined();
  });

  test("marks what is used, and lists what was not used for the longest time first", () => {
    const { cas, store, directory } = open();
    for (const [index, normalName] of ["one", "two", "three"].entries()) {
      store.put({ project: "test", normalName }, wholeRecord(cas, { weakKey: STRONG }));
      const path = join(directory, "artifacts/refs/test", normalName, STRONG);
      fs.utimesSync(path, 1000 + index, 1000 + index);
    }
    expect(store.list("test/**")).toEqual(["one", "two", "three"].map((name) => `test/${name}/${STRONG}`));
    store.find({ project: "test", normalName: "one", key: STRONG });
    expect(store.list("test/*/*").map((ref) => ref.split("/")[1])).toEqual(["two", "three", "one"]);
    expect(store.list("test/t*/*")).toHaveLength(2);
    expect(store.list("test/two/*")).toEqual([`test/two/${STRONG}`]);
    expect(store.list("test/*")).toEqual([]);
    expect(store.list("nothing/here/*")).toEqual([]);
    fs.writeFileSync(join(directory, "artifacts/refs/test/two/tmpabc"), "left by a killed process");
    expect(store.list("test/two/*")).toHaveLength(1);
  });

  test("removes a name, and the folders that are empty then", () => {
    const { cas, store, directory } = open();
    store.put(NAME, wholeRecord(cas));
    store.remove(formatRef({ ...NAME, key: STRONG }));
    expect(store.find({ ...NAME, key: STRONG })).toBeUndefined();
    expect(store.find({ ...NAME, key: WEAK })).toBeDefined();
    store.remove(formatRef({ ...NAME, key: WEAK }));
    expect(fs.readdirSync(join(directory, "artifacts/refs"))).toEqual([]);
    expect(() => store.remove(formatRef({ ...NAME, key: WEAK }))).toThrow(
      expect.objectContaining({ domain: "artifact", message: `Could not find ref 'test/base-hello/${WEAK}'` }),
    );
  });

  test("replaces a record whole under readers and writers of several processes, and when these are killed", async () => {
    const { cas, store, directory } = open();
    const record = wholeRecord(cas);
    store.put(NAME, record);
    const writers = [1, 2].map(() => startWriter(directory));
    try {
      await Promise.all(writers.map(firstLine));
      for (let i = 0; i < 400; i++) {
        const found = store.find({ ...NAME, key: i % 2 === 0 ? STRONG : WEAK });
        expect(found).toEqual({ ...record, buildErrorDetails: expect.any(String) });
      }
    } finally {
      const ended = writers.map((writer) => new Promise((resolve) => writer.once("close", resolve)));
      for (const writer of writers) writer.kill("SIGKILL");
      await Promise.all(ended);
    }
    expect(store.find({ ...NAME, key: STRONG })).toBeDefined();
    expect(store.list("**")).toHaveLength(2);
    expect(fs.readdirSync(join(directory, "artifacts/refs/test/base-hello")).sort()).toEqual([STRONG, WEAK]);
  });
});

/** A process that writes the record over and over, with details of changing length. */
function startWriter(directory: string): ChildProcess {
  const program = `
    import { ArtifactStore } from ${JSON.stringify(join(import.meta.dirname, "../../src/artifact/store.ts"))};
    import { Cas } from ${JSON.stringify(join(import.meta.dirname, "../../src/cas/store.ts"))};
    const store = new ArtifactStore(${JSON.stringify(directory)}, new Cas(${JSON.stringify(join(directory, "cas"))}));
    const name = ${JSON.stringify(NAME)};
    const record = store.find({ ...name, key: ${JSON.stringify(STRONG)} });
    console.log("ready");
    for (let i = 0; ; i++) store.put(name, { ...record, buildErrorDetails: "x".repeat((i % 50) * 400) });
  `;
  const esbuild = join(import.meta.dirname, "../../node_modules/.bin/esbuild");
  const script = `printf '%s' "$0" | "$1" --bundle --platform=node --format=esm --log-level=error --target=node20 > "$2" && exec node "$2"`;
  const bundle = join(tempDir("writer"), "writer.mjs");
  return spawn("sh", ["-c", script, program, esbuild, bundle], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function firstLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("close", (code) => reject(new Error(`the writer ended with ${code}`)));
  });
}

describe("source cache", () => {
  test("finds the trees that were put, as long as they are whole", () => {
    const { cas, sources, directory } = open();
    const tree = digestOfLayout(cas, { a: "a" });
    sources.put(STRONG, tree);
    sources.putSource("tar", WEAK, tree);
    expect(sources.find(STRONG)).toEqual(tree);
    expect(sources.findSource("tar", WEAK)).toEqual(tree);
    expect(sources.findSource("local", WEAK)).toBeUndefined();
    expect(sources.find(WEAK)).toBeUndefined();
    expect(fs.existsSync(join(directory, "elementsources", STRONG))).toBe(true);
    expect(fs.existsSync(join(directory, "source_protos/tar", WEAK))).toBe(true);
    fs.rmSync(cas.objectPath(digestOf("a")));
    expect(new SourceStore(directory, new Cas(cas.root)).find(STRONG)).toBeUndefined();
  });
});
