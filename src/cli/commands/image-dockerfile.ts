/** `image dockerfile`: what an image is configured to, in the words of a Dockerfile. */
import { dockerfile } from "../../oci/dockerfile.ts";
import { configOf } from "../../oci/inspect.ts";
import { parse, requireImage } from "../../oci/manifest.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import type { Run } from "../app.ts";
import { absolute, openImages, selectionOf } from "../images.ts";
import { writeOutput } from "../output.ts";

export const run: Run<"image dockerfile"> = async (context, options) => {
  const name = absolute(context, parseImageName(options.image));
  const { images } = await openImages(context, [name], options);
  for (const image of images) {
    await using reader = image.reader;
    const { descriptor, bytes } = await configOf(reader, selectionOf(options));
    requireImage(descriptor, reader.name);
    writeOutput(dockerfile(parse(bytes, `The configuration of ${reader.name}`), options.from));
  }
  return undefined;
};
