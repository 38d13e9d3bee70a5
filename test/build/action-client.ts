/** Runs in sandboxes, by Node.js: stores an action's result in the cache behind a socket, or looks for one. */
import { digestOf } from "../../src/cas/digest.ts";
import { writeDigest } from "../../src/cas/directory.ts";
import { ProtoReader, ProtoWriter } from "../../src/cas/protobuf.ts";
import { CasClient } from "../../src/remote/cas-client.ts";
import { Connection, RpcError } from "../../src/remote/connection.ts";

/** Followed by the action, and by the output to store. */
export type Verb = "put" | "get";

const ACTION_CACHE = "/build.bazel.remote.execution.v2.ActionCache";
const [socket = "", verb = "", action = "", output = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const config = { url: `unix:${socket}`, type: "all", push: true, provenance: "test", connection: {} } as const;
const connection = await Connection.open(config);
const client = new CasClient(connection);
await client.connect(signal);

async function put(): Promise<string> {
  const data = Buffer.from(output);
  const digest = digestOf(data);
  await client.updateBatch(() => [{ digest, data }], signal);
  const request = new ProtoWriter();
  writeDigest(request, 2, digestOf(action));
  request.message(3, (result) => result.message(2, (file) => writeDigest(file.string(1, "out"), 2, digest)));
  await connection.unary(`${ACTION_CACHE}/UpdateActionResult`, request.finish(), signal);
  return "stored";
}

async function get(): Promise<string> {
  const request = new ProtoWriter();
  writeDigest(request, 2, digestOf(action));
  const result = new ProtoReader(await connection.unary(`${ACTION_CACHE}/GetActionResult`, request.finish(), signal));
  result.next();
  const file = result.message();
  while (file.next()) {
    if (file.field !== 2) {
      file.skip();
      continue;
    }
    const digest = file.message();
    digest.next();
    const hash = digest.string();
    digest.next();
    const [blob] = await client.readBatch([{ hash, size: digest.int() }], signal);
    return `found ${blob?.data}`;
  }
  return "nothing";
}

try {
  console.log(await (verb === "put" ? put() : get()));
} catch (error) {
  if (!(error instanceof RpcError)) throw error;
  console.log(error.status);
}
connection.close();
