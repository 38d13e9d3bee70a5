/** Who sources say that they are to registries, and how their errors are told. */
import { BstError } from "../base/errors.ts";
import { type FindCredentials, userCredentials } from "../oci/registry/credentials.ts";
import type { RegistryOptions } from "../oci/registry/session.ts";
import type { SourceIo } from "../project/source-kind.ts";
import { loadNetrc } from "./mirror-file.ts";

/** Of docker login and podman login, or else of the user's .netrc. */
export function registryOptions(io: SourceIo): RegistryOptions {
  const { signal } = io;
  const warn = (text: string, detail?: string) => io.warn(text, detail === undefined ? {} : { detail });
  const ofUser = userCredentials({ purpose: "pull", env: process.env, signal, warn });
  const credentials: FindCredentials = async (query) => {
    const found = await ofUser(query);
    if (found !== undefined) return found;
    const entry = loadNetrc(io).find(query.server);
    return entry && { kind: "password", username: entry.login, password: entry.password };
  };
  return { credentials, signal, info: (text) => io.info(text) };
}

/** What a registry or an image is to blame for is a source's error. */
export async function ofSource<T>(provenance: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw blamed(provenance, error);
  }
}

/** As {@link ofSource}, of what is done at once. */
export function ofSourceNow<T>(provenance: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw blamed(provenance, error);
  }
}

function blamed(provenance: string, error: unknown): unknown {
  if (!(error instanceof BstError) || (error.domain !== "remote" && error.domain !== "element")) return error;
  const { message, reason, detail, temporary } = error;
  return new BstError("source", `${provenance}: ${message}`, { reason, detail, temporary, cause: error });
}
