/** Source kind `local`: a file or folder of the project. */
import { join } from "node:path";
import { record, text } from "../base/schema.ts";
import { type Digest, formatDigest } from "../cas/digest.ts";
import type { SourceKind } from "../project/source-kind.ts";
import { importUnchanged } from "./import-unchanged.ts";
import { unversioned } from "./unversioned.ts";

export const local: SourceKind = {
  kind: "local",
  schema: record({ path: text }, ["path"]),
  configure(config, context) {
    const path = context.projectPath(config.required("path", config.scalar("path")));
    const localPath = join(context.projectDirectory, path);
    // Once asked for, it stays what the key was computed from.
    let known: Digest | undefined;
    const digest = () => {
      known ??= context.localTree(localPath);
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
