/** Copies local files to the store, and makes sure that they still are what the key was computed from. */
import { BstError } from "../base/errors.ts";
import { type Digest, sameDigest } from "../cas/digest.ts";
import type { SourceContext } from "../project/source-kind.ts";

/** @throws BstError domain source, if the file or folder at `path` is no longer the one with this digest */
export function importUnchanged(
  context: SourceContext,
  path: string,
  expected: Digest,
  options: { readonly mtimes?: boolean } = {},
): Digest {
  const digest = context.localTree(path, { ...options, store: true });
  if (sameDigest(digest, expected)) return digest;
  throw new BstError("source", `${context.provenance}: ${path} was changed after the build began`, {
    detail: "What was changed would end up under the key of what was there before. Run the command again.",
  });
}
