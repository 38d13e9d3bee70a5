/** What a registry says of an upload: where to send more to, and how much is there. */
import { BstError } from "../../base/errors.ts";
import { type Answer, urlOf } from "./http.ts";
import type { RegistrySession } from "./session.ts";

/** @param before where it was, which may stay unsaid */
export async function locationOf(session: RegistrySession, answer: Answer, before?: URL): Promise<URL> {
  const location = answer.header("location");
  if (location === undefined && before !== undefined) return before;
  if (location === undefined) {
    throw new BstError("remote", `The registry ${session.host} does not say where to upload`, {
      reason: "registry-failed",
    });
  }
  return urlOf(location, before ?? (await session.base()));
}

/** Where the upload is said to be all of a blob. */
export function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  // What the registry put there stays as it is, as it may be signed.
  url.search += `${url.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** How many bytes are there, by `Range: 0-LAST`; a registry that has none says `0-0`, as with one. */
export function offsetOf(answer: Answer): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header("range") ?? "");
  if (match === null) return undefined;
  const last = Number(match[1]);
  return last === 0 ? 0 : last + 1;
}
