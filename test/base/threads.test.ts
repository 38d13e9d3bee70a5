import { expect, test } from "vitest";
import { sharedBuffer, Thread } from "../../src/base/threads.ts";

/** Adds up what it is given, in the order in which it is asked. */
function adder(load: (module: string) => unknown, start: number) {
  const { setTimeout } = load("node:timers/promises") as typeof import("node:timers/promises");
  let sum = start;
  return async (number: number): Promise<number> => {
    if (number === 0) throw Object.assign(new Error("nothing to add"), { code: "ENOTHING" });
    if (number < 0) process.exit(1);
    await setTimeout(number % 3);
    sum += number;
    return sum;
  };
}

test("a thread answers in order, and goes on after a failure", async () => {
  await using thread = new Thread(adder, 10);
  const answers = [3, 1, 0, 2].map((number) => thread.call(number));
  const settled = await Promise.allSettled(answers);
  expect(settled.map((each) => (each.status === "fulfilled" ? each.value : each.reason))).toMatchObject([
    13,
    14,
    { message: "nothing to add", code: "ENOTHING" },
    16,
  ]);
});

test("a thread that ends leaves no question open", async () => {
  await using thread = new Thread(adder, 0);
  const answers = await Promise.allSettled([thread.call(-1), thread.call(1)]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("memory can be shared, and results be given away", async () => {
  await using thread = new Thread(
    () => (piece: Uint8Array) => {
      piece[0] = 7;
      return new Uint8Array([...piece, 1]);
    },
    undefined,
  );
  const piece = sharedBuffer(2);
  expect([...(await thread.call(piece))]).toEqual([7, 0, 1]);
  expect([...piece]).toEqual([7, 0]);
});
