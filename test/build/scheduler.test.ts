/** The scheduler, driven step by step: nothing here waits for time to pass. */
import { describe, expect, it } from "vitest";
import { type OnError, type ScheduleResult, schedule, type Task } from "../../src/build/scheduler.ts";

/** A schedule whose tasks end when the test says so. */
class Rig {
  readonly started: string[] = [];
  readonly #tasks: Task[] = [];
  readonly #byName = new Map<string, Task>();
  readonly #ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  readonly #user = new AbortController();
  #result: ScheduleResult | undefined;
  #signals = new Map<string, AbortSignal>();

  task(name: string, needs: readonly string[] = [], queue = "build"): this {
    this.#tasks.push(this.#make(name, needs, queue));
    return this;
  }

  /** A task that is not in the list, for others to lead to. */
  later(
    name: string,
    { needs = [], isLasting = false }: { needs?: readonly string[]; isLasting?: boolean } = {},
  ): this {
    Object.assign(this.#make(name, needs, "build"), { isLasting });
    return this;
  }

  leads(name: string, to: { readonly instead?: string; readonly others?: string; readonly after?: string }): this {
    const named = (each: string | undefined) => (each === undefined ? [] : [this.#byName.get(each)]);
    Object.assign(this.#byName.get(name) ?? {}, {
      further: () => ({ instead: named(to.instead), others: named(to.others) }),
      after: () => named(to.after),
    });
    return this;
  }

  #make(name: string, needs: readonly string[], queue: string): Task {
    const task: Task = {
      queue,
      needs: needs.map((each) => {
        const needed = this.#byName.get(each);
        if (needed === undefined) throw new Error(`${name} needs ${each}, which comes later`);
        return needed;
      }),
      run: (signal) => {
        this.started.push(name);
        this.#signals.set(name, signal);
        return new Promise((resolve, reject) => {
          this.#ends.set(name, { resolve, reject });
          signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
        });
      },
    };
    this.#byName.set(name, task);
    return task;
  }

  /** Puts a task of the list before all others, so that the order of the list is not that of the dependencies. */
  first(name: string): this {
    const place = this.#tasks.findIndex((task) => task.run === this.#byName.get(name)?.run);
    this.#tasks.unshift(...this.#tasks.splice(place, 1));
    return this;
  }

  async start(options: { readonly limits?: Record<string, number>; readonly onError?: OnError } = {}): Promise<this> {
    const { limits = { build: 1, fetch: 1 }, onError = "quit" } = options;
    void schedule(this.#tasks, { limits, onFailure: () => onError, signal: this.#user.signal }).then((result) => {
      this.#result = result;
    });
    await settle();
    return this;
  }

  async succeed(name: string): Promise<void> {
    this.#ends.get(name)?.resolve();
    await settle();
  }

  async fail(name: string): Promise<void> {
    this.#ends.get(name)?.reject(new Error(name));
    await settle();
  }

  async interrupt(): Promise<void> {
    this.#user.abort();
    await settle();
  }

  wasAborted(name: string): boolean | undefined {
    return this.#signals.get(name)?.aborted;
  }

  /** Undefined as long as the schedule is not done. */
  get result(): ScheduleResult | undefined {
    return this.#result;
  }
}

