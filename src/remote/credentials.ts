/** What a client shows a server: certificates and access tokens, from files. */
import { readFileSync } from "node:fs";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { BstError } from "../base/errors.ts";
import type { RemoteConfig } from "../project/remotes.ts";

/** Minutes. */
const TOKEN_RELOAD_INTERVAL = 60;

/** An access token, read again now and then: whoever issues them replaces the file. */
export class Token {
  readonly #path: string;
  readonly #lifetime: number;
  readonly #provenance: string;
  #text = "";
  #readAt = Number.NEGATIVE_INFINITY;

  /** Undefined where there is none. @throws BstError domain remote, reason load-remote-creds-failed */
  static of({ accessToken, accessTokenReloadInterval, provenance }: RemoteConfig): Token | undefined {
    if (accessToken === undefined) return undefined;
    return new Token(accessToken, accessTokenReloadInterval ?? TOKEN_RELOAD_INTERVAL, provenance);
  }

  /** @param minutes after which the file is read again */
  private constructor(path: string, minutes: number, provenance: string) {
    this.#path = path;
    this.#lifetime = minutes * 60_000;
    this.#provenance = provenance;
    this.read();
  }

  read(): string {
    const now = performance.now();
    if (now - this.#readAt > this.#lifetime) {
      this.#text = readCredentials(this.#path, this.#provenance).toString().trim();
      this.#readAt = now;
    }
    return this.#text;
  }
}

/** @throws BstError domain remote, reason load-remote-creds-failed */
export function tlsCredentials(
  grpc: typeof import("@grpc/grpc-js"),
  { serverCert, clientKey, clientCert, provenance }: RemoteConfig,
): ChannelCredentials {
  const read = (path: string | undefined) => (path === undefined ? null : readCredentials(path, provenance));
  const contents = [read(serverCert), read(clientKey), read(clientCert)] as const;
  try {
    return grpc.credentials.createSsl(...contents);
  } catch (error) {
    throw new BstError("remote", `${provenance}: The credentials cannot be used`, {
      reason: "load-remote-creds-failed",
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}

function readCredentials(path: string, provenance: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new BstError("remote", `${provenance}: The credentials in ${path} cannot be read`, {
      reason: "load-remote-creds-failed",
      detail: error instanceof Error ? error.message : String(error),
      cause: error,
    });
  }
}
