import { describe, expect, it } from "vitest";
import { activity, quiet } from "../../src/base/activity.ts";
import type { Message } from "../../src/base/messages.ts";

function record() {
  const messages: Message[] = [];
  return { messages, messenger: { emit: (message: Message) => messages.push(message) } };
}

describe("an activity", () => {
  it("is framed by its messages, and returns what its step does", () => {
    const { messages, messenger } = record();
    expect(activity(messenger, "Work", () => 7, { element: "a.bst", detail: "how" })).toBe(7);
    expect(messages).toEqual([
      { type: "start", text: "Work", element: "a.bst", detail: "how" },
      { type: "success", text: "Work", element: "a.bst", elapsedMs: expect.any(Number) },
    ]);
  });

  it("waits for an asynchronous step", async () => {
    const { messages, messenger } = record();
    const work = activity(messenger, "Work", async () => 7);
    expect(messages).toHaveLength(1);
    expect(await work).toBe(7);
    expect(messages[1]).toMatchObject({ type: "success" });
  });

  it("ends in failure and lets the error through", async () => {
    const { messages, messenger } = record();
    const error = new Error("no");
    const fail = () => {
      throw error;
    };
    expect(() => activity(messenger, "Work", fail)).toThrow(error);
    await expect(activity(messenger, "Work", async () => fail())).rejects.toBe(error);
    expect(messages.map(({ type }) => type)).toEqual(["start", "failure", "start", "failure"]);
  });

  it("marks nested messages as silenced", () => {
    const { messages, messenger } = record();
    quiet(messenger).emit({ type: "status", text: "x" });
    expect(messages).toEqual([{ type: "status", text: "x", silenced: true }]);
  });
});
