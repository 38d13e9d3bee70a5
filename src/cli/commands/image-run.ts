/** `image run`: starts an image with podman or docker, to see that it works. */
import { rmSync } from "node:fs";
import { configOf } from "../../oci/inspect.ts";
import { requireImage } from "../../oci/manifest.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import { withArchive } from "../../oci/transport/open.ts";
import type { Run } from "../app.ts";
import { Container } from "../container.ts";
import { ContainerEngine } from "../container-engine.ts";
import { absolute, openImages, selectionOf, transfer } from "../images.ts";

export const run: Run<"image run"> = async (context, options) => {
  const engine = await ContainerEngine.find(options.engine, context.signal);
  const name = absolute(context, parseImageName(options.image));
  const { tools, images } = await openImages(context, [name], options);
  const [image] = images;
  if (image === undefined) return undefined;
  await using reader = image.reader;
  requireImage((await configOf(reader, selectionOf(options))).descriptor, reader.name);
  const archive = `${tools.temporaryDirectory}/bst-ts.${process.pid}.image.tar`;
  context.atEnd(() => rmSync(archive, { force: true }));
  const { root } = await withArchive(archive, "both", [], tools.signal, (writer) =>
    transfer(context, "load", { ...image, reader }, writer, selectionOf(options)),
  );
  // Engines name images by the digest of their configuration.
  const id = (JSON.parse(root.bytes.toString()) as { config: { digest: string } }).config.digest;
  const wasThere = await engine.succeeds("image", "inspect", id);
  if (!wasThere) await engine.ask("load", "--quiet", "--input", archive);
  rmSync(archive, { force: true });
  const container = new Container(engine, [...settings(options), id, ...options.command]);
  const takeBack = context.lendTerminal({ takeSignal: (name) => container.signal(name) });
  try {
    return await container.ended();
  } finally {
    takeBack();
    if (!wasThere && !options.keep) await engine.succeeds("rmi", id);
  }
};

function settings({ publish, network }: { readonly publish: readonly string[]; readonly network: string | undefined }) {
  return [...publish.flatMap((each) => ["--publish", each]), ...(network === undefined ? [] : ["--network", network])];
}
