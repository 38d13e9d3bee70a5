/** What goes wrong with registries. */
import { BstError } from "../../base/errors.ts";
import { harmless } from "../../base/harmless.ts";
import { MAX_PAUSE_MS, wordsOf } from "./pauses.ts";

/** What arrived is not what was asked for: trying again may help, believing it never does. */
export function mismatch(message: string, detail?: string): BstError {
  return new BstError("remote", message, { reason: "registry-wrong-content", detail });
}

const STATUSES: Readonly<Record<number, string>> = {
  401: "wants credentials",
  403: "does not allow this",
  404: "has no such thing",
  413: "does not take so much at once",
  429: "was asked too often",
};

const HINT =
  "Credentials are those of 'podman login' or 'docker login', or of the variables BST_TS_PULL_… and BST_TS_PUSH_…: " +
  "see docs/oci.md, Registries.";

const SMALLER = "With 'image push --chunk-size', smaller pieces are sent.";

/**
 * @param server who answered, as the subject of a sentence
 * @param what was asked for, such as `GET manifests/latest`
 * @param answer what the registry said about it, how many milliseconds it wants to be left alone, and whether it was
 *   shown credentials
 */
export function statusError(
  server: string,
  what: string,
  status: number,
  {
    body,
    isKnown,
    waitMs = 0,
  }: { readonly body: string; readonly isKnown: boolean; readonly waitMs?: number | undefined },
): BstError {
  const does = status === 401 && isKnown ? "wants other credentials" : (STATUSES[status] ?? "failed");
  const message = `${server} ${does}: it answered ${status} to ${what}`;
  const hint = status === 401 || (status === 403 && !isKnown) ? [HINT] : status === 413 ? [SMALLER] : [];
  const wait = waitMs > MAX_PAUSE_MS ? [`It asks to be left alone for ${wordsOf(waitMs)}.`] : [];
  const detail = [describeBody(body) ?? [], wait, hint].flat().join("\n") || undefined;
  const options = { detail, temporary: isTransient(status) };
  if (status === 401 || status === 403)
    return new BstError("remote", message, { reason: "registry-denied", ...options });
  if (status === 404) return new BstError("remote", message, { reason: "registry-not-found", ...options });
  if (status === 429) return new BstError("remote", message, { reason: "registry-busy", ...options });
  return new BstError("remote", message, { reason: "registry-failed", ...options });
}

/** Whether the same question may get another answer later. */
export function isTransient(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** The messages of a registry's list of errors, or the beginning of anything else. */
function describeBody(body: string): string | undefined {
  try {
    const { errors } = JSON.parse(body) as { errors?: unknown };
    if (Array.isArray(errors)) {
      const lines = errors.map((error: { code?: unknown; message?: unknown } | null) =>
        [error?.code, error?.message].filter((part) => typeof part === "string" && part !== "").join(": "),
      );
      if (lines.some((line) => line !== "")) return harmless(lines.join("\n").slice(0, 2000));
    }
  } catch {
    // Not from the registry itself, but from something on the way.
  }
  const text = body.trim().slice(0, 500);
  return text === "" ? undefined : harmless(text);
}
