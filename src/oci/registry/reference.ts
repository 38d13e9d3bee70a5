/** Names of images in registries, as docker has them: `[host[:port]/]repository[:tag][@digest]`. */
import { BstError } from "../../base/errors.ts";

export interface ImageReference {
  /** With its port, if it says one; `docker.io` where nothing is said. */
  readonly host: string;
  /** Below the host, such as `library/debian`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…`. */
  readonly digest?: string;
}

export const DOCKER_HUB = "docker.io";
const HOST = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** Characters, by registries without the host, by programs that load images with it. */
const MAX_NAME = 255;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is string {
  return typeof text === "string" && DIGEST.test(text);
}

/**
 * @param text without a transport; with neither tag nor digest it has neither
 * @throws BstError domain remote, reason invalid-image-reference
 */
export function parseReference(text: string): ImageReference {
  const wrong = (why: string) =>
    new BstError("remote", `This is no name of an image in a registry: '${text}'`, {
      reason: "invalid-image-reference",
      detail: `${why}. Such a name is [HOST[:PORT]/]REPOSITORY[:TAG][@sha256:DIGEST].`,
    });
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) throw wrong(`'${digest}' is no SHA-256 digest`);
  let path = at < 0 ? text : text.slice(0, at);
  const colon = path.lastIndexOf(":");
  let tag: string | undefined;
  if (colon > path.lastIndexOf("/")) {
    tag = path.slice(colon + 1);
    path = path.slice(0, colon);
    if (!TAG.test(tag)) throw wrong(`'${tag}' is no tag`);
  }
  const { host, repository } = divide(path);
  // Of addresses and ports, the pattern does not know how large they may be.
  if (!HOST.test(host) || !URL.canParse(`https://${host}`)) throw wrong(`'${host}' is no host`);
  if (!REPOSITORY.test(repository) || repository.length > MAX_NAME) {
    throw wrong(`'${repository}' is no repository: it has lower-case letters, digits and single separators`);
  }
  return { host, repository, ...(tag !== undefined && { tag }), ...(digest !== undefined && { digest }) };
}

/** Whether programs load an image under this name, which they do only with a tag. */
export function isTaggedName(text: string): boolean {
  try {
    const { host, repository, tag, digest } = parseReference(text);
    // Podman, and Docker until version 20, take such a host for a part of the repository.
    const isHost = host === host.toLowerCase() || /[.:]/.test(host);
    const isShort = host.length + 1 + repository.length <= MAX_NAME;
    return isHost && isShort && tag !== undefined && digest === undefined;
  } catch (error) {
    if (error instanceof BstError) return false;
    throw error;
  }
}

/** What follows the first slash is a repository of the host before it only if that looks like a host. */
function divide(path: string): { readonly host: string; readonly repository: string } {
  const slash = path.indexOf("/");
  const first = path.slice(0, Math.max(0, slash));
  if (first !== "localhost" && !/[.:[A-Z]/.test(first)) return onHub(path);
  if (first === "index.docker.io" || first === DOCKER_HUB) return onHub(path.slice(slash + 1));
  return { host: first, repository: path.slice(slash + 1) };
}

function onHub(path: string): { readonly host: string; readonly repository: string } {
  return { host: DOCKER_HUB, repository: path.includes("/") ? path : `library/${path}` };
}

/** @param url `http://` or `https://` may stand before it. @returns with the scheme in the host, where that is http */
export function repositoryAt(url: string): ImageReference {
  const [, scheme, path = ""] = /^(https?:\/\/)?(.*)$/s.exec(url) ?? [];
  const reference = parseReference(path);
  // With https, this machine itself may also be asked without.
  return scheme === "http://" ? { ...reference, host: `http://${reference.host}` } : reference;
}

/** What manifests are asked for by: the digest where there is one, else the tag, else `latest`. */
export function referenceOf({ digest, tag }: ImageReference): string {
  return digest ?? tag ?? "latest";
}

export function formatReference({ host, repository, tag, digest }: ImageReference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}
