/** `image copy`: copies an image from one place to another. */
import { BstError } from "../../base/errors.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import { withWriter } from "../../oci/transport/open.ts";
import type { Run } from "../app.ts";
import { absolute, openImages, parseDestination, selectionOf } from "../images.ts";
import { transferWith } from "../statements.ts";

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
  const digest = await withWriter(destination, await reader.tags(), tools, (writer) =>
    transferWith(options.referrers, context, "copy", image, writer, select),
  );
  context.print(digest);
  return undefined;
};
