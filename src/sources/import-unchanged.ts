/** Copies local files to the store, and makes sure that they still are what the key was computed from. */
import fs from "node:fs";
import { basename } from "node:path";
import { BstError } from "../base/errors.ts";
import { type Digest, sameDigest } from "../cas/digest.ts";
import { importLocal, importLocalFile } from "../cas/import.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";

/** @throws BstError domain source, if the file or folder at `path` is no longer the one with this digest */
export function importUnchanged(
  cas: Cas,
  path: string,
  expected: Digest,
  provenance: string,
  options: { readonly mtimes?: boolean } = {},
): Digest {
  const digest = fs.statSync(path).isDirectory() ? importLocal(cas, path, options) : importSingle(cas, path);
  if (sameDigest(digest, expected)) return digest;
  throw new BstError("source", `${provenance}: ${path} was changed after the build began`, {
    detail: "What was changed would end up under the key of what was there before. Run the command again.",
  });
}

function importSingle(cas: Cas, path: string): Digest {
  const tree = new Tree(cas);
  const { digest, executable } = importLocalFile(cas, path);
  tree.addFile(basename(path), digest, { executable });
  return tree.digest();
}
