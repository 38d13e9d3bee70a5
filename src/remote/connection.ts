/** A connection to one server: gRPC calls with its credentials, time limits and further attempts. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, ClientWritableStream, Metadata } from "@grpc/grpc-js";
import { BstError } from "../base/errors.ts";
import type { RemoteConfig } from "../project/remotes.ts";
import { Token, tlsCredentials } from "./credentials.ts";

type Grpc = typeof import("@grpc/grpc-js");

/** Bytes of one message: what servers send at a time is 4 MiB at most, and what surrounds it. */
const MAXIMUM_MESSAGE = 16 << 20;
/** Bytes that a server may send ahead: with the usual 64 KiB, servers that are far away would mostly wait. */
const FLOW_CONTROL_WINDOW = 4 << 20;
/** Seconds without any sign of a call's progress. */
const REQUEST_TIMEOUT = 120;
/** Seconds in which a server that is there answers for the first time. */
const PROBE_TIMEOUT = 15;
const RETRY_LIMIT = 3;
/** Milliseconds before the first further attempt; doubled before each other. */
const RETRY_DELAY = 250;

/** A call that failed, or was answered by an error. */
export class RpcError extends BstError {
  /** Name of the gRPC status, such as `NOT_FOUND`. */
  readonly status: string;

  constructor(status: string, message: string, cause?: unknown) {
    super("remote", message, { temporary: PASSING.has(status), ...(cause !== undefined && { cause }) });
    this.status = status;
  }
}

