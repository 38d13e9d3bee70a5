/** Our deflate: what others read from it, and that its bytes are always the same. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, deflateRawSync, gunzipSync, inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deflater, mostDeflated } from "../../src/oci/deflate.ts";
import { GZIP_PIECE, gzip } from "../../src/oci/gzip.ts";
import { tempDir } from "../helpers.ts";

const NONE = Buffer.alloc(0);
const LEVELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const deflate = deflater();

function deflated(piece: Uint8Array, level: number, before: Uint8Array = NONE, by = deflate): Buffer {
  const into = Buffer.alloc(mostDeflated(piece.length));
  return into.subarray(0, by({ before, piece, level, into }));
}

function inflated(bytes: Buffer, before: Buffer = NONE): Buffer {
  const dictionary = before.length > 0 ? { dictionary: before } : {};
  return inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, ...dictionary });
}

/** Numbers below 2^32 that are the same each time. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

function noise(size: number, seed = 1): Buffer {
  const random = numbers(seed);
  return Buffer.from(Array.from({ length: size }, () => (random.next().value as number) >>> 24));
}

/** As rare as can be: each byte half as often as the one before. */
function skewed(size: number): Buffer {
  const random = numbers(2);
  return Buffer.from(Array.from({ length: size }, () => Math.clz32(random.next().value as number)));
}

function text(size: number): Buffer {
  const lines = Array.from({ length: size / 8 }, (_, i) => `line ${(i * 7919) % 10_007} of ${i % 13}\n`);
  return Buffer.from(lines.join("")).subarray(0, size);
}

const samples: Readonly<Record<string, Buffer>> = {
  "a byte": Buffer.from("a"),
  "three bytes": Buffer.from("aaa"),
  "four bytes": Buffer.from("aaaa"),
  "all bytes": Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
  zeros: Buffer.alloc(GZIP_PIECE),
  noise: noise(150_000),
  "rare bytes": skewed(80_000),
  text: text(200_000),
  mixed: Buffer.concat([text(300_000), noise(100_000, 3), Buffer.alloc(100_000), text(200_000), skewed(100_000)]),
};

describe.each(Object.entries(samples))("%s", (_, sample) => {
  test.each(LEVELS)("can be read at level %i", (level) => {
    const bytes = deflated(sample, level);
    expect(inflated(bytes).equals(sample)).toBe(true);
    const before = text(1 << 15);
    expect(inflated(deflated(sample, level, before), before).equals(sample)).toBe(true);
  });
});

test("anything can be read", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(3000))
      .map(([unit, size]) => Buffer.alloc(size, unit)),
    fc.tuple(fc.nat(9), fc.nat(20_000)).map(([seed, size]) => noise(size, seed)),
    fc.nat(20_000).map(text),
    fc.nat(20_000).map(skewed),
  );
  const bytes = fc.array(part, { maxLength: 8 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(bytes, bytes, fc.constantFrom(...LEVELS), (earlier, piece, level) => {
      const before = Buffer.concat([earlier, piece.subarray(0, 500)]).subarray(-(1 << 15));
      expect(inflated(deflated(piece, level, before), before).equals(piece)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test("what was compressed before changes nothing", () => {
  const again = deflater();
  for (const sample of Object.values(samples))
    expect(deflated(sample, 6, NONE, again).equals(deflated(sample, 6, NONE, deflater()))).toBe(true);
});

test("higher levels take fewer bytes, none more than zlib, and nothing grows much", () => {
  const sizes = LEVELS.map((level) => deflated(samples["mixed"] ?? NONE, level).length);
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  const theirs = LEVELS.map((level) => deflateRawSync(samples["mixed"] ?? NONE, { level }).length);
  for (const [i, size] of sizes.entries()) expect(size).toBeLessThan(theirs[i] ?? 0);
  expect(deflated(noise(GZIP_PIECE), 6).length).toBeLessThan(GZIP_PIECE * 1.002);
});

test("the bytes are those of this version, on any machine", () => {
  const hash = createHash("sha256");
  for (const sample of Object.values(samples)) for (const level of LEVELS) hash.update(deflated(sample, level));
  // Another digest is another version of layers: see LAYER_VERSION.
  expect(hash.digest("hex")).toBe("283a49d01a627bc97da73c3b873a5d32f6f50721acb02a0eee6d1bae77c8eefc");
});

test("a stream of pieces can be read by others", async () => {
  const content = Buffer.concat([text(GZIP_PIECE), text(GZIP_PIECE), noise(GZIP_PIECE), Buffer.from("end")]);
  async function* pieces() {
    for (let at = 0; at < content.length; at += GZIP_PIECE) yield content.subarray(at, at + GZIP_PIECE);
  }
  const found: Buffer[] = [];
  for await (const piece of gzip(pieces(), 6)) found.push(Buffer.from(piece));
  const bytes = Buffer.concat(found);
  expect(gunzipSync(bytes).equals(content)).toBe(true);
  const file = join(tempDir("gzip"), "file.gz");
  writeFileSync(file, bytes);
  const python = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";
  for (const [program, ...words] of [
    ["gunzip", "-c"],
    ["pigz", "-dc"],
    ["python3", "-c", python],
  ] as const)
    expect(execFileSync(program, [...words, file], { maxBuffer: 1 << 26 }).equals(content), program).toBe(true);
});
