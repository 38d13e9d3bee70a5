/** Versions of Go modules. */

const NUMBER = "(?:0|[1-9][0-9]*)";
const IDENTIFIER = "(?!0[0-9]+(?:[.+]|$))[0-9A-Za-z-]+";
const METADATA = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const SEMANTIC = new RegExp(
  `^((v${NUMBER})\\.${NUMBER}\\.${NUMBER}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?)(?:\\+${METADATA})?$`,
);
/** What earlier packages take for a version. */
const SIMPLE = /^((v\d+)\.\d+\.\d+(?:-[a-z]+)?)(?:\+[a-z]+)?$/;
const PSEUDO = /^v\d+\.\d+\.\d+-(?:[a-z]+\.)?(?:0\.)?\d+-([a-z0-9]+)$/;

/** Such as `v2`; undefined where the version is none that has a tag. */
export function majorVersion(version: string, isSemantic: boolean): string | undefined {
  return (isSemantic ? SEMANTIC : SIMPLE).exec(version)?.[2];
}

/** The tag of a version, and its major version. */
export function versionTag(version: string): { readonly tag: string; readonly major: string } | undefined {
  const [, tag, major] = SEMANTIC.exec(version) ?? [];
  return tag === undefined || major === undefined ? undefined : { tag, major };
}

/** The beginning of the commit's name, of a version that has no tag. */
export function pseudoVersionCommit(version: string): string | undefined {
  return PSEUDO.exec(version)?.[1];
}
