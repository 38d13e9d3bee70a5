/** `image sbom`: lists what the image of an element consists of. */
import { resolve } from "node:path";
import { BstError } from "../../base/errors.ts";
import { writeOutputFile } from "../../base/output-file.ts";
import { partsOf } from "../../oci/copy.ts";
import { sbomOf } from "../../oci/sbom/formats.ts";
import { writing } from "../../oci/transport/blob-folder.ts";
import type { Run } from "../app.ts";
import { openImages, selectionOf } from "../images.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output.ts";
import { inventoriesOf } from "../sbom.ts";

export const run: Run<"image sbom"> = async (context, options) => {
  const { files, buildDeps, format, output } = options;
  const { images, artifacts } = await openImages(context, [{ kind: "element", name: options.element }], options);
  const [image, ...others] = images;
  if (image?.subject === undefined || artifacts === undefined || others.length > 0) {
    throw new BstError(
      "element",
      `One image can be listed at a time, and '${options.element}' names ${images.length}`,
      {
        reason: "no-such-image",
      },
    );
  }
  const { root } = await partsOf(image.reader, selectionOf(options));
  const { signal } = context;
  const inventories = await inventoriesOf(artifacts, image.subject, image.reader, { files, buildDeps, signal });
  const inventory = inventories.get(root.descriptor.digest);
  if (inventory === undefined)
    throw new Error(`${root.descriptor.digest} is not among the images of ${options.element}`);
  const { bytes } = sbomOf(inventory, format);
  if (output === undefined || output === STANDARD_OUTPUT) writeOutput(bytes);
  else {
    const path = resolve(context.cwd, output);
    writing(path, () => writeOutputFile(path, bytes));
  }
  return undefined;
};
