/** Source kind `cpan`: the archive that has a Perl module in the newest version. */
import { gunzipSync } from "node:zlib";
import { BstError } from "../base/errors.ts";
import { record, text } from "../base/schema.ts";
import type { Ref, SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { IndexedArchive } from "./indexed-archive.ts";
import { firstCandidate, readUrl } from "./mirror-file.ts";
import { VersionGuesser, versionProperties } from "./version-guess.ts";

const INDEX = "https://cpan.metacpan.org/";
const PACKAGES = "modules/02packages.details.txt.gz";
const ARCHIVES = "authors/id/";

class CpanSource extends IndexedArchive {
  readonly #name: string;

  constructor(config: MappingNode, context: SourceContext) {
    const name = config.required("name", config.string("name"));
    const guesser = new VersionGuesser(config);
    super(context, { baseUrl: config.string("index") ?? INDEX, directory: name, guesser });
    this.#name = name;
    this.loadRef(config);
  }

  override loadRef(node: MappingNode): void {
    const suffix = node.string("suffix");
    const sha256sum = node.string("sha256sum");
    this.setRef(suffix === undefined || sha256sum === undefined ? undefined : { suffix, sha256sum });
  }

  override refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return typeof ref === "object" && !Array.isArray(ref) ? ref : {};
  }

  async track(io: SourceIo): Promise<Ref> {
    const list = await firstCandidate(this.context, `${this.baseUrl}${PACKAGES}`, "track", (candidate) =>
      readUrl(this.context, io, candidate),
    );
    const path = archiveOf(gunzipSync(list).toString("utf8"), this.#name);
    if (path === undefined) {
      throw new BstError("source", `${this.context.provenance}: '${this.#name}' is not in ${this.baseUrl}`);
    }
    return this.trackFile(io, `${ARCHIVES}${path}`);
  }
}

/** The archive that the list of all modules names for one. The list begins behind the first empty line. */
export function archiveOf(list: string, module: string): string | undefined {
  const lines = list.split(/\r?\n/);
  const start = lines.indexOf("");
  const line = lines.slice(start + 1).find((text) => text.split(/\s+/, 1)[0] === module);
  return line?.trim().split(/\s+/)[2];
}

export const cpan: SourceKind = {
  kind: "cpan",
  isPlugin: true,
  schema: record({ name: text, suffix: text, sha256sum: text, index: text, ...versionProperties }, ["name"]),
  configure: (config, context) => new CpanSource(config, context),
};
