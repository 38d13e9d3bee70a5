/** Other threads, for work that would keep this one busy: functions that need nothing but what they are given. */
import { Worker } from "node:worker_threads";

/**
 * What a thread runs: its text is all that the thread gets, so it can use nothing from around it. Called once, with what
 * loads modules (of Node.js, others by their absolute path); what it returns is called for each request, one at a time. Bytes in
 * a memory of their own, as a result, are gone from there.
 */
export type Work<Data, Request, Result> = (
  load: (module: string) => unknown,
  data: Data,
) => (request: Request) => Result | Promise<Result>;

type Answer<Result> = { readonly result: Result } | { readonly failure: string; readonly code: string | undefined };

interface Waiting<Result> {
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** One thread; it must be disposed of. */
export class Thread<Data, Request, Result> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #waiting: Waiting<Result>[] = [];

  /** @param data anything that can be cloned; memory of a SharedArrayBuffer stays the same memory */
  constructor(work: Work<Data, Request, Result>, data: Data) {
    this.#worker = new Worker(`(${run})(require, ${work})`, {
      eval: true,
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (answer: Answer<Result>) => {
      const waiting = this.#waiting.shift();
      if ("result" in answer) waiting?.resolve(answer.result);
      else waiting?.reject(Object.assign(new Error(answer.failure), { code: answer.code }));
    });
    const fail = (error: Error) => {
      for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    };
    this.#worker.on("error", fail);
    this.#worker.on("exit", () => fail(new Error("The thread has ended")));
  }

  /** Rejects with an Error that has the message, and the system's `code`, of what was thrown there. */
  call(request: Request): Promise<Result> {
    const result = new Promise<Result>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    // Whoever awaits it may do so later.
    result.catch(() => {});
    this.#worker.postMessage(request);
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Memory that other threads see as well. */
export function sharedBuffer(size: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(size));
}

/** On the thread. */
function run(load: (module: string) => unknown, work: Work<unknown, unknown, unknown>): void {
  const { parentPort, workerData } = load("node:worker_threads") as typeof import("node:worker_threads");
  const handle = work(load, workerData);
  // Given away instead of copied.
  const isWhole = (result: unknown): result is Uint8Array<ArrayBuffer> =>
    result instanceof Uint8Array &&
    result.buffer instanceof ArrayBuffer &&
    result.byteLength > 0 &&
    result.byteLength === result.buffer.byteLength;
  let last: Promise<unknown> = Promise.resolve();
  parentPort?.on("message", (request) => {
    last = last
      .then(() => handle(request))
      .then(
        (result) => parentPort.postMessage({ result }, isWhole(result) ? [result.buffer] : []),
        (error) => parentPort.postMessage({ failure: String(error?.message ?? error), code: error?.code }),
      );
  });
}
