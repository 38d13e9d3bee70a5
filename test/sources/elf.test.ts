import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ElfFile, readElf } from "../../src/sources/elf.ts";
import { Libraries } from "../../src/sources/libraries.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { elf, MACHINE } from "./elf-writer.ts";

function read(bytes: Uint8Array): ElfFile | undefined {
  const path = join(tempDir("elf"), "file");
  writeFileSync(path, bytes);
  return readElf(path);
}

describe("ELF files", () => {
  test.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])("are read whatever their width and order of bytes (%s, %s)", (wide, little) => {
    const parts = {
      interpreter: "/lib/ld.so",
      needed: ["libc.so.6", "libm.so.6"],
      runpath: "/a:$ORIGIN/b",
      wide,
      little,
    };
    expect(read(elf(parts))).toEqual({
      target: `${wide ? 2 : 1}/${little ? 1 : 2}/${MACHINE}`,
      interpreter: "/lib/ld.so",
      needed: ["libc.so.6", "libm.so.6"],
      rpath: [],
      runpath: ["/a", "$ORIGIN/b"],
    });
  });

  test("that are damaged, or none, are taken for other files", () => {
    expect(read(Buffer.from("#!/bin/sh\n"))).toBeUndefined();
    expect(read(Buffer.alloc(0))).toBeUndefined();
    const whole = elf({ needed: ["libc.so.6"], interpreter: "/lib/ld.so" });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, length) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        read(bytes.subarray(0, length));
      }),
      { numRuns: 300 },
    );
  });
});

describe("libraries", () => {
  const find = (loader: Buffer, inherited: readonly string[] = []) => {
    const folder = tempDir("libraries");
    writeFiles(folder, {
      "bin/program": loader,
      "lib/libours.so": elf({}),
      "other/libours.so": elf({}),
      "foreign/libours.so": elf({ machine: 8 }),
    });
    const path = join(folder, "bin/program");
    const read = readElf(path);
    if (read === undefined) throw new Error("no ELF file");
    const loaded = { path, elf: read, inherited: inherited.map((name) => join(folder, name)) };
    const libraries = new Libraries();
    return {
      found: libraries.find("libours.so", loaded)?.replace(`${folder}/`, ""),
      handedDown: libraries.inheritedFrom(loaded).map((path) => path.replace(`${folder}/`, "")),
    };
  };

  test("are looked for where the file that needs them says", () => {
    expect(find(elf({ runpath: "$ORIGIN/../lib" })).found).toBe("lib/libours.so");
    expect(find(elf({ rpath: "${ORIGIN}/../other" })).found).toBe("other/libours.so");
    expect(find(elf({})).found).toBeUndefined();
  });

  test("may be found where those say that need the file, unless it has a newer path of its own", () => {
    expect(find(elf({}), ["other"]).found).toBe("other/libours.so");
    expect(find(elf({ rpath: "$ORIGIN/../lib" }), ["other"])).toEqual({
      found: "lib/libours.so",
      handedDown: ["bin/../lib", "other"],
    });
    expect(find(elf({ runpath: "/nowhere" }), ["other"])).toEqual({ found: undefined, handedDown: ["other"] });
  });

  test("for other machines are passed over", () => {
    expect(find(elf({ runpath: "$ORIGIN/../foreign:$ORIGIN/../lib" })).found).toBe("lib/libours.so");
  });

  test("of the system are found", () => {
    const node = readElf(process.execPath);
    if (node === undefined) throw new Error("no ELF file");
    expect(new Libraries().find("libc.so.6", { path: process.execPath, elf: node, inherited: [] })).toMatch(
      /libc\.so\.6$/,
    );
  });
});