/** Lets everything happen that waits for nothing but promises. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

const done: ScheduleResult = { failed: false, interrupted: false };

describe("schedule", () => {
  it("is done at once when there is nothing to do", async () => {
    expect((await new Rig().start()).result).toEqual(done);
  });

  it("runs as many tasks of a queue as its limit says, each queue for itself", async () => {
    const rig = new Rig().task("b1").task("b2").task("b3").task("f1", [], "fetch").task("f2", [], "fetch");
    await rig.start({ limits: { build: 2, fetch: 1 } });
    expect(rig.started.toSorted()).toEqual(["b1", "b2", "f1"]);
    await rig.succeed("f1");
    expect(rig.started.slice(3)).toEqual(["f2"]);
    await rig.succeed("b2");
    expect(rig.started.slice(4)).toEqual(["b3"]);
    for (const name of ["b1", "b3"]) await rig.succeed(name);
    expect(rig.result).toBeUndefined();
    await rig.succeed("f2");
    expect(rig.result).toEqual(done);
  });

  it("lets what needs a task wait for what this leads to instead, and not for others", async () => {
    const rig = new Rig().task("pull").task("user", ["pull"]).later("build").later("push");
    await rig.leads("pull", { instead: "build", others: "push" }).start({ limits: { build: 9 } });
    await rig.succeed("pull");
    expect(rig.started).toEqual(["pull", "build", "push"]);
    await rig.succeed("build");
    expect(rig.started).toEqual(["pull", "build", "push", "user"]);
    await rig.succeed("user");
    expect(rig.result).toBeUndefined();
    await rig.succeed("push");
    expect(rig.result).toEqual(done);
  });

  it("lets tasks that come later wait for what a task led to that is done", async () => {
    const rig = new Rig()
      .task("a")
      .task("b")
      .later("a2")
      .later("b2", { needs: ["a"] });
    await rig
      .leads("a", { instead: "a2" })
      .leads("b", { others: "b2" })
      .start({ limits: { build: 9 } });
    await rig.succeed("a");
    await rig.succeed("b");
    expect(rig.started).toEqual(["a", "b", "a2"]);
    await rig.succeed("a2");
    expect(rig.started).toEqual(["a", "b", "a2", "b2"]);
    await rig.succeed("b2");
    expect(rig.result).toEqual(done);
  });

  it("does not run what needs a task which led to one that failed", async () => {
    const rig = new Rig().task("pull").task("user", ["pull"]).later("build");
    await rig.leads("pull", { instead: "build" }).start({ onError: "continue" });
    await rig.succeed("pull");
    await rig.fail("build");
    expect(rig.started).toEqual(["pull", "build"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it("runs what follows a failure and lasts, when nothing else begins any more", async () => {
    const rig = new Rig().task("build").task("other").later("push", { isLasting: true }).later("not");
    await rig.leads("build", { after: "push" }).leads("push", { after: "not" }).start({ onError: "quit" });
    await rig.fail("build");
    expect(rig.started).toEqual(["build", "push"]);
    await rig.succeed("push");
    expect(rig.started).toEqual(["build", "push"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it("takes a limit of none for one, rather than to wait for ever", async () => {
    const rig = await new Rig().task("a").start({ limits: { build: 0 } });
    expect(rig.started).toEqual(["a"]);
  });

  it("starts a task once all that it needs has succeeded", async () => {
    const rig = new Rig().task("a").task("b").task("c", ["a", "b"]).task("d", ["c"]);
    await rig.start({ limits: { build: 9 } });
    expect(rig.started).toEqual(["a", "b"]);
    await rig.succeed("b");
    expect(rig.started).toEqual(["a", "b"]);
    await rig.succeed("a");
    expect(rig.started).toEqual(["a", "b", "c"]);
    await rig.succeed("c");
    await rig.succeed("d");
    expect(rig.result).toEqual(done);
  });

  it("prefers of the tasks that can start the first of the list, however late it could", async () => {
    const rig = new Rig().task("a").task("b").task("c").task("urgent", ["a"]).first("urgent");
    await rig.start();
    expect(rig.started).toEqual(["a"]);
    await rig.succeed("a");
    expect(rig.started).toEqual(["a", "urgent"]);
    await rig.succeed("urgent");
    await rig.succeed("b");
    expect(rig.started).toEqual(["a", "urgent", "b", "c"]);
  });

  it("does not run what needs a task that failed", async () => {
    const rig = new Rig().task("a").task("b", ["a"]).task("c", ["b"]);
    await rig.start({ onError: "continue" });
    await rig.fail("a");
    expect(rig.started).toEqual(["a"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it("goes on with what does not need it, with 'continue'", async () => {
    const rig = new Rig().task("a").task("b", ["a"]).task("c").task("d", ["c"]);
    await rig.start({ onError: "continue" });
    await rig.fail("a");
    await rig.succeed("c");
    await rig.succeed("d");
    expect(rig.started).toEqual(["a", "c", "d"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it("lets running tasks end and starts no other, with 'quit'", async () => {
    const rig = new Rig().task("a").task("b").task("c").task("d", ["b"]);
    await rig.start({ onError: "quit", limits: { build: 2 } });
    await rig.fail("a");
    expect(rig.wasAborted("b")).toBe(false);
    expect(rig.result).toBeUndefined();
    await rig.succeed("b");
    expect(rig.started).toEqual(["a", "b"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it("ends running tasks, with 'terminate'", async () => {
    const rig = new Rig().task("a").task("b").task("c");
    await rig.start({ onError: "terminate", limits: { build: 2 } });
    await rig.fail("a");
    expect(rig.wasAborted("b")).toBe(true);
    expect(rig.started).toEqual(["a", "b"]);
    expect(rig.result).toEqual({ failed: true, interrupted: false });
  });

  it.each(["continue", "quit", "terminate"] as const)(
    "ends everything when it is interrupted, with '%s'",
    async (onError) => {
      const rig = new Rig().task("a").task("b").task("c").task("d", ["a"]);
      await rig.start({ onError, limits: { build: 2 } });
      await rig.interrupt();
      expect([rig.wasAborted("a"), rig.wasAborted("b")]).toEqual([true, true]);
      expect(rig.started).toEqual(["a", "b"]);
      expect(rig.result).toMatchObject({ interrupted: true });
    },
  );

  it("starts nothing when it was interrupted before", async () => {
    const rig = new Rig().task("a");
    await rig.interrupt();
    await rig.start();
    expect(rig.started).toEqual([]);
    expect(rig.result).toEqual({ failed: false, interrupted: true });
  });

  it("throws for a queue without a limit, which is a mistake of the program", async () => {
    const task: Task = { queue: "other", needs: [], run: () => Promise.resolve() };
    const { signal } = new AbortController();
    await expect(schedule([task], { limits: {}, onFailure: () => "quit", signal })).rejects.toThrow("other");
  });
});
