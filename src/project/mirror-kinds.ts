/** The kinds of source mirrors: what each makes of an alias and the rest of a URL. */
import { BstError } from "../base/errors.ts";
import { percentEncode } from "../base/percent.ts";
import { record, text, textList } from "../base/schema.ts";
import { MappingNode, type Node } from "../yaml/node.ts";
import type { PluginOrigins } from "./plugins.ts";
import type { UrlCandidate } from "./source-kind.ts";
import { validate } from "./validate.ts";

/** A URL that begins with an alias. */
interface AliasedUrl {
  readonly alias: string;
  /** What the project's alias stands for. */
  readonly base: string;
  readonly rest: string;
}

export interface Mirror {
  readonly name: string;
  /** Where the mirror has what the URL names; empty for aliases that it does not have. */
  candidates(url: AliasedUrl): UrlCandidate[];
}

/** What a kind of a package makes of its `config`. */
type Translate = (config: MappingNode) => (url: AliasedUrl) => UrlCandidate;

const KINDS: Readonly<Record<string, { readonly schema: ReturnType<typeof record>; readonly translate: Translate }>> = {
  simple_mirror: {
    schema: record({ url: text, aliases: textList }, ["url", "aliases"]),
    translate: (config) => {
      const url = config.string("url") ?? "";
      return ({ alias, rest }) => ({ url: join(withAlias(url, alias), rest) });
    },
  },
  fake_mirror: {
    schema: record({ aliases: textList }, ["aliases"]),
    translate:
      () =>
      ({ base, rest }) => ({ url: join(base, rest) }),
  },
  gitlab_lfs_mirror: {
    schema: record({ url: text, project: text, ref: text, aliases: textList }, ["url", "project", "aliases"]),
    translate: (config) => {
      const [url = "", project = ""] = [config.string("url"), config.string("project")];
      const ref = config.string("ref") ?? "master";
      return ({ alias, rest }) => {
        const path = `api/v4/projects/${percentEncode(withAlias(project, alias))}/repository/files/${percentEncode(rest)}`;
        return { url: join(url, `${path}/raw?ref=${ref}&lfs=true`), extra: { "http-auth": "bearer" } };
      };
    },
  },
};

/** @throws LoadError invalid-data; BstError domain plugin, reason plugin-not-found */
export function loadMirror(node: MappingNode, origins: PluginOrigins["mirrors"]): Mirror {
  const kind = node.string("kind") ?? "default";
  if (kind === "default") return defaultMirror(node);
  const definition = origins.has(kind) && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (definition === undefined) {
    throw new BstError("plugin", `${node.provenance}: There is no source mirror kind '${kind}'`, {
      reason: "plugin-not-found",
      detail: origins.has(kind) ? "Plugins in Python are not executed." : undefined,
    });
  }
  node.validateKeys(new Set(["name", "kind", "config"]));
  const config = node.mapping("config") ?? MappingNode.empty;
  validate(config, definition.schema);
  const aliases = new Set(config.strings("aliases"));
  const translate = definition.translate(config);
  return {
    name: node.required("name", node.string("name")),
    candidates: (url) => (aliases.has(url.alias) ? [translate(url)] : []),
  };
}

function defaultMirror(node: MappingNode): Mirror {
  node.validateKeys(new Set(["name", "kind", "aliases"]));
  const own = node.required("aliases", node.mapping("aliases"));
  const aliases = new Map([...own.entries].map(([alias, urls]): [string, string[]] => [alias, asList(alias, urls)]));
  return {
    name: node.required("name", node.string("name")),
    candidates: ({ alias, rest }) => (aliases.get(alias) ?? []).map((base) => ({ url: base + rest })),
  };
}

function asList(alias: string, urls: Node): string[] {
  if (urls.type !== "sequence") throw urls.error(`Value of '${alias}' must be a list`);
  return urls.asStrings();
}

function withAlias(pattern: string, alias: string): string {
  return pattern.replaceAll("{alias}", () => alias);
}

/** Paths below a URL; an absolute one takes its place, as the plugins have it. */
function join(base: string, path: string): string {
  if (path.startsWith("/")) return path;
  return base === "" || base.endsWith("/") ? base + path : `${base}/${path}`;
}
