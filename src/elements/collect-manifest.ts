/** Kind `collect_manifest`: where everything that it depends on comes from, as a file and as public data. */
import { bool, type JsonSchema, oneOf, text } from "../base/schema.ts";
import type { BuildIo, ElementFacts, ElementKind } from "../project/element-kind.ts";
import { says } from "../project/plugin-text.ts";
import { type MappingNode, mappingFrom, type Plain } from "../yaml/node.ts";
import { type ManifestModule, manifestModule } from "./manifest.ts";
import { type ElementInfo, readSpdxInfo, spdxDocument, spdxInfoSchema, spdxKeyFields } from "./spdx.ts";
import { writeFile } from "./write-file.ts";

const NOTE = "This is a generated manifest from buildstream files and not usable by flatpak-builder";

/** Other keys mean nothing, and are allowed. */
const schema: JsonSchema = {
  type: "object",
  properties: {
    path: text,
    "output-type": oneOf("manifest", "spdx"),
    "spdx-info": spdxInfoSchema,
    "use-source-provenance": bool,
  },
};

export const collectManifest: ElementKind = {
  kind: "collect_manifest",
  isPlugin: true,
  schema,
  artifactVersion: 2,
  strictRebuild: true,
  collects: true,
  runsCommands: false,
  forbids: ["runtime-depends", "sources"],
  configure(config, facts) {
    const path = config.string("path");
    const isSpdx = config.string("output-type") === "spdx";
    const spdxInfo = readSpdxInfo(config.mapping("spdx-info") ?? mappingFrom({}));
    // Earlier plugins do not know the key, and don't describe sources.
    const hasProvenance = says(facts, /\buse-source-provenance\b/) && (config.bool("use-source-provenance") ?? true);
    return {
      uniqueKey: () => ({
        path: path ?? null,
        ...(isSpdx && { output_type: "spdx", spdx_info: spdxKeyFields(spdxInfo) }),
        ...(hasProvenance && { source_provenance: true }),
      }),
      assemble(io) {
        const { modules, infos } = collect(io, facts, hasProvenance);
        const manifest = { "//NOTE": NOTE, modules };
        io.setPublicData("cpe-manifest", publicData(manifest));
        if (hasProvenance) io.setPublicData("source-info-manifest", publicData({ "element-infos": infos }));
        if (path) writeFile(io, path, asciiJson(isSpdx ? spdxDocument(io, spdxInfo, modules, infos) : manifest));
        return "/";
      },
    };
  },
};

interface Collected {
  readonly modules: ManifestModule[];
  /** As many, with null where there is none. */
  readonly infos: (ElementInfo | null)[];
}

function collect(io: BuildIo, facts: ElementFacts, hasProvenance: boolean): Collected {
  const modules: ManifestModule[] = [];
  const infos: (ElementInfo | null)[] = [];
  const namesLocations = says(facts, /source_location\[["']x-cpe["']\]/);
  for (const element of io.dependencies()) {
    const manifest = io.publicData(element, "cpe-manifest");
    if (manifest === undefined) {
      const told = hasProvenance ? [...element.toldSourceInfo()] : undefined;
      modules.push(manifestModule(io, facts, element, { told, namesLocations }));
      const { normalName: name, projectName } = element;
      infos.push(told === undefined ? null : { name, "project-name": projectName, "source-infos": told });
      continue;
    }
    // A manifest among the dependencies stands for what it was made of.
    const theirs = entries<ManifestModule>(manifest, "modules");
    const theirInfos = io.publicData(element, "source-info-manifest");
    modules.push(...theirs);
    if (hasProvenance && theirInfos !== undefined) {
      const found = entries<ElementInfo | "">(theirInfos, "element-infos");
      if (found.length !== theirs.length) throw facts.error(`The manifests of ${element.fullName} do not fit together`);
      infos.push(...found.map((info) => (info === "" ? null : info)));
      continue;
    }
    infos.push(...theirs.map(() => null));
    if (hasProvenance) {
      io.warn(`${element.fullName} of project ${element.projectName} does not describe its sources`, {
        token: "legacy-manifest",
      });
    }
  }
  return { modules, infos };
}

/** What an element of this kind has left as public data. */
function entries<T>(data: MappingNode, key: string): T[] {
  return (data.sequence(key)?.toPlain() ?? []) as T[];
}

type Json = string | null | readonly Json[] | { readonly [key: string]: Json };

/** Public data have only text, which is held without space around it. */
function publicData(value: { readonly [key: string]: Json }): MappingNode {
  const plain = (value: Json): Plain => {
    if (value === null) return "";
    if (typeof value === "string") return value.trim();
    if (Array.isArray(value)) return value.map(plain);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  };
  return mappingFrom(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)])));
}

/** JSON as Python writes it. */
function asciiJson(value: object): string {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value, undefined, 2).replace(/[\x7f-\uffff]/g, escaped);
}
