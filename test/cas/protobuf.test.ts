import fc from "fast-check";
import { expect, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { ProtoReader, ProtoWriter } from "../../src/cas/protobuf.ts";

test("writes the examples of the encoding's own documentation", () => {
  expect(new ProtoWriter().int(1, 150).finish().toString("hex")).toBe("089601");
  expect(new ProtoWriter().string(2, "testing").finish().toString("hex")).toBe("120774657374696e67");
  const nested = new ProtoWriter().message(3, (writer) => writer.int(1, 150));
  expect(nested.finish().toString("hex")).toBe("1a03089601");
  expect(new ProtoWriter().int(1, -2).finish().toString("hex")).toBe("08feffffffffffffffff01");
});

test("leaves out defaults unless they are elements of a list", () => {
  const writer = new ProtoWriter().int(1, 0).string(2, "").bytes(3, new Uint8Array()).bool(4, false);
  expect(writer.finish()).toHaveLength(0);
  const list = new ProtoWriter().int(1, 0n, true).string(2, "", true).bytes(3, new Uint8Array(), true);
  expect(list.finish().toString("hex")).toBe("080012001a00");
});

test("reads what it writes", () => {
  const value = fc.oneof(
    fc.record({ type: fc.constant("int" as const), value: fc.maxSafeInteger() }),
    fc.record({ type: fc.constant("bigint" as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
    fc.record({ type: fc.constant("string" as const), value: fc.string({ unit: "binary" }) }),
    fc.record({ type: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 1000 }) }),
  );
  const fields = fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 29 - 1 }), value));
  fc.assert(
    fc.property(fields, (list) => {
      const writer = new ProtoWriter();
      for (const [field, { type, value }] of list) {
        writer.message(field, (nested) => {
          if (type === "string") nested.string(1, value, true);
          else if (type === "bytes") nested.bytes(1, value, true);
          else nested.int(1, value, true);
        });
      }
      const reader = new ProtoReader(writer.finish());
      for (const [field, { type, value }] of list) {
        expect(reader.next() && reader.field).toBe(field);
        const nested = reader.message();
        expect(nested.next() && nested.field).toBe(1);
        if (type === "bytes") expect(nested.bytes()).toEqual(Buffer.from(value));
        else expect(nested[type]()).toBe(value);
        expect(nested.next()).toBe(false);
      }
      expect(reader.next()).toBe(false);
    }),
  );
});

test("skips fields of every wire type", () => {
  // A varint, a 64-bit value, a string and a 32-bit value, then field 5.
  const reader = new ProtoReader(
    Buffer.from("08960111010203040506070812026869250102030428 07".replace(" ", ""), "hex"),
  );
  const seen: number[] = [];
  while (reader.next() && reader.field !== 5) {
    seen.push(reader.field);
    reader.skip();
  }
  expect(seen).toEqual([1, 2, 2, 4]);
  expect(reader.int()).toBe(7);
});

test("takes any bytes or refuses them with an error of the cache", () => {
  const visit = (reader: ProtoReader, depth: number) => {
    while (reader.next()) {
      if (reader.field === 1 && depth < 5) visit(reader.message(), depth + 1);
      else if (reader.field === 2) reader.int();
      else reader.skip();
    }
  };
  let refused = 0;
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      try {
        visit(new ProtoReader(bytes), 0);
      } catch (error) {
        expect(error).toBeInstanceOf(BstError);
        refused++;
      }
    }),
  );
  expect(refused).toBeGreaterThan(10);
});

test.each(["0a05686569", "08ffffffffffffffffffff01", "ffffffffffffffffff01", "0b", "00", "0d0102"])(
  "refuses the malformed message %s",
  (hex) => {
    const reader = new ProtoReader(Buffer.from(hex, "hex"));
    expect(() => {
      while (reader.next()) reader.skip();
    }).toThrow(BstError);
  },
);
