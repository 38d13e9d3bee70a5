/** Who asks a registry: from the environment, and from the files that docker and podman keep. */
import fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { askHelper } from "./credential-helper.ts";
import { DOCKER_HUB } from "./reference.ts";

export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  /** Given to the server of tokens, for a token. */
  | { readonly kind: "identity-token"; readonly token: string }
  /** Given to the registry itself. */
  | { readonly kind: "bearer"; readonly token: string };

/** Whom credentials are looked for. */
export interface CredentialsQuery {
  /** Host of the registry, with its port. */
  readonly host: string;
  readonly repository: string;
  /** Host that will get them: the registry, or its server of tokens. */
  readonly server: string;
}

/** Undefined for somebody unknown. */
export type FindCredentials = (query: CredentialsQuery) => Promise<Credentials | undefined>;

export type Purpose = "pull" | "push";

export interface CredentialOptions {
  readonly purpose: Purpose;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  warn(text: string, detail?: string): void;
}

/** Key of Docker Hub in the files, by whichever name it is asked. */
const HUB_KEY = "https://index.docker.io/v1/";
const HUB_HOSTS = new Set([DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);

/** What `docker login` and `podman login` wrote, and the variables `BST_TS_PULL_…` or `BST_TS_PUSH_…`. */
export function userCredentials(options: CredentialOptions): FindCredentials {
  const { env, purpose } = options;
  const told = new Set<string>();
  // Asked anew for each request that wants credentials, since those of helper programs end.
  const once: CredentialOptions = {
    ...options,
    warn(text, detail) {
      if (!told.has(text)) options.warn(text, detail);
      told.add(text);
    },
  };
  let files: readonly AuthFile[] | undefined;
  return async ({ host, repository }) => {
    const given = fromEnvironment(env, purpose, host);
    if (given !== undefined) return given;
    files ??= paths(env).flatMap((path) => readAuthFile(path, once) ?? []);
    for (const file of files) {
      const found = await find(file, host, repository, once);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

/** Secrets of the environment are for the one host that it names, whatever a project asks for. */
function fromEnvironment(env: NodeJS.ProcessEnv, purpose: Purpose, host: string): Credentials | undefined {
  const get = (name: string) => env[`BST_TS_${purpose.toUpperCase()}_${name}`] || undefined;
  if (get("REGISTRY") !== host) return undefined;
  const token = get("TOKEN");
  if (token !== undefined) return { kind: "bearer", token };
  const username = get("USERNAME");
  return username === undefined ? undefined : { kind: "password", username, password: get("PASSWORD") ?? "" };
}

/** The first that knows a host is believed. */
function paths(env: NodeJS.ProcessEnv): string[] {
  const home = env["HOME"] || homedir();
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG } = env;
  return [
    ...(REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : []),
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, "containers/auth.json")] : []),
    join(XDG_CONFIG_HOME || join(home, ".config"), "containers/auth.json"),
    join(DOCKER_CONFIG || join(home, ".docker"), "config.json"),
  ];
}

interface AuthFile {
  readonly path: string;
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, unknown>>;
  readonly credsStore: unknown;
}

function readAuthFile(path: string, { warn }: CredentialOptions): AuthFile | undefined {
  let content: string;
  try {
    content = fs.readFileSync(path, "utf8");
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    if (code !== "ENOENT" && code !== "ENOTDIR") warn(`Credentials in ${path} cannot be read: ${code}`);
    return undefined;
  }
  // As logins leave it that were begun only; docker and podman take it for one without entries.
  if (content.trim() === "") return undefined;
  try {
    const { auths, credHelpers, credsStore } = asRecord(JSON.parse(content));
    return { path, auths: asRecord(auths), credHelpers: asRecord(credHelpers), credsStore };
  } catch {
    // The parser's message would quote the file.
    throw new BstError("remote", `${path} is no valid JSON`, { reason: "registry-credentials" });
  }
}

async function find(
  { path, auths, credHelpers, credsStore }: AuthFile,
  host: string,
  repository: string,
  options: CredentialOptions,
): Promise<Credentials | undefined> {
  const serverKey = HUB_HOSTS.has(host) ? HUB_KEY : host;
  const helper = credHelpers[host] ?? credHelpers[serverKey];
  if (typeof helper === "string") return askHelper(helper, serverKey, options);
  // Podman's may be for a part of a registry; the most exact is meant.
  const steps = repository.split("/");
  const keys = steps.map((_, i) => [host, ...steps.slice(0, steps.length - i)].join("/"));
  for (const key of [...keys, host, serverKey, `https://${host}`, `https://${host}/v1/`, `https://${host}/v2/`]) {
    if (!Object.hasOwn(auths, key)) continue;
    const found = fromEntry(asRecord(auths[key]));
    if (found === "unreadable") options.warn(`The entry of ${key} in ${path} holds no credentials that can be read`);
    else if (found !== undefined) return found;
  }
  return typeof credsStore === "string" && credsStore !== "" ? askHelper(credsStore, serverKey, options) : undefined;
}

/** Undefined for an entry that holds nothing, as where a helper program keeps the secret. */
function fromEntry(entry: Readonly<Record<string, unknown>>): Credentials | "unreadable" | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry;
  if (typeof registrytoken === "string" && registrytoken !== "") return { kind: "bearer", token: registrytoken };
  if (typeof identitytoken === "string" && identitytoken !== "") {
    return { kind: "identity-token", token: identitytoken };
  }
  if (typeof auth === "string" && auth !== "") {
    const text = Buffer.from(auth, "base64").toString("utf8");
    const colon = text.indexOf(":");
    if (colon > 0) {
      return { kind: "password", username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
    }
  }
  if (typeof username === "string" && username !== "" && typeof password === "string") {
    return { kind: "password", username, password };
  }
  return typeof auth === "string" && auth !== "" ? "unreadable" : undefined;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
