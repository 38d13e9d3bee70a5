/** Source kind `local`: a file or folder of the project. */
import { join } from "node:path";
import { record, text } from "../base/schema.ts";
import { formatDigest } from "../cas/digest.ts";
import type { SourceKind } from "../project/source-kind.ts";
import { importUnchanged } from "./import-unchanged.ts";

export const local: SourceKind = {
  kind: "local",
  schema: record({ path: text }, ["path"]),
  configure(config, context) {
    const path = context.projectPath(config.required("path", config.scalar("path")));
    const localPath = join(context.projectDirectory, path);
    return {
      localPath,
      ref: undefined,
      isResolved: true,
      uniqueKey: () => context.localTree(localPath).hash,
      setRef() {},
      loadRef() {},
      refFields: () => ({}),
      isCached: () => true,
      track: async () => undefined,
      fetch: async () => {},
      async stage(tree, io) {
        tree.importTree(importUnchanged(io.cas, localPath, context.localTree(localPath), context.provenance));
      },
      info: () => [
        {
          url: path,
          medium: "local",
          versionType: "cas-digest",
          version: formatDigest(context.localTree(localPath)),
        },
      ],
    };
  },
};
