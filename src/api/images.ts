/** Images for programs: what the commands on images do, without their output. */
import { BstError } from "../base/errors.ts";
import type { CommandContext } from "../cli/app.ts";
import { absolute, openImages, parseDestination, selectionOf } from "../cli/images.ts";
import { transferWith } from "../cli/statements.ts";
import { inspectImage } from "../oci/inspect.ts";
import { parseImageName } from "../oci/transport/names.ts";
import type { TransportTools } from "../oci/transport/open.ts";
import { withWriter } from "../oci/transport/open.ts";
import { verifyImage } from "../oci/verify.ts";
import type { ImageOptions, Images } from "./types.ts";

/** @param open begins something that is disposed of when it has ended */
export function imagesOf(open: () => CommandContext & Disposable): Images {
  /** Lends an image, and what it takes to write it elsewhere. */
  async function lend<T>(word: string, options: ImageOptions, use: (found: Lent) => Promise<T>): Promise<T> {
    using context = open();
    const name = absolute(context, parseImageName(word));
    const { images, tools } = await openImages(context, [name], options);
    const [image, ...others] = images;
    try {
      if (image !== undefined && others.length === 0) return await use({ context, image, tools });
    } finally {
      for (const { reader } of images) await reader[Symbol.asyncDispose]();
    }
    throw new BstError("element", `One image is meant, and '${word}' names ${images.length}`, {
      reason: "no-such-image",
    });
  }
  return {
    inspect: (image, options = {}) =>
      lend(image, options, ({ image: { reader } }) => inspectImage(reader, selectionIn(options))),
    verify: (image, options = {}) =>
      lend(image, options, ({ context: { signal }, image: { reader } }) =>
        verifyImage(reader, { select: selectionIn(options), signal }),
      ),
    copy: (source, destination, options = {}) =>
      lend(source, options, async ({ context, image, tools }) => {
        const to = parseDestination(context, destination, options.force ?? false);
        return await withWriter(to, await image.reader.tags(), tools, (writer) =>
          transferWith(options.referrers ?? false, context, "copy", image, writer, selectionIn(options)),
        );
      }),
  };
}

interface Lent {
  readonly context: CommandContext;
  readonly image: Awaited<ReturnType<typeof openImages>>["images"][number];
  readonly tools: TransportTools;
}

function selectionIn({ platform }: ImageOptions) {
  return platform === undefined ? "all" : selectionOf({ platform });
}
