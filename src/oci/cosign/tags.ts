/** The tags under which cosign keeps what it says of images. */

/** Signatures, attestations, and lists of parts. */
export const KINDS = ["sig", "att", "sbom"] as const;

/** Of what is said of a manifest. */
export function cosignTag(digest: string, kind: (typeof KINDS)[number]): string {
  return `${digest.replace(":", "-")}.${kind}`;
}

/** Whether a name is such a tag, and that of no image. */
export function isCosignTag(name: string): boolean {
  return /^sha256-[0-9a-f]{64}\.(sig|att|sbom)$/.test(name);
}
