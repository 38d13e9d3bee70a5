/** Results of actions, kept in a folder as buildbox-casd keeps them: by the action's digest, each in a file. */
import { setImmediate } from "node:timers/promises";
import { readProto, writeProto } from "../../artifact/protos.ts";
import { BstError } from "../../base/errors.ts";
import type { Digest } from "../../cas/digest.ts";
import { readDigest } from "../../cas/directory.ts";
import { ProtoReader } from "../../cas/protobuf.ts";
import type { Cas } from "../../cas/store.ts";
import { hasBlob, isWhole, isWholeTree } from "./blobs.ts";
import { CallError, decodeGetAction, decodeUpdateAction, NOT_FOUND, PERMISSION_DENIED } from "./messages.ts";

export class ActionCache {
  readonly #cas: Cas;
  readonly #directory: string;
  readonly #allowsUpdates: boolean;

  /** @param directory made when something is written to it */
  constructor(cas: Cas, directory: string, { allowsUpdates }: { readonly allowsUpdates: boolean }) {
    this.#cas = cas;
    this.#directory = directory;
    this.#allowsUpdates = allowsUpdates;
  }

  /** @throws CallError NOT_FOUND where there is no result, or something of what it names is missing */
  async get(request: Buffer): Promise<Buffer> {
    const action = decodeGetAction(request);
    const result = readProto(this.#path(action));
    if (result === undefined) throw new CallError(NOT_FOUND, "There is no result of this action");
    if (!(await this.#hasOutputs(result))) throw new CallError(NOT_FOUND, "Outputs of this action are missing");
    return result;
  }

  /** @throws CallError PERMISSION_DENIED */
  update(request: Buffer): Buffer {
    if (!this.#allowsUpdates) throw new CallError(PERMISSION_DENIED, "Results of actions may not be changed");
    const { action, result } = decodeUpdateAction(request);
    // Malformed ones are refused.
    outputsOf(result);
    writeProto(this.#cas.temporaryDirectory, this.#path(action), result);
    return result;
  }

  #path({ hash }: Digest): string {
    return `${this.#directory}/objects/${hash.slice(0, 2)}/${hash.slice(2)}`;
  }

  async #hasOutputs(result: Buffer): Promise<boolean> {
    try {
      const { blobs, trees, directories } = outputsOf(result);
      if (!blobs.every((digest) => hasBlob(this.#cas, digest))) return false;
      for (const digest of trees) {
        if (!isWholeTree(this.#cas, digest)) return false;
        await setImmediate();
      }
      for (const digest of directories) if (!(await isWhole(this.#cas, digest))) return false;
      return true;
    } catch (error) {
      // Whatever is malformed is no output.
      if (error instanceof BstError && error.domain === "cas") return false;
      throw error;
    }
  }
}

interface Outputs {
  readonly blobs: Digest[];
  /** Of Tree messages. */
  readonly trees: Digest[];
  readonly directories: Digest[];
}

/** What of the store an ActionResult names. */
function outputsOf(result: Buffer): Outputs {
  const outputs: Outputs = { blobs: [], trees: [], directories: [] };
  const reader = new ProtoReader(result);
  while (reader.next()) {
    if (reader.field === 2) readFile(reader.message(), outputs);
    else if (reader.field === 3) readFolder(reader.message(), outputs);
    // Standard output, and error.
    else if (reader.field === 6 || reader.field === 8) addDigest(reader, outputs.blobs);
    else reader.skip();
  }
  return outputs;
}

function readFile(reader: ProtoReader, { blobs }: Outputs): void {
  while (reader.next()) {
    if (reader.field === 2) addDigest(reader, blobs);
    else reader.skip();
  }
}

function readFolder(reader: ProtoReader, { trees, directories }: Outputs): void {
  while (reader.next()) {
    if (reader.field === 3) addDigest(reader, trees);
    else if (reader.field === 5) addDigest(reader, directories);
    else reader.skip();
  }
}

/** Those that are empty stand for none. */
function addDigest(reader: ProtoReader, digests: Digest[]): void {
  const bytes = reader.bytes();
  if (bytes.length > 0) digests.push(readDigest(new ProtoReader(bytes)));
}
