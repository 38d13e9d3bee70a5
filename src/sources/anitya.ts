/** Source kind `anitya`: a release archive, whose versions the service release-monitoring.org knows. */
import { BstError } from "../base/errors.ts";
import { glob } from "../base/glob.ts";
import type { KeyValue } from "../base/json.ts";
import { record, text, textList } from "../base/schema.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";
import { MirrorFile, readUrl, urlDirectoryName } from "./mirror-file.ts";
import { stageTarWithoutTop } from "./strip-top.ts";

const API = "https://release-monitoring.org/api/v2/";
const VERSION =
  /^(?<prefix>.*?)(?<major>\d+)(?:(?=\.\d)|(?!.*\d+\.\d))(?:\.(?<minor>\d+))?(?:\.(?<patch>\d+))?(?:\.\d+)*[-_.~]*(?<prerelease>[^+]*)(?:\+(?<metadata>.*))?$/;

interface ReleaseRef {
  readonly version: string;
  readonly sha256sum: string;
}

class AnityaSource implements Source {
  readonly #context: SourceContext;
  readonly #api: string;
  readonly #project: number;
  readonly #template: string;
  readonly #exclude: readonly string[];
  #ref: ReleaseRef | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.#api = config.string("api-url") ?? API;
    this.#project = config.required("project-id", config.int("project-id"));
    this.#template = config.required("url", config.string("url"));
    this.#exclude = config.strings("exclude") ?? [];
    context.resolveUrl(this.#template.split("{", 1)[0] ?? "");
    this.loadRef(config);
  }

  get ref(): Ref | undefined {
    return this.#ref === undefined ? undefined : { ...this.#ref };
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue {
    return [this.#template, this.#ref?.version ?? null, this.#ref?.sha256sum ?? null, this.#exclude];
  }

  setRef(ref: Ref | undefined): void {
    const { version, sha256sum } = typeof ref === "object" && !Array.isArray(ref) ? ref : {};
    this.#ref = typeof version === "string" && typeof sha256sum === "string" ? { version, sha256sum } : undefined;
  }

  loadRef(node: MappingNode): void {
    const ref = node.mapping("ref");
    if (ref === undefined) return;
    ref.validateKeys(new Set(["version", "sha256sum"]));
    const version = ref.required("version", ref.string("version"));
    const sha256sum = ref.required("sha256sum", ref.string("sha256sum"));
    this.#url(version);
    this.#ref = { version, sha256sum };
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#ref !== undefined && this.#file(this.#ref.version).isCached(io, this.#ref.sha256sum);
  }

  async track(io: SourceIo): Promise<Ref> {
    const { provenance } = this.#context;
    const url = `${this.#api}versions/?project_id=${this.#project}`;
    const version = newestVersion((await readUrl(this.#context, io, { url })).toString("utf8"));
    if (version === undefined) {
      throw new BstError("source", `${provenance}: ${url} names no stable version`);
    }
    return { version, sha256sum: await this.#file(version).track(io) };
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.#ref !== undefined) await this.#file(this.#ref.version).fetch(io, this.#ref.sha256sum);
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const { version = "", sha256sum = "" } = this.#ref ?? {};
    const what = `${this.#context.provenance}: Cannot unpack ${this.#url(version)}`;
    const isWanted = (name: string) => !this.#exclude.some((pattern) => glob([name], pattern).length > 0);
    await stageTarWithoutTop(tree, io, this.#file(version).path(io, sha256sum), what, isWanted);
  }

  info(): readonly SourceInfo[] {
    if (this.#ref === undefined) return [];
    const { version, sha256sum } = this.#ref;
    return [
      {
        url: this.#context.resolveUrl(this.#url(version)),
        medium: "remote-file",
        versionType: "sha256",
        version: sha256sum,
        extraData: { ecosystem: "None" },
      },
    ];
  }

  #file(version: string): MirrorFile {
    return new MirrorFile(this.#context, this.#url(version), urlDirectoryName(this.#template));
  }

  /** As declared, with the parts of a version put in. */
  #url(version: string): string {
    const groups = VERSION.exec(version)?.groups ?? { prefix: "", prerelease: "", metadata: "" };
    const parts: Readonly<Record<string, string | undefined>> = { version, ...groups };
    return this.#template.replace(/\{\{|\}\}|\{(\w*)\}/g, (found, name?: string) => {
      if (name === undefined) return found[0] ?? "";
      if (name in parts) return parts[name] ?? "";
      const { provenance } = this.#context;
      throw new BstError("source", `${provenance}: The version '${version}' has no part '${name}' for the URL`);
    });
  }
}

/** The first stable version of an answer of the service. */
function newestVersion(answer: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null || !("stable_versions" in parsed)) return undefined;
  const { stable_versions: versions } = parsed;
  const [first] = Array.isArray(versions) ? versions : [];
  return typeof first === "string" ? first : undefined;
}

export const anitya: SourceKind = {
  kind: "anitya",
  isPlugin: true,
  schema: record(
    {
      "project-id": text,
      url: text,
      ref: record({ version: text, sha256sum: text }),
      exclude: textList,
      "api-url": text,
    },
    ["project-id", "url"],
  ),
  configure: (config, context) => new AnityaSource(config, context),
};
