/** `image pull`: gets an image from a registry. */
import { parseRegistryName } from "../../oci/transport/names.ts";
import { withWriter } from "../../oci/transport/open.ts";
import type { Run } from "../app.ts";
import { openImages, parseDestination, selectionOf } from "../images.ts";
import { transferWith } from "../statements.ts";

export const run: Run<"image pull"> = async (context, options) => {
  const reference = parseRegistryName(options.image);
  const destination = parseDestination(context, options.destination, options.force);
  const select = selectionOf(options);
  const { tools, images } = await openImages(context, [{ kind: "registry", reference }], options);
  for (const image of images) {
    await using reader = image.reader;
    const digest = await withWriter(destination, await reader.tags(), tools, (writer) =>
      transferWith(options.referrers, context, "pull", image, writer, select),
    );
    context.print(digest);
  }
  return undefined;
};
