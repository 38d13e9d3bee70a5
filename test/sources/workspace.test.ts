import { createHash } from "node:crypto";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { workspace } from "../../src/sources/workspace.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { bench } from "./helpers.ts";

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

describe("workspace", () => {
  test("stages a folder with its modification times, which belong to its key", async () => {
    const on = bench();
    const path = tempDir("workspace");
    writeFiles(path, { "a/file": "1" });
    utimesSync(join(path, "a/file"), 1_000_000_000, 1_000_000_000);
    const source = on.configure(workspace, { path, last_build: "" });
    const first = source.uniqueKey();
    const tree = await on.stage(source);
    expect(tree.lookup("a/file")).toMatchObject({ mtime: { seconds: 1_000_000_000, nanos: 0 } });
    utimesSync(join(path, "a/file"), 1_000_000_001, 1_000_000_001);
    expect(source.uniqueKey()).toBe(first);
    expect(on.configure(workspace, { path }).uniqueKey()).not.toBe(first);
  });

  test("stages what its key was computed from, though it is edited meanwhile", async () => {
    const on = bench();
    const path = tempDir("workspace");
    writeFiles(path, { file: "1" });
    await on.stage(on.configure(workspace, { path }));
    const source = on.configure(workspace, { path });
    source.uniqueKey();
    writeFiles(path, { file: "2" });
    const tree = await on.stage(source);
    expect(tree.lookup("file")).toMatchObject({ digest: { hash: hashOf("1") } });
  });

  test("is unresolved where the folder is gone", () => {
    expect(bench().configure(workspace, { path: "/no/such/folder" }).isResolved).toBe(false);
  });
});
