/** Source kind `local`: a file or folder of the project. */
import { join } from "node:path";
import { BstError } from "../base/errors.ts";
import { record, text } from "../base/schema.ts";
import { type Digest, formatDigest } from "../cas/digest.ts";
import type { SourceKind } from "../project/source-kind.ts";
import type { ScalarNode } from "../yaml/node.ts";
import { importUnchanged } from "./import-unchanged.ts";
import { unversioned } from "./unversioned.ts";

export const local: SourceKind = {
  kind: "local",
  schema: record({ path: text }, ["path"]),
  configure(config, context) {
    const node = config.required("path", config.scalar("path"));
    const path = context.projectPath(node);
    const localPath = join(context.projectDirectory, path);
    // Once asked for, it stays what the key was computed from.
    let known: Digest | undefined;
    const digest = () => {
      known ??= located(node, () => context.localTree(localPath));
      return known;
    };
    return {
      ...unversioned,
      localPath,
      uniqueKey: () => digest().hash,
      async stage(tree) {
        tree.importTree(importUnchanged(context, localPath, digest()));
      },
      info: () => [
        {
          url: path,
          medium: "local",
          versionType: "cas-digest",
          version: formatDigest(digest()),
        },
      ],
    };
  },
};

/** Says where the folder is named that has something in it which no tree can have. */
function located<T>(node: ScalarNode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BstError) || error.domain !== "cas") throw error;
    const { message, reason, detail } = error;
    throw new BstError("source", `${node.provenance}: ${message}`, { reason, detail, cause: error });
  }
}