/** What may be gone when the same is asked again. */
const PASSING = new Set(["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "UNKNOWN", "INTERNAL"]);
/** What is asked again at once; a server that was slow would be so again. */
const RETRIED = new Set(["UNAVAILABLE", "ABORTED"]);

/** Messages are passed on as they are on the wire. */
const asIs = (message: Buffer): Buffer => message;

export class Connection {
  readonly url: string;
  readonly instanceName: string;
  readonly #grpc: Grpc;
  readonly #client: Client;
  readonly #timeout: number;
  readonly #retryLimit: number;
  readonly #retryDelay: number;
  readonly #token: Token | undefined;

  /**
   * Reads the credentials; nothing is sent before the first call.
   * @throws BstError domain remote, reason load-remote-creds-failed, where a file can't be read
   */
  static async open(config: RemoteConfig): Promise<Connection> {
    return new Connection(await import("@grpc/grpc-js"), config);
  }

  private constructor(grpc: Grpc, config: RemoteConfig) {
    const { url, instanceName, connection } = config;
    this.url = url;
    this.instanceName = instanceName ?? "";
    this.#grpc = grpc;
    this.#timeout = connection.requestTimeout || REQUEST_TIMEOUT;
    this.#retryLimit = connection.retryLimit ?? RETRY_LIMIT;
    this.#retryDelay = connection.retryDelay ?? RETRY_DELAY;
    this.#token = Token.of(config);
    const { address, isSecure } = parseUrl(url);
    this.#client = new grpc.Client(
      address,
      isSecure ? tlsCredentials(grpc, config) : grpc.credentials.createInsecure(),
      {
        "grpc.max_receive_message_length": MAXIMUM_MESSAGE,
        "grpc.max_send_message_length": MAXIMUM_MESSAGE,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_retries": 0,
        "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW,
        "grpc.initial_reconnect_backoff_ms": 100,
        ...(connection.keepaliveTime && { "grpc.keepalive_time_ms": connection.keepaliveTime * 1000 }),
      },
    );
  }

  /** One message, answered by one. @throws RpcError; the signal's reason where it is aborted */
  unary(method: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
    return this.retry(signal, () => this.#call(method, request, this.#timeout, signal));
  }

  /** The same, asked only once and not waited for long: to find out whether the server is there. */
  probe(method: string, request: Buffer, signal: AbortSignal): Promise<Buffer> {
    return this.#call(method, request, Math.min(PROBE_TIMEOUT, this.#timeout), signal);
  }

  /** One message, answered by many. @throws RpcError; the signal's reason where it is aborted */
  async *download(method: string, request: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
    signal.throwIfAborted();
    const call = this.#client.makeServerStreamRequest(method, asIs, asIs, request, this.#metadata());
    // It may also fail when nobody listens any more.
    call.on("error", () => {});
    const watch = new Watch(this.#timeout, signal, () => call.cancel());
    try {
      for await (const message of call) {
        watch.progressed();
        yield message as Buffer;
      }
    } catch (error) {
      throw watch.errorFor(this.#error(error));
    } finally {
      watch.end();
      call.cancel();
    }
  }

  /**
   * Many messages, answered by one, which may come before all are sent.
   * @throws RpcError; the signal's reason where it is aborted; what `requests` throws
   */
  async upload(method: string, requests: AsyncIterable<Buffer>, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    let call: ClientWritableStream<Buffer> | undefined;
    const watch = new Watch(this.#timeout, signal, () => call?.cancel());
    let isAnswered = false;
    const answer = new Promise<Buffer>((resolve, reject) => {
      const done = (error: unknown, response?: Buffer) => {
        isAnswered = true;
        if (response !== undefined) resolve(response);
        else reject(watch.errorFor(this.#error(error)));
      };
      call = this.#client.makeClientStreamRequest(method, asIs, asIs, this.#metadata(), {}, done);
      call.on("error", () => {});
    });
    // It may fail while requests are still being read.
    answer.catch(() => {});
    try {
      for await (const request of requests) {
        if (isAnswered) break;
        const stream = call;
        if (stream?.write(request) === false) {
          await Promise.race([
            new Promise<void>((resolve) => stream.once("drain", () => resolve())),
            answer.catch(() => {}),
          ]);
        }
        watch.progressed();
      }
      call?.end();
      return await answer;
    } catch (error) {
      call?.cancel();
      throw error;
    } finally {
      watch.end();
    }
  }

  /** Does something again where the server could not be reached. */
  async retry<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    for (let failures = 0; ; failures++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RpcError) || !RETRIED.has(error.status) || failures >= this.#retryLimit) throw error;
        await sleep(this.#retryDelay * 2 ** failures, undefined, { signal });
      }
    }
  }

  close(): void {
    this.#client.close();
  }

  #call(method: string, request: Buffer, seconds: number, signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + seconds * 1000 };
      const done = (error: unknown, response?: Buffer) => {
        signal.removeEventListener("abort", abort);
        if (signal.aborted) reject(signal.reason);
        else if (response !== undefined) resolve(response);
        else reject(this.#error(error));
      };
      const call = this.#client.makeUnaryRequest(method, asIs, asIs, request, this.#metadata(), options, done);
      const abort = () => call.cancel();
      signal.addEventListener("abort", abort);
    });
  }

  #metadata(): Metadata {
    const metadata = new this.#grpc.Metadata();
    const token = this.#token?.read();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  }

  /** What a call failed with, as an error of ours. */
  #error(error: unknown): unknown {
    if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "number") return error;
    const status = this.#grpc.status[error.code] ?? "UNKNOWN";
    const details = "details" in error && typeof error.details === "string" ? error.details : error.message;
    return new RpcError(status, `${status}: ${details}`, error);
  }
}

/** Ends a call that makes no progress, or that the signal ends. */
class Watch {
  readonly #signal: AbortSignal;
  readonly #seconds: number;
  readonly #abort: () => void;
  readonly #timer: NodeJS.Timeout;
  #isLate = false;

  constructor(seconds: number, signal: AbortSignal, cancel: () => void) {
    this.#signal = signal;
    this.#seconds = seconds;
    this.#abort = cancel;
    signal.addEventListener("abort", cancel);
    this.#timer = setTimeout(() => {
      this.#isLate = true;
      cancel();
    }, seconds * 1000);
  }

  progressed(): void {
    this.#timer.refresh();
  }

  /** Why the call really failed. */
  errorFor(error: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    if (this.#isLate) return new RpcError("DEADLINE_EXCEEDED", `DEADLINE_EXCEEDED: no progress for ${this.#seconds} s`);
    return error;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#abort);
  }
}

/** The address as gRPC wants it. @throws BstError domain remote, for a URL of another kind */
function parseUrl(url: string): { address: string; isSecure: boolean } {
  const [, scheme = "", rest = ""] = /^([a-z]+):(.*)$/i.exec(url) ?? [];
  if (scheme === "unix") return { address: url, isSecure: false };
  const isSecure = scheme === "https" || scheme === "grpcs";
  const host = /^\/\/(\[[^\]]+\]|[^/:]+)(?::(\d+))?(?:\/.*)?$/.exec(rest);
  if (host === null || !(isSecure || scheme === "http" || scheme === "grpc")) {
    throw new BstError("remote", `'${url}' is no URL of a server`, {
      detail: "It begins with http://, https://, grpc://, grpcs:// or unix:",
    });
  }
  return { address: `dns:${host[1]}:${host[2] ?? (isSecure ? 443 : 80)}`, isSecure };
}
