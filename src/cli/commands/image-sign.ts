/** `image sign`: signs an image of a registry. */
import { BstError } from "../../base/errors.ts";
import { partsOf } from "../../oci/copy.ts";
import { formatReference, referenceOf } from "../../oci/registry/reference.ts";
import { Repository } from "../../oci/registry/repository.ts";
import { parseRegistryName } from "../../oci/transport/names.ts";
import { RegistryReader } from "../../oci/transport/registry.ts";
import type { Run } from "../app.ts";
import { openImages } from "../images.ts";
import { privateKeyAt, signAndTell } from "../statements.ts";

export const run: Run<"image sign"> = async (context, options) => {
  const { key: file } = options;
  if (file === undefined) throw new BstError("app", "Name a key: --key FILE", { reason: "invalid-signing-key" });
  const reference = parseRegistryName(options.image);
  const key = privateKeyAt(context, file);
  const { tools } = await openImages(context, [], options);
  const repository = new Repository(reference, "push", tools.push);
  const digest = await repository.resolve(referenceOf(reference));
  if (digest === undefined) {
    throw new BstError("remote", `There is no image ${formatReference(reference)}`, { reason: "registry-not-found" });
  }
  if (!options.recursive) await signAndTell(context, repository, digest, key);
  else {
    await using reader = new RegistryReader(repository, { ...reference, digest });
    const { root, manifests } = await partsOf(reader, "all");
    for (const { descriptor } of [root, ...manifests]) await signAndTell(context, repository, descriptor.digest, key);
  }
  context.print(digest);
  return undefined;
};
