/** `image inspect`: what an image is, for people, as JSON, or as its own manifest or configuration. */

import { harmlessLine } from "../../base/harmless.ts";
import { formatSize } from "../../base/size.ts";
import { partsOf } from "../../oci/copy.ts";
import { configOf, type InspectedImage, type Inspection, inspectImage } from "../../oci/inspect.ts";
import { asObject } from "../../oci/json.ts";
import { formatPlatform } from "../../oci/platform.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import type { Run } from "../app.ts";
import { absolute, openImages, selectionOf } from "../images.ts";
import { writeOutput } from "../output.ts";

export const run: Run<"image inspect"> = async (context, options) => {
  const name = absolute(context, parseImageName(options.image));
  const { images } = await openImages(context, [name], options);
  const select = options.platform === undefined ? "all" : selectionOf(options);
  for (const image of images) {
    await using reader = image.reader;
    if (options.raw) writeOutput((await partsOf(reader, select)).root.bytes);
    else if (options.config) writeOutput((await configOf(reader, selectionOf(options))).bytes);
    else {
      const inspection = await inspectImage(reader, select, ({ message, detail }) =>
        context.reporter.emit({
          type: "warn",
          text: `What is said about ${reader.name} is not known: ${message}`,
          ...(detail && { detail }),
        }),
      );
      context.print(options.json ? JSON.stringify(inspection, undefined, 2) : describe(inspection));
    }
  }
  return undefined;
};

const BY_COSIGN = {
  sig: "signatures of cosign",
  att: "attestations of cosign",
  sbom: "list of parts of cosign",
} as const;

function describe({ digest, mediaType, annotations, images, referrers, tagged }: Inspection): string {
  const isSingle = images.length === 1 && images[0]?.digest === digest;
  const lines = [digest, ...table([["kind", mediaType], ...Object.entries(annotations)])];
  for (const image of images) lines.push("", ...describeImage(image, isSingle));
  const said = [
    ...referrers.map(({ artifactType = "", digest }) => [artifactType, digest]),
    ...tagged.map(({ kind, digest }) => [BY_COSIGN[kind], digest]),
  ];
  if (said.length > 0) lines.push("", "what is said about it", ...table(said));
  return lines.join("\n");
}

function describeImage(
  { digest, platform, artifactType, size, annotations, config, layers }: InspectedImage,
  isSingle: boolean,
): string[] {
  const title = platform === undefined ? (artifactType ?? "artifact") : formatPlatform(platform);
  const lines = [`${title}  ${formatSize(size)}${isSingle ? "" : `  ${digest}`}`];
  if (!isSingle) lines.push(...table(Object.entries(annotations)));
  const { config: container, author, created, history } = config ?? {};
  const facts = typeof container === "object" && container !== null ? asObject(container, "config") : {};
  const rows = Object.entries({ author, created, ...facts }).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  lines.push(...table(rows.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)])));
  const steps = (Array.isArray(history) ? history : []).filter((step) => step?.empty_layer !== true);
  lines.push(
    ...table(
      layers.map(({ digest, size, mediaType }, i) => {
        const { created_by: by, comment } = steps[i] ?? {};
        const kind = mediaType.replace(/^application\/vnd\.(?:oci|docker)\.image\.(?:layer\.v1|rootfs\.diff)\./, "");
        const step = [by, comment].find((each) => typeof each === "string" && each !== "") ?? "";
        return [formatSize(size), kind, digest, String(step).slice(0, 60)];
      }),
    ),
  );
  return lines;
}

/** Columns aligned, below a heading. What images say is anybody's text, which may not control the terminal. */
function table(cells: readonly (readonly unknown[])[]): string[] {
  const rows = cells.map((row) => row.map((cell) => harmlessLine(String(cell))));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ")}`.trimEnd());
}
