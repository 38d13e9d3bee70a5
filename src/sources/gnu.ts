/** Source kind `gnu`: the newest release archive of a GNU program. */
import { gunzipSync } from "node:zlib";
import { BstError } from "../base/errors.ts";
import { bool, record, text } from "../base/schema.ts";
import type { Ref, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { archiveRef, IndexedArchive } from "./indexed-archive.ts";
import { readUrl } from "./mirror-file.ts";

const MIRROR = "https://ftpmirror.gnu.org/gnu/";
/** All files of the servers, by their paths. */
const LIST = "https://ftp.gnu.org/find.txt.gz";
/** From the least wanted. */
const FORMATS = ["gz", "bz2", "xz"];

class GnuSource extends IndexedArchive {
  readonly #name: string;
  readonly #folder: string;
  readonly #isTracked: boolean;

  constructor(config: MappingNode, context: SourceContext) {
    const name = config.required("name", config.string("name"));
    const folder = config.string("dirname") ?? name;
    super(context, { baseUrl: config.string("mirror") ?? MIRROR, directory: folder });
    this.#name = name;
    this.#folder = folder;
    this.#isTracked = config.bool("track") ?? true;
    this.loadRef(config);
  }

  async track(io: SourceIo): Promise<Ref | undefined> {
    if (!this.#isTracked) return undefined;
    const list = await readUrl(this.context, io, { url: LIST });
    const suffix = newestArchive(gunzipSync(list).toString("utf8"), this.#folder, this.#name);
    if (suffix === undefined) {
      throw new BstError("source", `${this.context.provenance}: '${this.#name}' is not in ${LIST}`);
    }
    return this.trackFile(io, suffix);
  }
}

/** The path below `gnu/` of a program's newest archive, in the best compression. */
export function newestArchive(list: string, folder: string, name: string): string | undefined {
  let newest: { readonly path: string; readonly rank: readonly number[] } | undefined;
  for (const line of list.split("\n")) {
    const path = /^\.\/gnu\/(.*)$/.exec(line)?.[1];
    const base = path?.slice(path.lastIndexOf("/") + 1) ?? "";
    if (path === undefined || !path.startsWith(`${folder}/`) || !base.startsWith(`${name}-`)) continue;
    const [, version = "", format = ""] = /^(\d+(?:\.\d+)*)\.tar\.(gz|bz2|xz)$/.exec(base.slice(name.length + 1)) ?? [];
    if (version === "") continue;
    // Behind all numbers, whose count differs.
    const rank = [...version.split(".").map(Number), -1, FORMATS.indexOf(format)];
    if (newest === undefined || compareRanks(rank, newest.rank) > 0) newest = { path, rank };
  }
  return newest?.path;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [i, number] of a.entries()) {
    const difference = number - (b[i] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const gnu: SourceKind = {
  kind: "gnu",
  isPlugin: true,
  schema: record({ name: text, dirname: text, mirror: text, track: bool, ref: archiveRef }, ["name"]),
  configure: (config, context) => new GnuSource(config, context),
};
