import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { zip } from "../../src/sources/zip.ts";
import { tempDir } from "../helpers.ts";
import { bench, listing } from "./helpers.ts";
import { type ZipMember, zipArchive } from "./zip-writer.ts";

async function unpack(bytes: Buffer, config: Record<string, string> = {}): Promise<string[]> {
  const on = bench();
  const path = join(tempDir("zip"), "archive.zip");
  writeFileSync(path, bytes);
  const source = on.configure(zip, { url: `file://${path}`, ...config });
  source.setRef(await source.track(on.io));
  return listing(on.cas, await on.stage(source));
}

describe("zip", () => {
  const members: ZipMember[] = [
    { name: "a/", mode: 0o755 },
    { name: "a/run", content: "x", mode: 0o755 },
    { name: "a/b/deep", content: "stored", method: 0 },
    { name: "z", content: "not this" },
  ];

  test("stages what is below its base directory", async () => {
    expect(await unpack(zipArchive(members))).toEqual(["b/", "b/deep = stored", "run = x"]);
    expect(await unpack(zipArchive(members), { "base-dir": "" })).toContain("z = not this");
  });

  test("reads archives behind a program and with a comment", async () => {
    const bytes = zipArchive(members, { comment: "made by hand", prefix: "#!/bin/sh\n" });
    expect(await unpack(bytes)).toHaveLength(3);
  });

  test("streams files that are larger than what it keeps in memory", async () => {
    const content = Buffer.alloc(9_000_001, "large ");
    for (const method of [0, 8]) {
      expect(await unpack(zipArchive([{ name: "a/large", content, method }]))).toEqual([
        `large = ${content.toString("latin1", 0, 40)}`,
      ]);
    }
  });

  const bomb = (size: number) => zipArchive([{ name: "a/x", content: Buffer.alloc(6_000_000), size }]);
  test.each<[string, Buffer, string]>([
    ["an absolute path", zipArchive([{ name: "/a/x", content: "x" }]), "absolute path"],
    ["a path to above", zipArchive([{ name: "a/../../x", content: "x" }]), "a folder above"],
    ["more content than it says", bomb(5), "can't be unpacked"],
    ["more content than it says, streamed", bomb(5_000_000), "not what the archive says"],
    ["less content than it says", bomb(7_000_000), "not what the archive says"],
    ["other content than it says", zipArchive([{ name: "a/x", content: "x", crc: 1 }]), "not what the archive says"],
    [
      "shared content",
      zipArchive([
        { name: "a/x", content: "x" },
        { name: "a/x", content: "x", shared: true },
      ]),
      "overlaps",
    ],
    ["encrypted content", zipArchive([{ name: "a/x", content: "x", flags: 1 }]), "encrypted"],
    ["an unknown method", zipArchive([{ name: "a/x", content: "x", method: 99 }]), "method 99"],
    [
      "a file in a file",
      zipArchive([
        { name: "x", content: "x" },
        { name: "x/y", content: "x" },
      ]),
      "can't",
    ],
    ["a name that is not UTF-8", zipArchive([{ name: Buffer.from([0x61, 0xff]), content: "x" }]), "not UTF-8"],
    [
      "damaged content",
      zipArchive([{ name: "a/x", content: "x", packed: Buffer.from("nonsense") }]),
      "can't be unpacked",
    ],
    ["no archive", Buffer.from("hello"), "no zip archive"],
  ])("refuses %s", async (_, bytes, reason) => {
    const attempt = unpack(bytes, { "base-dir": "" });
    await expect(attempt).rejects.toThrow(reason);
    await expect(attempt).rejects.toMatchObject({ domain: "source" });
  });

  test("refuses every archive that is cut off or changed, or reads it", async () => {
    const whole = zipArchive(members);
    for (let i = 0; i < whole.length; i++) {
      const changed = Buffer.from(whole);
      changed[i] = (changed[i] ?? 0) ^ 0x55;
      for (const bytes of [whole.subarray(0, i), changed]) {
        await unpack(bytes, { "base-dir": "" }).catch((error) => expect(error).toBeInstanceOf(BstError));
      }
    }
  });
});
