/** The source kinds that are built in. */
import type { SourceKind } from "../project/source-kind.ts";
import { local } from "./local.ts";
import { remote } from "./remote.ts";
import { tar } from "./tar.ts";

export const sourceKinds: ReadonlyMap<string, SourceKind> = new Map(
  [local, remote, tar].map((kind) => [kind.kind, kind]),
);
