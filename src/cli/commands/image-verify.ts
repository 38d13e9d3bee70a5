/** `image verify`: reads all of an image, and says what is wrong with it. */

import { counted } from "../../base/counted.ts";
import { BstError } from "../../base/errors.ts";
import { formatSize } from "../../base/size.ts";
import { verifySignatures } from "../../oci/cosign/signatures.ts";
import { Repository } from "../../oci/registry/repository.ts";
import { parseImageName } from "../../oci/transport/names.ts";
import { type Verification, verifyImage } from "../../oci/verify.ts";
import type { Run } from "../app.ts";
import { absolute, asJob, bytesOf, openImages, selectionOf } from "../images.ts";
import { publicKeyAt } from "../statements.ts";

export const run: Run<"image verify"> = async (context, options) => {
  const { signal } = context;
  const name = absolute(context, parseImageName(options.image));
  const select = options.platform === undefined ? "all" : selectionOf(options);
  const key = options.key === undefined ? undefined : publicKeyAt(context, options.key);
  if (key === undefined && options.recursive) {
    throw new BstError("app", "--recursive is about signatures: --key says whose", { reason: "no-signatures" });
  }
  if (key !== undefined && name.kind !== "registry") {
    throw new BstError("app", "Signatures are kept in registries: name an image in one", { reason: "no-signatures" });
  }
  const { images, tools } = await openImages(context, [name], options);
  for (const image of images) {
    await using reader = image.reader;
    const found = await asJob(context, { action: "verify", ...image.about }, async (job) => {
      const verification = await verifyImage(reader, { select, signal, ...bytesOf(job) });
      requireWhole(verification, reader.name);
      return verification;
    });
    const { digest, digests, blobs, bytes, foreign } = found;
    if (key !== undefined && name.kind === "registry") {
      const repository = new Repository(name.reference, "pull", tools.pull);
      for (const signed of options.recursive ? digests : [digest]) {
        const count = await verifySignatures(repository, signed, key);
        context.print(`${signed} is signed with ${options.key}${count === 1 ? "" : ` (${count} times)`}`);
      }
    }
    if (foreign.length > 0) {
      const text = `Layers that the image does not bring along were not looked at: ${foreign.join(", ")}`;
      context.reporter.emit({ type: "warn", text });
    }
    context.print(
      `${digest} is whole: ${counted(digests.length, "manifest")}, ${counted(blobs, "blob")}, ${formatSize(bytes)}`,
    );
  }
  return undefined;
};

function requireWhole({ digest, problems }: Verification, name: string): void {
  if (problems.length === 0) return;
  throw new BstError("element", `The image ${digest} of ${name} is damaged`, {
    reason: "oci-invalid-image",
    detail: problems.map((problem) => `${problem.digest}: ${problem.message}`).join("\n"),
  });
}
