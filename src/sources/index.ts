/** The source kinds that are built in. */
import type { SourceKind } from "../project/source-kind.ts";
import { host } from "./host.ts";
import { local } from "./local.ts";
import { patch } from "./patch.ts";
import { patchQueue } from "./patch-queue.ts";
import { remote } from "./remote.ts";
import { tar } from "./tar.ts";
import { workspace } from "./workspace.ts";

export const sourceKinds: ReadonlyMap<string, SourceKind> = new Map(
  [host, local, patch, patchQueue, remote, tar, workspace].map((kind) => [kind.kind, kind]),
);
