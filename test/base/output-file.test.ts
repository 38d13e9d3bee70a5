import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openOutputFile, writeAll, writeOutputFile } from "../../src/base/output-file.ts";
import { OWN_MARK } from "../../src/base/process-mark.ts";
import { tempDir } from "../helpers.ts";

describe("an output file", () => {
  test("is new, or takes the place of a regular file and keeps its mode", () => {
    const path = join(tempDir(), "out");
    writeOutputFile(path, "first");
    fs.chmodSync(path, 0o640);
    const before = fs.statSync(path).ino;
    writeOutputFile(path, Buffer.from("2nd"));
    expect([fs.readFileSync(path, "utf8"), fs.statSync(path).mode & 0o777]).toEqual(["2nd", 0o640]);
    expect(fs.statSync(path).ino).not.toBe(before);
    expect(fs.readdirSync(join(path, ".."))).toEqual(["out"]);
  });

  test("does not change unless all went well", () => {
    const dir = tempDir();
    fs.writeFileSync(join(dir, "old"), "old");
    for (const name of ["old", "new"]) {
      using output = openOutputFile(join(dir, name));
      writeAll(output.file, Buffer.from("half"));
    }
    expect(fs.readdirSync(dir)).toEqual(["old"]);
    expect(fs.readFileSync(join(dir, "old"), "utf8")).toBe("old");
  });

  test("is where a link leads, also if nothing is there yet", () => {
    const dir = tempDir();
    fs.mkdirSync(join(dir, "sub"));
    fs.writeFileSync(join(dir, "sub/there"), "old");
    fs.symlinkSync("sub/there", join(dir, "link"));
    fs.symlinkSync("link", join(dir, "link2"));
    fs.symlinkSync("sub/later", join(dir, "dangling"));
    for (const name of ["link2", "dangling"]) writeOutputFile(join(dir, name), name);
    expect(fs.readlinkSync(join(dir, "link2"))).toBe("link");
    expect(fs.readFileSync(join(dir, "sub/there"), "utf8")).toBe("link2");
    expect(fs.readlinkSync(join(dir, "dangling"))).toBe("sub/later");
    expect(fs.readFileSync(join(dir, "sub/later"), "utf8")).toBe("dangling");
  });

  test.each([false, true])("that is a pipe is written to, positions: %s", async (positions) => {
    const dir = tempDir();
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    const reader = spawn("cat", [pipe], { stdio: ["ignore", "pipe", "inherit"] });
    const read: Buffer[] = [];
    reader.stdout.on("data", (piece: Buffer) => read.push(piece));
    const ended = new Promise((resolve) => reader.on("close", resolve));
    if (positions) {
      using output = openOutputFile(pipe, { spool: dir });
      writeAll(output.file, Buffer.from("world"), 6);
      writeAll(output.file, Buffer.from("hello "), 0);
      output.commit();
    } else writeOutputFile(pipe, "hello world");
    await ended;
    expect(Buffer.concat(read).toString()).toBe("hello world");
    expect(fs.statSync(pipe).isFIFO()).toBe(true);
    expect(fs.readdirSync(dir)).toEqual(["pipe"]);
  });

  test("takes away what killed programs left of it long ago, and nothing else", () => {
    const dir = tempDir();
    const hex = "0123456789ab";
    const dead = `999999999-1-${hex}`;
    const left = [`.out.${dead}`, `.out.${OWN_MARK}-${hex}`, `.outer.${dead}`, ".out.txt", `.out.x${dead}`];
    for (const name of left) {
      fs.writeFileSync(join(dir, name), "left");
      fs.utimesSync(join(dir, name), 0, 0);
    }
    fs.writeFileSync(join(dir, `.out.999999998-1-${hex}`), "another machine may be at it");
    writeOutputFile(join(dir, "out"), "new");
    const stays = [...left.slice(1), `.out.999999998-1-${hex}`, "out"];
    expect(fs.readdirSync(dir).sort()).toEqual(stays.sort());
  });

  test("has any name that files may have", () => {
    const path = join(tempDir(), "層".repeat(85));
    writeOutputFile(path, "x");
    expect(fs.readFileSync(path, "utf8")).toBe("x");
  });

  test("that can't be written is what the system says", () => {
    const dir = tempDir();
    expect(() => writeOutputFile(dir, "x")).toThrow("EISDIR");
    expect(() => writeOutputFile(join(dir, "no/folder"), "x")).toThrow("ENOENT");
    fs.symlinkSync("loop", join(dir, "loop"));
    expect(() => writeOutputFile(join(dir, "loop"), "x")).toThrow("ELOOP");
  });
});
