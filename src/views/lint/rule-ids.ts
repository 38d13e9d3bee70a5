/** Names of the rules, apart from all that they do, so that the command line knows them at once. */
export const RULE_IDS = [
  "stack-as-layer",
  "unknown-domain",
  "dropped-domain",
  "dropped-file",
  "package-in-no-layer",
  "package-beside-stack",
  "unneeded-in-layer",
  "overlaps-not-whitelisted",
  "usr-etc-left",
  "usr-etc-late",
  "dconf-missing",
  "dconf-late",
  "ldconfig-missing",
  "ldconfig-late",
  "ldconfig-early",
  "initial-scripts-not-run",
  "compiled-in-package",
  "attributes-lost",
] as const;

export type RuleId = (typeof RULE_IDS)[number];
