/** Where images are, as the command line has it: a transport and what it needs to know, as skopeo spells them. */
import { BstError } from "../../base/errors.ts";
import { type ImageReference, isTaggedName, parseReference } from "../registry/reference.ts";

export type ImageName =
  | { readonly kind: "registry"; readonly reference: ImageReference }
  | { readonly kind: "oci" | "oci-archive" | "docker-archive"; readonly path: string; readonly ref: string | undefined }
  /** Of an element, or of an artifact in the cache. */
  | { readonly kind: "element"; readonly name: string };

/** The form of an archive: of a layout, of Docker's, or `both` in one. */
export type ArchiveForm = "oci" | "docker" | "both";

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
  const places =
    "An image is docker://HOST/NAME:TAG, oci:FOLDER[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:NAME:TAG], or an element.";
  const isInRegistry = word.includes("/") && isTaggedName(word);
  throw unknown(word, isInRegistry ? `${places}\nIn a registry it would be docker://${word}.` : places);
}

/** Whether it names an element, or an artifact as PROJECT/ELEMENT/KEY. */
export function isElementName(word: string): boolean {
  return word.endsWith(".bst") || /^[^/:]+\/[^/:]+\/[0-9a-f]{64}$/.test(word);
}

/** Of the specification of layouts; further separators are docker's. */
const LAYOUT_NAME = /^[A-Za-z0-9]+([-._:@+/]+[A-Za-z0-9]+)*$/;

/**
 * @param form where the name is to be: in a layout, in an archive of Docker's, or in one of `both`
 * @throws BstError domain app, reason invalid-image-name, for what no program finds or loads there
 */
export function requireFileName(name: string, form: "oci" | ArchiveForm): void {
  const isName = {
    oci: () => LAYOUT_NAME.test(name),
    both: () => isTaggedName(name) || isTaggedName(`${name}:latest`),
    docker: () => isTaggedName(name),
  };
  if (isName[form]()) return;
  throw new BstError("app", `This is no name for an image in a file: '${name}'`, {
    reason: "invalid-image-name",
    detail: "Programs load images under names such as 'example:1.0', in lower case but for the tag.",
  });
}

/** The name of an image in a registry, which may be given without its transport. */
export function parseRegistryName(word: string): ImageReference {
  if (isElementName(word)) {
    throw new BstError("app", `This is an element, and no image in a registry: '${word}'`, {
      reason: "invalid-image-name",
      detail: "Images of elements are in registries after 'bst-ts image push'.",
    });
  }
  return parseReference(word.startsWith(REGISTRY) ? word.slice(REGISTRY.length) : word);
}

function unknown(word: string, detail: string): BstError {
  return new BstError("app", `This names no image: '${word}'`, { reason: "invalid-image-name", detail });
}
