/** Tokens: what a registry's own server gives for credentials, or to anybody. */
import { BstError } from "../../base/errors.ts";
import type { Credentials } from "./credentials.ts";
import { statusError } from "./errors.ts";
import { type Answer, exchange, type HttpOptions, requireAllowed } from "./http.ts";

export interface TokenQuestion {
  readonly realm: URL;
  readonly service: string | undefined;
  /** Such as `repository:library/debian:pull`. */
  readonly scopes: readonly string[];
  readonly known: Credentials | undefined;
}

const CLIENT = "bst-ts";
/** What a token without a duration lasts, in seconds, by the specification. */
const DEFAULT_DURATION = 60;
/** Tokens are asked for anew so many seconds before they end. */
const MARGIN = 10;

/** @throws BstError domain remote */
export async function requestToken(
  question: TokenQuestion,
  options: HttpOptions,
): Promise<{ readonly value: string; readonly expires: number }> {
  const { realm } = question;
  // Whoever reads what goes there gets the password.
  requireAllowed(realm, options.insecure);
  const asked = Date.now();
  const answer = await ask(question, options);
  if (answer.status !== 200) {
    throw statusError(`The registry ${realm.host}`, "the request for a token", answer.status, {
      body: answer.body.toString("utf8"),
      isKnown: question.known !== undefined,
    });
  }
  const { token, access_token, expires_in } = parse(answer.body);
  const value = typeof token === "string" && token !== "" ? token : access_token;
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    throw new BstError("remote", `${realm.host} gives no token`, { reason: "registry-failed" });
  }
  const seconds = typeof expires_in === "number" && expires_in > 0 ? expires_in : DEFAULT_DURATION;
  return { value, expires: asked + Math.max(1, seconds - MARGIN) * 1000 };
}

function ask({ realm, service, scopes, known }: TokenQuestion, options: HttpOptions): Promise<Answer> {
  if (known?.kind === "identity-token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: CLIENT,
      scope: scopes.join(" "),
      refresh_token: known.token,
    });
    if (service !== undefined) form.set("service", service);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return exchange({ method: "POST", url: realm, headers, body: Buffer.from(form.toString()) }, options);
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (known?.kind !== "password") return exchange({ method: "GET", url }, options);
  const secret = `Basic ${Buffer.from(`${known.username}:${known.password}`).toString("base64")}`;
  const authorization = (target: URL) => (target.origin === realm.origin ? secret : undefined);
  return exchange({ method: "GET", url, authorization }, options);
}

function parse(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
