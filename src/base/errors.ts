/** Errors as data: each has BuildStream's domain and reason, a message that says what to do, and optional detail. */

/** Part of the program that an error is of. */
export type ErrorDomain =
  | "plugin"
  | "load"
  | "impl"
  | "platform"
  | "sandbox"
  | "artifact"
  | "pipeline"
  | "util"
  | "source"
  | "element"
  | "app"
  | "stream"
  | "virtual-fs"
  | "cas"
  | "prog-not-found"
  | "remote"
  | "profile";

/** Reasons in domain "load". */
export type LoadReason =
  | "missing-file"
  | "invalid-yaml"
  | "invalid-data"
  | "illegal-composite"
  | "circular-dependency"
  | "unresolved-variable"
  | "unsupported-project"
  | "unsupported-plugin"
  | "expression-failed"
  | "user-assertion"
  | "trailing-list-directive"
  | "conflicting-junction"
  | "invalid-junction"
  | "subproject-inconsistent"
  | "invalid-symbol-name"
  | "missing-project-conf"
  | "loading-directory"
  | "proj-path-invalid"
  | "proj-path-invalid-kind"
  | "recursive-include"
  | "circular-reference-variable"
  | "protected-variable-redefined"
  | "invalid-dependency-config"
  | "link-forbidden-dependencies"
  | "circular-reference"
  | "bad-element-suffix"
  | "bad-characters-in-name"
  | "undefined-source-provenance-attribute";

export interface BstErrorOptions {
  /** Stable name of the cause within the domain; null where BuildStream has none. */
  readonly reason?: string | null;
  /** Further text shown below the message. */
  readonly detail?: string | undefined;
  readonly cause?: unknown;
  /** Whether trying again may help (network failures): such jobs are retried. */
  readonly temporary?: boolean;
}

/** Every failure that a user can cause or meet; anything else that is thrown is a bug. */
export class BstError extends Error {
  readonly domain: ErrorDomain;
  readonly reason: string | null;
  readonly detail: string | undefined;
  readonly temporary: boolean;

  constructor(domain: ErrorDomain, message: string, options: BstErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BstError";
    this.domain = domain;
    this.reason = options.reason ?? null;
    this.detail = options.detail;
    this.temporary = options.temporary ?? false;
  }
}

/** An error in domain "load", whose reasons are a closed set. */
export class LoadError extends BstError {
  declare readonly reason: LoadReason;

  constructor(reason: LoadReason, message: string, options: Omit<BstErrorOptions, "reason"> = {}) {
    super("load", message, { ...options, reason });
    this.name = "LoadError";
  }
}

/** The `code` of a Node.js system error (`ENOENT`, …), or undefined for anything else. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const MISSING: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  // A path with a NUL in it.
  "ERR_INVALID_ARG_VALUE",
]);

/** Whether a path was looked up at which there is nothing, or cannot be. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(systemErrorCode(error));
}
