/** Source kind `pypi`: the source archive of a release in a Python package index. */
import { BstError } from "../base/errors.ts";
import { bool, record, text, textList } from "../base/schema.ts";
import type { Ref, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { fnmatch } from "./fnmatch.ts";
import { archiveRef, IndexedArchive } from "./indexed-archive.ts";
import { readUrl } from "./mirror-file.ts";
import { compareVersions, type PythonVersion, parseVersion } from "./pep440.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

const STORAGE = "https://files.pythonhosted.org/packages/";
const INDEX = "https://pypi.org/simple/";
const INDEX_TYPE = "application/vnd.pypi.simple.v1+json";

/** Which releases are tracked. */
export interface ReleaseFilter {
  readonly prereleases: boolean;
  /** Patterns that a version must match, each of them. */
  readonly include: readonly string[];
  /** Patterns that a version must not match. */
  readonly exclude: readonly string[];
}

interface IndexFile {
  readonly filename: string;
  readonly url: string;
  readonly sha256: string;
}

class PypiSource extends IndexedArchive {
  readonly #name: string;
  readonly #filter: ReleaseFilter;

  constructor(config: MappingNode, context: SourceContext) {
    const name = config.required("name", config.string("name"));
    const guesser = new VersionGuesser(config);
    super(context, { baseUrl: config.string("url") ?? STORAGE, directory: name, guesser, ecosystem: "PyPI" });
    this.#name = name;
    this.#filter = {
      prereleases: config.bool("prereleases") ?? false,
      include: config.strings("include") ?? [],
      exclude: config.strings("exclude") ?? [],
    };
    this.loadRef(config);
  }

  async track(io: SourceIo): Promise<Ref | undefined> {
    const url = `${INDEX}${this.#name}`;
    const answer = await readUrl(this.context, io, { url }, INDEX_TYPE);
    const files = indexFiles(answer.toString("utf8"));
    if (files.length === 0) {
      throw new BstError("source", `${this.context.provenance}: The package index has no files of ${this.#name}`);
    }
    const newest = newestRelease(files, this.#filter);
    if (newest === undefined) {
      io.warn(`${this.context.provenance}: No release of ${this.#name} matches`);
      return undefined;
    }
    return { sha256sum: newest.sha256, suffix: newest.url.replace(STORAGE, "") };
  }
}

/** The files in an answer of the index, but for those that were withdrawn. */
export function indexFiles(answer: string): IndexFile[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch (cause) {
    throw new BstError("source", "The package index answers in another way than it should", { cause });
  }
  const files = isRecord(parsed) && Array.isArray(parsed["files"]) ? parsed["files"] : [];
  return files.filter(isRecord).flatMap(({ filename, url, hashes, yanked }) => {
    const sha256 = isRecord(hashes) ? hashes["sha256"] : undefined;
    if (yanked !== undefined && yanked !== false && yanked !== "") return [];
    return typeof filename === "string" && typeof url === "string" && typeof sha256 === "string"
      ? [{ filename, url, sha256 }]
      : [];
  });
}

/** The source archive of the newest release that a filter takes. */
export function newestRelease(files: readonly IndexFile[], filter: ReleaseFilter): IndexFile | undefined {
  let newest: { readonly file: IndexFile; readonly version: PythonVersion } | undefined;
  for (const file of files) {
    const version = archiveVersion(file.filename);
    if (version === undefined || !isWanted(version, filter)) continue;
    // Of several archives of a release the last one counts.
    if (newest === undefined || compareVersions(version, newest.version) >= 0) newest = { file, version };
  }
  return newest?.file;
}

function archiveVersion(filename: string): PythonVersion | undefined {
  const stem = /^(.*)(?:\.tar\.gz|\.zip)$/s.exec(filename)?.[1];
  const dash = stem?.lastIndexOf("-") ?? -1;
  return stem === undefined || dash < 0 ? undefined : parseVersion(stem.slice(dash + 1));
}

function isWanted({ text: version, isPrerelease }: PythonVersion, filter: ReleaseFilter): boolean {
  if (isPrerelease && !filter.prereleases) return false;
  const matches = (pattern: string) => fnmatch(version, pattern);
  return filter.include.every(matches) && !filter.exclude.some(matches);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

export const pypi: SourceKind = {
  kind: "pypi",
  isPlugin: true,
  schema: record(
    {
      url: text,
      name: text,
      ref: archiveRef,
      prereleases: bool,
      include: textList,
      exclude: textList,
      ...versionProperties,
    },
    ["name"],
  ),
  configure: (config, context) => new PypiSource(config, context),
};
