/** `image copy`: copies an image from one place to another. */
import { BstError } from "../../base/errors.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import { withWriter } from "../../oci/transport/open.ts";
import type { Run } from "../app.ts";
import { absolute, openImages, parseDestination, selectionOf, transfer } from "../images.ts";
import { copyAndTell } from "../statements.ts";

export const run: Run<"image copy"> = async (context, options) => {
  const source = absolute(context, parseImageName(options.source));
  const destination = parseDestination(context, options.destination, options.force);
  const select = selectionOf(options);
  const { tools, images } = await openImages(context, [source], options);
  const [image, ...others] = images;
  if (image === undefined || others.length > 0) {
    throw new BstError("element", `One image can be copied at a time, and '${options.source}' names ${images.length}`, {
      reason: "no-such-image",
    });
  }
  await using reader = image.reader;
  const { root } = await withWriter(destination, await reader.tags(), tools, async (writer) => {
    const parts = await transfer(context, "copy", image, writer, select);
    if (options.referrers) await copyAndTell(context, reader, writer, parts);
    return parts;
  });
  context.print(root.descriptor.digest);
  return undefined;
};
