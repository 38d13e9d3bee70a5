/** All rules, in the order of their findings. */
import * as assembly from "./assembly-rules.ts";
import { attributesLost } from "./attributes-lost.ts";
import { compiledInPackage } from "./compiled-in-package.ts";
import * as content from "./content-rules.ts";
import { droppedFiles } from "./dropped-file.ts";
import type { Rule } from "./finding.ts";
import { initialScriptsNotRun } from "./initial-scripts.ts";
import * as layers from "./layer-rules.ts";
import * as packages from "./package-rules.ts";

export const RULES: readonly Rule[] = [
  layers.stackAsLayer,
  layers.unknownDomain,
  layers.droppedDomainWanted,
  droppedFiles,
  packages.packageInNoLayer,
  layers.packageBesideStack,
  content.unneededInLayer,
  content.overlaps,
  assembly.usrEtcLeft,
  assembly.usrEtcLate,
  assembly.dconfMissing,
  assembly.dconfLate,
  assembly.ldconfigMissing,
  assembly.ldconfigLate,
  assembly.ldconfigEarly,
  initialScriptsNotRun,
  compiledInPackage,
  attributesLost,
];
