/** What a manifest says of one element: its name for databases of vulnerabilities, and where its sources come from. */
import type { BuildIo, DependencyFacts, ElementFacts } from "../project/element-kind.ts";
import type { SourceDescription } from "../project/source-info.ts";
import type { Plain } from "../yaml/node.ts";

/** Null stands for a source that can't be described. */
export type SourceLocation = { [key: string]: Plain } | null;

/** An element in the form that Flatpak's builder has for modules. */
export type ManifestModule = { name: string; "x-cpe": { [key: string]: Plain }; sources: SourceLocation[] };

/** Kinds whose archive's name has a version in it. */
const ARCHIVE_KINDS = new Set(["bazel_file", "cargo2", "cpan", "pypi", "tar", "zip"]);

const VERSION = /\d+\.\d+(?:\.\d+)?/;

/** What versions of the plugin do differently. */
export interface ManifestOptions {
  /** What sources say of themselves; undefined where there are locations only of some kinds. */
  readonly told: readonly SourceDescription[] | undefined;
  /** Whether such a location has a name for databases of its own. */
  readonly namesLocations: boolean;
}

/**
 * @throws BstError domain element, where the element's own pattern for versions matches nothing
 */
export function manifestModule(
  io: BuildIo,
  { error }: ElementFacts,
  element: DependencyFacts,
  { told, namesLocations }: ManifestOptions,
): ManifestModule {
  const infos = element.sourceInfo();
  const { "version-match": pattern, ...cpe } = io.publicData(element, "cpe")?.toPlain() ?? {};
  cpe["product"] ??= lastPart(element.name.replace(/\.[^./]*$/, ""));
  if (cpe["version"] === undefined && element.hasSources) {
    const version = versionOf(infos, typeof pattern === "string" ? pythonPattern(pattern) : VERSION);
    if (version !== undefined) cpe["version"] = version;
    else if (pattern === undefined) io.warn(`Missing version to ${element.name}.`);
    else throw error(`The version pattern of ${element.fullName} matches none of its sources: ${pattern}`);
  }
  const sources = told?.map((info) => describedLocation(io, info, namesLocations)) ?? plainLocations(infos);
  return { name: element.name, "x-cpe": cpe, sources };
}

/** @returns undefined where the source is no package of its own */
export function packageName(io: BuildIo, info: SourceDescription): string | undefined {
  const crate = info["extra-data"]?.["crate-name"];
  if (crate !== undefined) return crate;
  const name = lastPart(info.url);
  switch (info.medium) {
    case "git":
      return name.replace(/\.git$/, "");
    case "remote-file":
    case "archive":
      return name.split(/\.(?:tar|tgz|tbz|zip|crate)/)[0]?.split(/[-_][0-9]/)[0];
    case "local":
      return info.kind.startsWith("patch") ? undefined : name;
    default:
      io.warn(`No package name is known of ${info.url}, a source of kind '${info.kind}'`, UNSUPPORTED);
      return undefined;
  }
}

const UNSUPPORTED = { token: "unsupported-source-info" };

function describedLocation(io: BuildIo, info: SourceDescription, isNamed: boolean): SourceLocation {
  const location = locationOf(info);
  if (location === null) {
    io.warn(`No location can be given of a source of kind '${info.kind}'`, UNSUPPORTED);
    return null;
  }
  if (!isNamed) return location;
  const product = packageName(io, info);
  const version = info["version-guess"];
  const cpe = { ...(product !== undefined && { product }), ...(version !== undefined && { version }) };
  return Object.keys(cpe).length > 0 ? { ...location, "x-cpe": cpe } : location;
}

function locationOf(info: SourceDescription): SourceLocation {
  const { kind, url, medium, version } = info;
  switch (medium) {
    case "git":
      return { type: "git", url, commit: commitOf(info) };
    case "local":
      return { type: kind === "patch" || kind === "patch_queue" ? "patch" : "dir", path: url };
    case "workspace":
      return { type: "workspace" };
    case "remote-file":
      return { type: "archive", url, sha256: version };
    default:
      return null;
  }
}

/** Locations as they were before sources could be described: only of some kinds, and of a patch its file name. */
function plainLocations(infos: readonly SourceDescription[]): SourceLocation[] {
  const locations: SourceLocation[] = [];
  const queues = new Set<string>();
  for (const info of infos) {
    if (info.medium === "git" || (info.medium === "remote-file" && ARCHIVE_KINDS.has(info.kind))) {
      locations.push(locationOf(info));
    } else if (info.kind === "patch") {
      locations.push({ type: "patch", path: lastPart(info.url) });
    } else if (info.kind === "patch_queue") {
      const queue = info.url.slice(0, info.url.lastIndexOf("/"));
      if (!queues.has(queue)) locations.push({ type: "patch", path: queue });
      queues.add(queue);
    }
  }
  return locations;
}

/** As `git describe` names it where that is known. */
function commitOf({ version, "extra-data": extra }: SourceDescription): string {
  const [tag, offset] = [extra?.["tag-name"], extra?.["commit-offset"]];
  return tag !== undefined && offset !== undefined ? `${tag}-${offset}-g${version}` : version;
}

/** The first version in the sources' names; of a pattern with groups, these with dots between them. */
function versionOf(infos: readonly SourceDescription[], pattern: RegExp): string | undefined {
  for (const info of infos) {
    const isArchive = info.medium === "remote-file" && ARCHIVE_KINDS.has(info.kind);
    if (!isArchive && info.medium !== "git") continue;
    const match = pattern.exec(isArchive ? lastPart(info.url) : commitOf(info));
    if (match === null) continue;
    const [all, ...groups] = match;
    return groups.length === 0 ? all : groups.filter((group) => group !== undefined).join(".");
  }
  return undefined;
}

/** Named groups are the one difference that patterns for versions are known to make use of. */
function pythonPattern(pattern: string): RegExp {
  return new RegExp(pattern.replaceAll("(?P<", "(?<"));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
