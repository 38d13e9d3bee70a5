/** Where images are, as the command line has it: a transport and what it needs to know, as skopeo spells them. */
import { BstError } from "../../base/errors.ts";
import { type ImageReference, parseReference } from "../registry/reference.ts";

export type ImageName =
  | { readonly kind: "registry"; readonly reference: ImageReference }
  | { readonly kind: "oci" | "oci-archive" | "docker-archive"; readonly path: string; readonly ref: string | undefined }
  /** Of an element, or of an artifact in the cache. */
  | { readonly kind: "element"; readonly name: string };

const REGISTRY = "docker://";

/** @throws BstError reason invalid-image-name or invalid-image-reference */
export function parseImageName(word: string): ImageName {
  if (word.startsWith(REGISTRY)) return { kind: "registry", reference: parseReference(word.slice(REGISTRY.length)) };
  const [, kind, path = "", ref] = /^(oci|oci-archive|docker-archive):([^:]*)(?::(.*))?$/s.exec(word) ?? [];
  if (kind === "oci" || kind === "oci-archive" || kind === "docker-archive") {
    if (path === "") throw unknown(word, "It has no path.");
    return { kind, path, ref: ref === "" ? undefined : ref };
  }
  if (isElementName(word)) return { kind: "element", name: word };
  throw unknown(
    word,
    "An image is docker://HOST/NAME:TAG, oci:FOLDER[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:NAME:TAG], or an element.",
  );
}

/** Whether it names an element, or an artifact as PROJECT/ELEMENT/KEY. */
export function isElementName(word: string): boolean {
  return word.endsWith(".bst") || /^[^/:]+\/[^/:]+\/[0-9a-f]{64}$/.test(word);
}

/** The name of an image in a registry, which may be given without its transport. */
export function parseRegistryName(word: string): ImageReference {
  return parseReference(word.startsWith(REGISTRY) ? word.slice(REGISTRY.length) : word);
}

function unknown(word: string, detail: string): BstError {
  return new BstError("app", `This names no image: '${word}'`, { reason: "invalid-image-name", detail });
}
