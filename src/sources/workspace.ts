/** Source kind `workspace`: a folder where an element's sources are worked on; it stands in for all of them. */
import fs from "node:fs";
import { record, text } from "../base/schema.ts";
import { type Digest, formatDigest } from "../cas/digest.ts";
import type { SourceKind } from "../project/source-kind.ts";
import { importUnchanged } from "./import-unchanged.ts";
import { unversioned } from "./unversioned.ts";

export const workspace: SourceKind = {
  kind: "workspace",
  schema: record({ path: text, last_build: text }, ["path"]),
  configure(config, context) {
    const path = config.required("path", config.string("path"));
    // Incremental builds go by modification times, so that these are part of what is staged.
    const options = { mtimes: true };
    // Once asked for, it stays what the key was computed from, whatever is edited while others are built.
    let known: Digest | undefined;
    const digest = () => {
      known ??= context.localTree(path, options);
      return known;
    };
    return {
      ...unversioned,
      localPath: path,
      get isResolved() {
        return fs.existsSync(path);
      },
      uniqueKey: () => digest().hash,
      async stage(tree, { cas }) {
        const taken = digest();
        tree.importTree(cas.hasTree(taken) ? taken : importUnchanged(context, path, taken, options));
      },
      info: () => [{ url: path, medium: "workspace", versionType: "cas-digest", version: formatDigest(digest()) }],
    };
  },
};
