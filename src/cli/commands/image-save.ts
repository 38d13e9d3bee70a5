/** `image save`: writes the image of an element to a folder or a file. */
import { resolve } from "node:path";
import { prepareFile } from "../../artifact/checkout.ts";
import { BstError } from "../../base/errors.ts";
import { LayoutWriter } from "../../oci/transport/layout-writer.ts";
import { requireFileName } from "../../oci/transport/names.ts";
import { withArchive } from "../../oci/transport/open.ts";
import type { ImageWriter } from "../../oci/transport/types.ts";
import type { Run } from "../app.ts";
import { openImages, selectionOf, transfer } from "../images.ts";
import { STANDARD_OUTPUT } from "../output.ts";
import { attachAll, sbomsOf } from "../statements.ts";

const FORMS = { "oci-archive": "oci", "docker-archive": "docker", all: "both" } as const;

export const run: Run<"image save"> = async (context, options) => {
  const { format, tag, sbom } = options;
  if (sbom !== undefined && format !== "oci") {
    throw new BstError("app", "Beside an image, a list of its parts is written to an OCI layout only: --format oci", {
      reason: "sbom-not-written",
      detail: "Archives that hold more than an image can't be loaded. To a file: bst-ts image sbom --output FILE",
    });
  }
  const isOutput = options.file === STANDARD_OUTPUT;
  if (isOutput && format === "oci") {
    throw new BstError("app", "A layout is a folder, and can't be written to the standard output", {
      reason: "image-not-written",
      detail: "--format oci-archive writes a tar of one.",
    });
  }
  const path = isOutput ? "/dev/stdout" : resolve(context.cwd, options.file);
  if (tag !== undefined) requireFileName(tag, format === "oci" ? format : FORMS[format]);
  const select = options.platform === undefined ? "all" : selectionOf(options);
  const bench = await openImages(context, [{ kind: "element", name: options.element }], options);
  const { tools, images } = bench;
  const [image, ...others] = images;
  if (image === undefined || others.length > 0) {
    throw new BstError("element", `One image can be saved at a time, and '${options.element}' names ${images.length}`, {
      reason: "no-such-image",
    });
  }
  const names = tag === undefined ? await image.reader.tags() : [tag];
  const save = (writer: ImageWriter) => transfer(context, "save", image, writer, select);
  if (format === "oci") {
    const statements = await sbomsOf(context, bench, sbom);
    const writer = new LayoutWriter(path, names[0]);
    const parts = await save(writer);
    for (const referrer of await attachAll(context, writer, parts, statements)) await writer.refer(referrer);
    context.print(parts.root.descriptor.digest);
    return undefined;
  }
  if (!isOutput) prepareFile(path, options.force);
  const { root } = await withArchive(path, FORMS[format], names, tools.signal, save);
  if (!isOutput) context.print(root.descriptor.digest);
  return undefined;
};
