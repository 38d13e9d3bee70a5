/** Remotes as the command line names them: a URL, or `key=value` pairs divided by commas. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { RemotePurpose } from "./spec/types.ts";

export interface RemoteSpec {
  readonly url: string;
  readonly type: "all" | "index" | "storage";
  readonly push: boolean;
  readonly instanceName?: string;
  /** Absolute paths of files. */
  readonly serverCert?: string;
  readonly clientKey?: string;
  readonly clientCert?: string;
  readonly accessToken?: string;
}

/** @throws Error with what is wrong with the text */
export function parseRemoteSpec(text: string, purpose: RemotePurpose): RemoteSpec {
  const push = purpose !== "pull";
  if (!text.includes(",")) {
    if (text === "") throw new Error("a remote needs a URL");
    return { url: text, type: "all", push };
  }
  const spec: { -readonly [Key in keyof RemoteSpec]: RemoteSpec[Key] } = { url: "", type: "all", push };
  for (const field of text.split(",")) {
    const [key = "", value, ...rest] = field.split("=");
    if (value === undefined || rest.length > 0) throw new Error(`'${field}' in '${text}' is not of the form key=value`);
    switch (key) {
      case "url":
        spec.url = value;
        break;
      case "instance-name":
        spec.instanceName = value;
        break;
      case "type":
        if (value !== "index" && value !== "storage" && value !== "all") {
          throw new Error("'type' must be one of: index, storage, all");
        }
        spec.type = value;
        break;
      case "push":
        if (purpose !== "all") throw new Error(`'push' cannot be given here, where it is always ${push}`);
        if (!/^(true|false)$/i.test(value)) throw new Error("'push' must be true or false");
        spec.push = /^true$/i.test(value);
        break;
      case "server-cert":
        spec.serverCert = filePath(value);
        break;
      case "client-key":
        spec.clientKey = filePath(value);
        break;
      case "client-cert":
        spec.clientCert = filePath(value);
        break;
      case "access-token":
        spec.accessToken = filePath(value);
        break;
      default:
        throw new Error(`a remote has no '${key}'`);
    }
  }
  if (spec.url === "") throw new Error("a remote needs a URL");
  return spec;
}

function filePath(path: string): string {
  return resolve(path.replace(/^~(?=\/|$)/, homedir()));
}
