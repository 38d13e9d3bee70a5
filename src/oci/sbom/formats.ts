/** The forms that lists of parts have. */
import type { Attachment } from "../attach.ts";
import { cycloneDxDocument } from "./cyclonedx.ts";
import type { Inventory } from "./inventory.ts";
import { spdxDocument } from "./spdx.ts";

export const SBOM_FORMATS = ["spdx", "cyclonedx"] as const;
export type SbomFormat = (typeof SBOM_FORMATS)[number];

const FORMATS = {
  spdx: { mediaType: "application/spdx+json", title: "sbom.spdx.json", write: spdxDocument },
  cyclonedx: { mediaType: "application/vnd.cyclonedx+json", title: "sbom.cdx.json", write: cycloneDxDocument },
} as const;

/** The same bytes for the same image. */
export function sbomOf(inventory: Inventory, format: SbomFormat): Attachment {
  const { mediaType, title, write } = FORMATS[format];
  return { mediaType, title, bytes: Buffer.from(write(inventory)) };
}
