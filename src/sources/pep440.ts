/** Versions of Python packages: read, compared and written as PEP 440 says. */
import { compareLists } from "../base/compare.ts";

const SYNTAX =
  /^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$/i;

const PHASES: Readonly<Record<string, string>> = { alpha: "a", beta: "b", c: "rc", pre: "rc", preview: "rc" };

export interface PythonVersion {
  /** Normalised. */
  readonly text: string;
  readonly isPrerelease: boolean;
  readonly sortKey: readonly (number | string | readonly (number | string)[])[];
}

/** Undefined where it is no version. */
export function parseVersion(text: string): PythonVersion | undefined {
  const match = SYNTAX.exec(text);
  if (match === null) return undefined;
  const [, epoch = "0", release = "", phase, phaseNumber, implicitPost, post, postNumber, dev, devNumber, local] =
    match;
  const numbers = release.split(".").map(Number);
  const name = phase?.toLowerCase();
  const pre = name === undefined ? undefined : ([PHASES[name] ?? name, Number(phaseNumber || 0)] as const);
  const hasPost = implicitPost !== undefined || post !== undefined;
  const postValue = hasPost ? Number((implicitPost ?? postNumber) || 0) : undefined;
  const devValue = dev === undefined ? undefined : Number(devNumber || 0);
  const localParts = local?.toLowerCase().split(/[-_.]/) ?? [];
  const normalised = [
    Number(epoch) === 0 ? "" : `${Number(epoch)}!`,
    numbers.join("."),
    pre?.join("") ?? "",
    postValue === undefined ? "" : `.post${postValue}`,
    devValue === undefined ? "" : `.dev${devValue}`,
    localParts.length === 0 ? "" : `+${localParts.join(".")}`,
  ];
  const significant = release
    .replace(/(?:\.0+)+$/, "")
    .split(".")
    .map(Number);
  // A development release of nothing but the release comes before its first alpha, the release after its last candidate.
  const phaseKey =
    pre === undefined ? (postValue === undefined && devValue !== undefined ? ["", 0] : ["z", 0]) : [...pre];
  return {
    text: normalised.join(""),
    isPrerelease: pre !== undefined || devValue !== undefined,
    sortKey: [
      Number(epoch),
      significant,
      phaseKey,
      postValue ?? -1,
      devValue ?? Number.POSITIVE_INFINITY,
      // Numbers come after words, and each part after none.
      localParts.flatMap((part) => (/^\d+$/.test(part) ? [1, Number(part)] : [0, part])),
    ],
  };
}

export function compareVersions(a: PythonVersion, b: PythonVersion): number {
  return compare(a.sortKey, b.sortKey);
}

type Key = number | string | readonly Key[];

function compare(a: Key, b: Key): number {
  if (typeof a === "object" && typeof b === "object") return compareLists(a, b, compare);
  return a === b ? 0 : a < b ? -1 : 1;
}
