/** The tags under which it is kept what is said of images. */

/** Signatures, attestations, and lists of parts, as cosign calls them. */
export const KINDS = ["sig", "att", "sbom"] as const;

export type StatementKind = (typeof KINDS)[number];

/** Of what is said of a manifest. */
export function cosignTag(digest: string, kind: StatementKind): string {
  return `${referrersTag(digest)}.${kind}`;
}

/** Of the list of what refers to a manifest, where nobody else keeps one. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

/** Whether a name is one of these tags, and that of no image. */
export function isStatementTag(name: string): boolean {
  return /^sha256-[0-9a-f]{64}(\.(sig|att|sbom))?$/.test(name);
}
