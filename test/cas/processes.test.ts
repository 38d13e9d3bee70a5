/** The store among processes that are killed or work at the same time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { digestOf } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import { materialise } from "../../src/cas/materialise.ts";
import type { Cas } from "../../src/cas/store.ts";
import { checkedObjects, digestOfLayout, temporaryCas, temporaryDirectory } from "./helpers.ts";

/** Starts a program that has `cas` and `directory`; `ready(line)` tells it to the parent and waits for its go-ahead. */
function start(cas: Cas, directory: string, body: string): ChildProcess {
  const outfile = `${temporaryDirectory()}/child.mjs`;
  const contents = `
    import fs from "node:fs";
    import { importLocal } from "./src/cas/import.ts";
    import { materialise } from "./src/cas/materialise.ts";
    import { Cas } from "./src/cas/store.ts";
    const [root, directory] = process.argv.slice(2);
    const cas = new Cas(root);
    const ready = (line) => { fs.writeSync(1, line); fs.readSync(0, Buffer.alloc(1)); };
    ${body}`;
  const stdin = { contents, resolveDir: `${import.meta.dirname}/../..`, loader: "ts" as const };
  buildSync({ stdin, bundle: true, platform: "node", format: "esm", target: "node20", outfile });
  return spawn(process.execPath, [outfile, cas.root, directory], { stdio: ["pipe", "pipe", "inherit"] });
}

function writeFiles(count: number, size: number): string {
  const directory = temporaryDirectory();
  for (let i = 0; i < count; i++) fs.writeFileSync(`${directory}/file${i}`, Buffer.alloc(size, `content ${i} `));
  return directory;
}

test("a process that is killed while it imports leaves no half object", async () => {
  const cas = temporaryCas();
  const directory = writeFiles(6, 24 << 20);
  let interrupted = 0;
  for (let round = 0; round < 5; round++) {
    // It has written a part, or all of it, of what it was importing.
    const child = start(cas, directory, `ready("x"); importLocal(cas, directory); ready("y");`);
    const output: Buffer[] = [];
    child.stdout?.on("data", (chunk) => output.push(chunk));
    await once(child.stdout ?? child, "data");
    const written = fs.existsSync(cas.temporaryDirectory) ? fs.readdirSync(cas.temporaryDirectory).length : 0;
    child.stdin?.write("1");
    await grows(cas, written);
    child.kill("SIGKILL");
    await once(child, "close");
    if (!Buffer.concat(output).includes("y")) interrupted++;
    checkedObjects(cas);
  }
  expect(interrupted).toBeGreaterThan(0);
  const digest = importLocal(cas, directory);
  expect(cas.hasTree(digest)).toBe(true);
  expect(checkedObjects(cas)).toHaveLength(7);
});

/** Waits until one more temporary file has content. */
async function grows(cas: Cas, before: number): Promise<void> {
  for (let i = 0; i < 100_000; i++) {
    const names = fs.existsSync(cas.temporaryDirectory) ? fs.readdirSync(cas.temporaryDirectory) : [];
    if (names.length > before) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("two processes that import and link the same at once do not disturb each other", async () => {
  const cas = temporaryCas();
  const directory = writeFiles(300, 1000);
  const target = temporaryDirectory();
  const children = ["one", "two"].map((name) =>
    start(
      cas,
      directory,
      `ready("x");
       const digest = importLocal(cas, directory);
       materialise(cas, digest, "${target}/${name}", { mode: "hardlink", mtime: 5 });
       fs.writeSync(1, digest.hash);`,
    ),
  );
  const outputs = children.map(async (child) => {
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    const [code] = await once(child, "close");
    return `${code} ${output}`;
  });
  await Promise.all(children.map((child) => once(child.stdout ?? child, "data")));
  for (const child of children) child.stdin?.write("1");
  const digest = importLocal(temporaryCas(), directory);
  expect(await Promise.all(outputs)).toEqual([`0 x${digest.hash}`, `0 x${digest.hash}`]);
  expect(checkedObjects(cas)).toHaveLength(301);
  for (const name of ["one", "two"]) expect(importLocal(cas, `${target}/${name}`)).toEqual(digest);
  expect(fs.readdirSync(cas.temporaryDirectory)).toEqual([]);
});

test("an object that another process stores in the meantime is the same object", () => {
  const cas = temporaryCas();
  const digest = digestOfLayout(cas, { f: "one" });
  const other = temporaryCas();
  const file = `${temporaryDirectory()}/f`;
  fs.writeFileSync(file, "one");
  // Both have found it missing, and both put it in its place.
  fs.rmSync(cas.objectPath(digestOf("one")));
  fs.cpSync(`${cas.root}/objects`, `${other.root}/objects`, { recursive: true });
  expect(cas.importFile(file)).toEqual(digestOf("one"));
  fs.chmodSync(cas.objectPath(digestOf("one")), 0o400);
  cas.importFile(file);
  materialise(cas, digest, `${temporaryDirectory()}/new`, { mode: "copy" });
  checkedObjects(cas);
});
