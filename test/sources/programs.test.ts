/** Kinds that leave the work to a program of the machine, which small ones stand in for here. */
import { readdirSync } from "node:fs";
import { delimiter } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Tree } from "../../src/cas/tree.ts";
import type { SourceKind } from "../../src/project/source-kind.ts";
import { exclusively } from "../../src/sources/exclusively.ts";
import { genCargoLock } from "../../src/sources/gen-cargo-lock.ts";
import { pip } from "../../src/sources/pip.ts";
import type { Plain } from "../../src/yaml/node.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { bench, listing } from "./helpers.ts";

const { PATH = "" } = process.env;

afterEach(() => {
  process.env["PATH"] = PATH;
});

function install(name: string, script: string): void {
  const directory = tempDir("programs");
  writeFiles(directory, { [name]: { executable: `#!/bin/sh\n${script}` } });
  process.env["PATH"] = `${directory}${delimiter}${PATH}`;
}

function prepare(kind: SourceKind, config: Record<string, Plain>) {
  const on = bench();
  const previous = new Tree(on.cas);
  previous.addFile("Cargo.toml", on.cas.write("manifest"), { executable: false });
  previous.addFile("needs.txt", on.cas.write("third\n"), { executable: false });
  return { ...on, io: { ...on.io, previous }, source: on.configure(kind, config) };
}

describe("gen_cargo_lock", () => {
  test("keeps what cargo makes of the sources before it", async () => {
    install("cargo", 'echo "$1 $(cat Cargo.toml)" > Cargo.lock');
    const { source, io, stage, cas } = prepare(genCargoLock, {});
    source.setRef(await source.track(io));
    expect(source.isCached(io)).toBe(true);
    expect(listing(cas, await stage(source))).toEqual(["Cargo.lock = generate-lockfile manifest\n"]);
    expect(readdirSync(io.mirrorDirectory)).toEqual([]);
  });

  test.each([
    ["fails", "echo reason >&2; exit 1", { domain: "plugin", detail: "reason\n" }],
    ["leaves nothing", "exit 0", { domain: "source" }],
  ])("is an error where cargo %s", async (_, script, error) => {
    install("cargo", script);
    const { source, io } = prepare(genCargoLock, {});
    await expect(source.track(io)).rejects.toMatchObject(error);
  });
});

describe("pip", () => {
  // The folder is the ninth word of the command.
  const download = `dest=$9; shift 9; touch "$dest/One_two-1.0.tar.gz" "$dest/three-2.0.1.zip" "$dest/x-1.whl"; echo "$@" > "$dest/log"`;

  test("downloads what it tracked", async () => {
    install("python3", download);
    const { source, io, stage, cas } = prepare(pip, { url: "https://host/", packages: ["first>=1"] });
    const ref = await source.track(io);
    expect(ref).toBe("One_two==1.0\nthree==2.0.1");
    source.setRef(ref);
    expect(source.isCached(io)).toBe(false);
    await source.fetch(io);
    expect(source.isCached(io)).toBe(true);
    expect(listing(cas, await stage(source))).toContain(".bst_pip_downloads/log = One_two==1.0 three==2.0.1\n");
  });

  test("gives files of the sources before it to pip", async () => {
    install("python3", 'dest=$9; shift 9; touch "$dest/$(cat "$2")-1.0.zip"');
    const { source, io } = prepare(pip, { "requirements-files": ["needs.txt"] });
    expect(await source.track(io)).toBe("third==1.0");
  });

  test("refuses options in the place of packages", async () => {
    install("python3", download);
    const { source, io } = prepare(pip, { packages: ["x"], ref: "x==1\n--index-url=https://other/" });
    await expect(source.fetch(io)).rejects.toThrow("names no package");
  });

  test("needs something to download", () => {
    expect(() => prepare(pip, {})).toThrow(expect.objectContaining({ domain: "source" }));
  });
});

test("steps on the same path run one after the other", async () => {
  const log: string[] = [];
  const begun: (() => void)[] = [];
  const step = (name: string, fails = false) =>
    exclusively("a", async () => {
      log.push(`${name} begins`);
      await new Promise<void>((resolve) => begun.push(resolve));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
    });
  const first = step("first", true).catch(() => {});
  const second = step("second");
  const other = exclusively("b", async () => log.push("other"));
  await other;
  begun.shift()?.();
  await first;
  await new Promise(setImmediate);
  begun.shift()?.();
  await second;
  expect(log).toEqual(["first begins", "other", "first ends", "second begins", "second ends"]);
});
