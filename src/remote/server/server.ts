/** Serves a store to untrusted clients on a Unix socket: the part of the Remote Execution API that caches have. */
import fs from "node:fs";
import net from "node:net";
import { basename, dirname } from "node:path";
import type {
  Server,
  ServerInterceptor,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import pLimit from "p-limit";
import { BstError } from "../../base/errors.ts";
import type { Cas } from "../../cas/store.ts";
import { BYTE_STREAM, CAPABILITIES, CAS } from "../messages.ts";
import { ActionCache } from "./action-cache.ts";
import { BATCH_SIZE, batchRead, batchUpdate, findMissing, getTree, MESSAGE_SIZE } from "./blobs.ts";
import { queryWriteStatus, read, write } from "./byte-stream.ts";
import {
  CallError,
  decodeInstance,
  encodeCapabilities,
  INTERNAL,
  INVALID_ARGUMENT,
  RESOURCE_EXHAUSTED,
} from "./messages.ts";

const ACTION_CACHE = "/build.bazel.remote.execution.v2.ActionCache";

/** Connections at a time; others are closed at once. Each is a descriptor. */
const MOST_CONNECTIONS = 256;
/** Calls of one connection at a time; clients wait with more. */
const MOST_STREAMS = 16;
/** Calls of all connections that are answered at a time. */
const MOST_CALLS = 32;
/** Others may not connect, whatever the umask. */
const SOCKET_MODE = 0o755;

export interface ServedCache {
  readonly cas: Cas;
  /** Where results of actions are kept. */
  readonly actionCache: string;
  /** Whether clients may say what an action resulted in; else they may only ask. */
  readonly allowsUpdates: boolean;
}

/** Serves until it is disposed of; no call is at work afterwards. */
export async function serveCache(path: string, cache: ServedCache): Promise<AsyncDisposable> {
  const grpc = await import("@grpc/grpc-js");
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MESSAGE_SIZE,
    "grpc.max_concurrent_streams": MOST_STREAMS,
    interceptors: [inTurn(grpc)],
  });
  const running = new Set<Promise<void>>();
  addServices(server, cache, running);
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<net.Socket>();
  const listener = net.createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  listener.maxConnections = MOST_CONNECTIONS;
  await listen(listener, path);
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => listener.close(resolve));
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
      await closed;
      await Promise.all(running);
    },
  };
}

/** Lets so many calls go on at a time. Of others nothing is read meanwhile, so that clients can't fill the memory. */
function inTurn(grpc: typeof import("@grpc/grpc-js")): ServerInterceptor {
  const limit = pLimit(MOST_CALLS);
  return (_, call) => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const listener = new grpc.ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, proceed) => {
        limit(() => {
          proceed(metadata);
          return ended;
        });
      })
      // It comes at the end of every call, however it went.
      .withOnCancel(end)
      .build();
    return new grpc.ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/** Paths of sockets have 107 bytes at most, but for what a descriptor stands for. */
async function listen(listener: net.Server, path: string): Promise<void> {
  const folder = fs.openSync(dirname(path), fs.constants.O_DIRECTORY);
  listener.once("close", () => fs.closeSync(folder));
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(`/proc/self/fd/${folder}/${basename(path)}`, resolve);
  });
  fs.chmodSync(path, SOCKET_MODE);
}

const asIs = (message: Buffer): Buffer => message;
const serializers = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};

function addServices(
  server: Server,
  { cas, actionCache, allowsUpdates }: ServedCache,
  running: Set<Promise<void>>,
): void {
  const keep = (work: Promise<void>): void => {
    running.add(work);
    work.finally(() => running.delete(work));
  };
  const actions = new ActionCache(cas, actionCache, { allowsUpdates });
  const unary = (path: string, answer: (request: Buffer) => Buffer | Promise<Buffer>): void => {
    const definition = { path, requestStream: false, responseStream: false, ...serializers };
    const handle = (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
      keep(respond(async () => answer(call.request), done));
    };
    server.addService({ call: definition }, { call: handle });
  };
  const download = (path: string, answer: (request: Buffer) => AsyncIterable<Buffer>): void => {
    const definition = { path, requestStream: false, responseStream: true, ...serializers };
    const handle = (call: ServerWritableStream<Buffer, Buffer>): void => keep(send(call, answer(call.request)));
    server.addService({ call: definition }, { call: handle });
  };
  const capabilities = encodeCapabilities(BATCH_SIZE, allowsUpdates);
  unary(CAPABILITIES, (request) => {
    decodeInstance(request);
    return capabilities;
  });
  unary(`${CAS}/FindMissingBlobs`, (request) => findMissing(cas, request));
  unary(`${CAS}/BatchUpdateBlobs`, (request) => batchUpdate(cas, request));
  unary(`${CAS}/BatchReadBlobs`, (request) => batchRead(cas, request));
  download(`${CAS}/GetTree`, (request) => getTree(cas, request));
  unary(`${ACTION_CACHE}/GetActionResult`, (request) => actions.get(request));
  unary(`${ACTION_CACHE}/UpdateActionResult`, (request) => actions.update(request));
  download(`${BYTE_STREAM}/Read`, (request) => read(cas, request));
  unary(`${BYTE_STREAM}/QueryWriteStatus`, (request) => queryWriteStatus(cas, request));
  const upload = { path: `${BYTE_STREAM}/Write`, requestStream: true, responseStream: false, ...serializers };
  const receive = (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void => {
    const controller = new AbortController();
    const cancel = (): void => controller.abort(new CallError(INTERNAL, "The call has ended"));
    call.once("cancelled", cancel);
    call.once("error", cancel);
    keep(respond(() => write(cas, call[Symbol.asyncIterator](), controller.signal), done));
  };
  server.addService({ call: upload }, { call: receive });
}

async function respond(answer: () => Promise<Buffer>, done: sendUnaryData<Buffer>): Promise<void> {
  try {
    done(null, await answer());
  } catch (error) {
    done(asStatus(error));
  }
}

async function send(call: ServerWritableStream<Buffer, Buffer>, messages: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const message of messages) {
      if (call.cancelled) break;
      await sent(call, message);
    }
    call.end();
  } catch (error) {
    call.emit("error", asStatus(error));
  }
}

/** Until the client takes a message, or the call has ended. */
function sent(call: ServerWritableStream<Buffer, Buffer>, message: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("cancelled", done);
      resolve();
    };
    call.on("cancelled", done);
    call.write(message, done);
  });
}

/** What clients are told of an error; no fault of theirs, or of the machine's, may end the program. */
function asStatus(error: unknown): { readonly code: number; readonly details: string } {
  const details = error instanceof Error ? error.message : String(error);
  if (error instanceof CallError) return { code: error.code, details };
  if (error instanceof BstError && error.reason === "cache-too-full") return { code: RESOURCE_EXHAUSTED, details };
  return { code: error instanceof BstError && error.cause === undefined ? INVALID_ARGUMENT : INTERNAL, details };
}
