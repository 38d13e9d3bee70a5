/** The Remote Asset service of a server: which blob or directory a name stands for. */
import type { Digest } from "../cas/digest.ts";
import { type Connection, RpcError } from "./connection.ts";
import { type Asset, decodeFetch, encodeFetch, encodeInstance, encodePush, FETCH, PUSH } from "./messages.ts";

const NOT_FOUND = 5;

export class AssetClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get url(): string {
    return this.#connection.url;
  }

  /**
   * Finds out whether the server has the service.
   * @param push whether names shall be pushed, too
   * @throws RpcError
   */
  async connect(push: boolean, signal: AbortSignal): Promise<void> {
    const request = encodeInstance(this.#connection.instanceName);
    for (const method of push ? [`${FETCH}/FetchBlob`, `${PUSH}/PushBlob`] : [`${FETCH}/FetchBlob`]) {
      try {
        await this.#connection.probe(method, request, signal);
      } catch (error) {
        // As it should be: nothing was asked for.
        if (!(error instanceof RpcError) || error.status !== "INVALID_ARGUMENT") throw error;
      }
    }
  }

  /** The blob that the first known of some names stands for. @throws RpcError */
  fetchBlob(uris: readonly string[], signal: AbortSignal): Promise<Digest | undefined> {
    return this.#fetch("FetchBlob", uris, signal);
  }

  /** The same for directories. @throws RpcError */
  fetchDirectory(uris: readonly string[], signal: AbortSignal): Promise<Digest | undefined> {
    return this.#fetch("FetchDirectory", uris, signal);
  }

  /** @throws RpcError */
  async pushBlob(asset: Asset, signal: AbortSignal): Promise<void> {
    await this.#push("PushBlob", asset, signal);
  }

  /** @throws RpcError */
  async pushDirectory(asset: Asset, signal: AbortSignal): Promise<void> {
    await this.#push("PushDirectory", asset, signal);
  }

  async #fetch(method: string, uris: readonly string[], signal: AbortSignal): Promise<Digest | undefined> {
    const { instanceName } = this.#connection;
    try {
      const answer = await this.#connection.unary(`${FETCH}/${method}`, encodeFetch(instanceName, uris), signal);
      const { status, digest } = decodeFetch(answer);
      if (status.code === NOT_FOUND) return undefined;
      if (status.code !== 0)
        throw new RpcError("UNKNOWN", `${method} failed with status ${status.code}: ${status.message}`);
      return digest;
    } catch (error) {
      if (error instanceof RpcError && error.status === "NOT_FOUND") return undefined;
      throw error;
    }
  }

  async #push(method: string, asset: Asset, signal: AbortSignal): Promise<void> {
    const { instanceName } = this.#connection;
    await this.#connection.unary(`${PUSH}/${method}`, encodePush(instanceName, asset), signal);
  }
}
