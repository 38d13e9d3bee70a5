/** `image save`: writes the image of an element to a folder or a file. */
import { resolve } from "node:path";
import { prepareFile } from "../../artifact/checkout.ts";
import { BstError } from "../../base/errors.ts";
import { withArchive, withWriter } from "../../oci/transport/open.ts";
import type { ImageWriter } from "../../oci/transport/types.ts";
import type { Run } from "../app.ts";
import { openImages, selectionOf, transfer } from "../images.ts";

const FORMS = { "oci-archive": "oci", "docker-archive": "docker", all: "both" } as const;

export const run: Run<"image save"> = async (context, options) => {
  const { format, tag } = options;
  const path = resolve(context.cwd, options.file);
  // What Docker's form can't hold, all others can.
  const select = options.platform === undefined && format !== "docker-archive" ? "all" : selectionOf(options);
  const { tools, images } = await openImages(context, [{ kind: "element", name: options.element }], options);
  const [image, ...others] = images;
  if (image === undefined || others.length > 0) {
    throw new BstError("element", `One image can be saved at a time, and '${options.element}' names ${images.length}`, {
      reason: "no-such-image",
    });
  }
  const names = tag === undefined ? await image.reader.tags() : [tag];
  const save = (writer: ImageWriter) => transfer(context, "save", image, writer, select);
  if (format === "oci") {
    const { root } = await withWriter({ kind: "oci", path, ref: names[0] }, names, tools, save);
    context.print(root.descriptor.digest);
    return undefined;
  }
  prepareFile(path, options.force);
  const { root } = await withArchive(path, FORMS[format], names, tools.signal, save);
  context.print(root.descriptor.digest);
  return undefined;
};
