/** The element kinds that the program has. */
import type { ElementKind } from "../project/element-kind.ts";
import { collectInitialScripts } from "./collect-initial-scripts.ts";
import { collectIntegration } from "./collect-integration.ts";
import { composeKind } from "./compose.ts";
import { filter } from "./filter.ts";
import { importKind } from "./import.ts";
import { junction } from "./junction.ts";
import { link } from "./link.ts";
import { manual } from "./manual.ts";
import { oci } from "./oci.ts";
import { script } from "./script.ts";
import { stack } from "./stack.ts";

const all: readonly ElementKind[] = [
  collectInitialScripts,
  collectIntegration,
  composeKind,
  filter,
  importKind,
  junction,
  link,
  manual,
  oci,
  script,
  stack,
];

export const elementKinds: ReadonlyMap<string, ElementKind> = new Map(all.map((kind) => [kind.kind, kind]));
