/** What goes wrong with registries. */
import { BstError, type BstErrorOptions } from "../../base/errors.ts";

export function registryError(message: string, options: BstErrorOptions): BstError {
  return new BstError("remote", message, options);
}

/** What arrived is not what was asked for: trying again may help, believing it never does. */
export function mismatch(message: string, detail?: string): BstError {
  return new BstError("remote", message, { reason: "registry-wrong-content", detail });
}

const STATUSES: Readonly<Record<number, { readonly reason: string; readonly what: string }>> = {
  401: { reason: "registry-denied", what: "wants other credentials" },
  403: { reason: "registry-denied", what: "does not allow this" },
  404: { reason: "registry-not-found", what: "has no such thing" },
  429: { reason: "registry-busy", what: "was asked too often" },
};

/**
 * @param what was asked for, such as `GET manifests/latest`
 * @param body what the registry said about it
 */
export function statusError(registry: string, what: string, status: number, body: string): BstError {
  const known = STATUSES[status];
  const message = `The registry ${registry} ${known?.what ?? "failed"}: it answered ${status} to ${what}`;
  return new BstError("remote", message, {
    reason: known?.reason ?? "registry-failed",
    detail: describeBody(body),
    temporary: isTransient(status),
  });
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
      if (lines.some((line) => line !== "")) return lines.join("\n").slice(0, 2000);
    }
  } catch {
    // Not from the registry itself, but from something on the way.
  }
  const text = body.trim().slice(0, 500);
  return text === "" ? undefined : text;
}
