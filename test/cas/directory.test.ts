import fc from "fast-check";
import { expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { digestOf } from "../../src/cas/digest.ts";
import {
  compareNames,
  type Directory,
  type DirectoryNode,
  decodeDirectory,
  EMPTY_DIRECTORY_DIGEST,
  encodeDirectory,
} from "../../src/cas/directory.ts";
import { ProtoWriter } from "../../src/cas/protobuf.ts";

const A = { hash: "a".repeat(64), size: 0 };
const A_HEX = `12420a40${"61".repeat(64)}`;
const empty: Directory = { files: [], directories: [], symlinks: [] };

test("writes the bytes that Python's protobuf writes", () => {
  const files = ["a", "\uffff", "\u{1f600}"].map((name) => ({ name, digest: A, executable: false }));
  expect(encodeDirectory({ ...empty, files }).toString("hex")).toBe(
    `0a470a0161${A_HEX}0a490a03efbfbf${A_HEX}0a4a0a04f09f9880${A_HEX}`,
  );
  const mtime = { seconds: -5, nanos: 7 };
  expect(
    encodeDirectory({ ...empty, files: [{ name: "x", digest: A, executable: true, mtime }] }).toString("hex"),
  ).toBe(`0a5a0a0178${A_HEX}2001320f120d08fbffffffffffffffff011007`);
  expect(encodeDirectory({ ...empty, symlinks: [{ name: "l", target: "../n" }] }).toString("hex")).toBe(
    "1a090a016c12042e2e2f6e",
  );
  const marked = encodeDirectory({ ...empty, subtreeReadOnly: true, mtime: { seconds: 1, nanos: 0 } });
  expect(marked.toString("hex")).toBe("2a1d0a170a0f53756274726565526561644f6e6c7912047472756512020801");
});

test("the empty directory is the empty message", () => {
  expect(digestOf(encodeDirectory(empty))).toEqual(EMPTY_DIRECTORY_DIGEST);
  expect(decodeDirectory(new Uint8Array())).toEqual(empty);
});

test("compares names as their UTF-8 bytes compare", () => {
  const name = fc.string({
    unit: fc.constantFrom("a", "\x7f", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"),
  });
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

const digest = fc.record({ hash: fc.constantFrom(A.hash, EMPTY_DIRECTORY_DIGEST.hash), size: fc.nat(2 ** 40) });
const time = fc.record({ seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nanos: fc.nat(999_999_999) });
const directory = fc
  .record({
    nodes: fc.uniqueArray(
      fc.oneof(
        fc.record(
          { name: fc.string({ minLength: 1 }), digest, executable: fc.boolean(), mtime: time },
          { requiredKeys: ["name", "digest", "executable"] },
        ),
        fc.record({ name: fc.string({ minLength: 1 }), digest }),
        fc.record({ name: fc.string({ minLength: 1, unit: "grapheme" }), target: fc.string() }),
      ),
      { selector: (node) => node.name },
    ),
    properties: fc.record({ mtime: time, subtreeReadOnly: fc.boolean() }, { requiredKeys: [] }),
  })
  .filter(({ nodes }) => nodes.every(({ name }) => !/[/\0]|^\.\.?$/.test(name)))
  .map(({ nodes, properties }): Directory => {
    const sorted = nodes.toSorted((a, b) => compareNames(a.name, b.name));
    const files = sorted.filter((node) => "executable" in node);
    const symlinks = sorted.filter((node) => "target" in node);
    const directories = sorted.filter((node) => !("executable" in node || "target" in node)) as DirectoryNode[];
    return { files, directories, symlinks, ...properties };
  });

test("reads what it writes, whatever the order was", () => {
  fc.assert(
    fc.property(directory, (value) => {
      expect(decodeDirectory(encodeDirectory(value))).toEqual(value);
      const reversed = {
        ...value,
        files: value.files.toReversed(),
        directories: value.directories.toReversed(),
        symlinks: value.symlinks.toReversed(),
      };
      expect(encodeDirectory(reversed)).toEqual(encodeDirectory(value));
    }),
  );
});

test.each(["", ".", "..", "a/b", "/", "a\0b"])("refuses the name %j", (name) => {
  for (const bytes of [
    encodeDirectory({ ...empty, files: [{ name, digest: A, executable: false }] }),
    encodeDirectory({ ...empty, directories: [{ name, digest: A }] }),
    encodeDirectory({ ...empty, symlinks: [{ name, target: "x" }] }),
  ]) {
    expect(() => decodeDirectory(bytes)).toThrow(BstError);
  }
});

test("refuses a name used twice, in one list and in two", () => {
  const file = { name: "x", digest: A, executable: false };
  const twice = encodeDirectory({ ...empty, files: [file, file] });
  const both = encodeDirectory({ ...empty, files: [file], symlinks: [{ name: "x", target: "/etc" }] });
  expect(() => decodeDirectory(twice)).toThrow("two entries named 'x'");
  expect(() => decodeDirectory(both)).toThrow("two entries named 'x'");
});

test.each([
  ["no digest", (node: ProtoWriter) => node.string(1, "x")],
  ["a path as its hash", (node: ProtoWriter) => node.message(2, (d) => d.string(1, "../../../etc/passwd").int(2, 1))],
  ["a negative size", (node: ProtoWriter) => node.message(2, (d) => d.string(1, A.hash).int(2, -1))],
])("refuses an entry with %s", (_, write) => {
  const bytes = new ProtoWriter().message(1, (node) => write(node.string(1, "x"))).finish();
  expect(() => decodeDirectory(bytes)).toThrow(BstError);
});
