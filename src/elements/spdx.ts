/** SPDX 2.3 documents of manifests. */
import { compareCodePoints, type KeyValue } from "../base/json.ts";
import { type JsonSchema, record, text, textList } from "../base/schema.ts";
import type { BuildIo } from "../project/element-kind.ts";
import type { SourceDescription } from "../project/source-info.ts";
import type { MappingNode } from "../yaml/node.ts";
import { type ManifestModule, packageName } from "./manifest.ts";

/** Where an element's sources come from, as it stands in public data. */
export type ElementInfo = { name: string; "project-name": string; "source-infos": SourceDescription[] };

/** What the user says of the document. */
interface SpdxInfo {
  readonly creators: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly created: number | undefined;
  readonly dataLicense: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export const spdxInfoSchema: JsonSchema = record({
  creators: textList,
  created: text,
  "data-license": text,
  "doc-namespace": text,
  name: text,
});

export function readSpdxInfo(node: MappingNode): SpdxInfo {
  return {
    creators: node.strings("creators"),
    created: node.int("created"),
    dataLicense: node.string("data-license"),
    namespace: node.string("doc-namespace"),
    name: node.string("name"),
  };
}

export function spdxKeyFields({ creators, created, dataLicense, namespace, name }: SpdxInfo): KeyValue {
  return [creators, dataLicense, created, namespace, name].map((value) => value ?? null);
}

interface Package {
  readonly SPDXID: string;
  readonly [key: string]: unknown;
}

/** @param infos of each module; null where its sources are known as locations only */
export function spdxDocument(
  io: BuildIo,
  { creators = [], created, dataLicense, namespace, name }: SpdxInfo,
  modules: readonly ManifestModule[],
  infos: readonly (ElementInfo | null)[],
): object {
  const packages = modules.flatMap((module, index) => {
    const info = infos[index];
    return info ? packagesOfInfo(io, info) : packagesOfModule(io, module);
  });
  packages.sort((a, b) => compareCodePoints(a.SPDXID, b.SPDXID));
  return {
    SPDXID: "SPDXRef-DOCUMENT",
    spdxVersion: "SPDX-2.3",
    packages,
    relationships: packages.map(({ SPDXID }) => ({
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: SPDXID,
    })),
    creationInfo: {
      ...(creators.length > 0 && { creators }),
      ...(created && { created: `${new Date(created * 1000).toISOString().slice(0, 19)}Z` }),
    },
    ...(namespace && { documentNamespace: namespace }),
    ...(dataLicense && { dataLicense }),
    ...(name && { name }),
  };
}

function packagesOfInfo(io: BuildIo, info: ElementInfo): Package[] {
  return info["source-infos"].map((source, index) => ({
    SPDXID: `SPDXRef-${info["project-name"]}-${info.name}-${index}`,
    filesAnalyzed: false,
    name: packageName(io, source) || info.name,
    downloadLocation: source.url,
    versionInfo: source["version-guess"] ?? source.version,
    sourceInfo: source.kind,
  }));
}

function packagesOfModule(io: BuildIo, { name, "x-cpe": cpe, sources }: ManifestModule): Package[] {
  return sources.map((source, index) => {
    const { url, type } = source ?? {};
    const own = typeof url === "string" ? packageName(io, { ...UNKNOWN, url, medium: String(type) }) : undefined;
    return {
      SPDXID: `SPDXRef-${name.replaceAll("/", "-")}-${index}`,
      comment: `Product: ${cpe["product"]}`,
      filesAnalyzed: false,
      name: own ?? name,
      ...(url !== undefined && { downloadLocation: url }),
      ...(cpe["version"] !== undefined && { versionInfo: cpe["version"] }),
      ...(type !== undefined && { sourceInfo: type }),
    };
  });
}

const UNKNOWN = { kind: "", "version-type": "", version: "" };
