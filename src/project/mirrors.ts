/** Aliases and mirrors of a project: from a declared URL to those that are tried for it. */
import { BstError } from "../base/errors.ts";
import type { MappingNode, SequenceNode } from "../yaml/node.ts";
import { loadMirror, type Mirror } from "./mirror-kinds.ts";
import type { Project } from "./project.ts";
import type { UrlCandidate } from "./source-kind.ts";

const SCHEMES = new Set(["http", "https", "ftp", "file", "git", "sftp", "ssh"]);

/** The alias that a URL begins with, if any: `alias:rest`. */
export function aliasOf(url: string): string | undefined {
  const colon = url.indexOf(":");
  if (colon < 0) return undefined;
  const alias = url.slice(0, colon);
  return SCHEMES.has(alias.toLowerCase()) || alias === "" ? undefined : alias;
}

export class Mirrors {
  private readonly project: Project;
  private readonly aliases: MappingNode;
  private readonly mirrors: readonly Mirror[];
  private readonly defaultMirror: string | undefined;
  private readonly isOverride: boolean;

  private constructor(
    project: Project,
    aliases: MappingNode,
    mirrors: readonly Mirror[],
    defaultMirror: string | undefined,
    isOverride: boolean,
  ) {
    this.project = project;
    this.aliases = aliases;
    this.mirrors = mirrors;
    this.defaultMirror = defaultMirror;
    this.isOverride = isOverride;
  }

  static load(
    project: Project,
    from: { aliases: MappingNode; mirrors: SequenceNode; defaultMirror: string | undefined; isOverride: boolean },
  ): Mirrors {
    const mirrors = from.mirrors.mappings().map((node) => loadMirror(node, project.plugins.mirrors));
    return new Mirrors(project, from.aliases, mirrors, from.defaultMirror ?? mirrors[0]?.name, from.isOverride);
  }

  /** The URL that a declared one stands for, by the alias of this project or, through junctions, of its parents. */
  resolve(url: string, source: string, isFirstPass: boolean): string {
    const alias = aliasOf(url);
    const base = alias === undefined ? undefined : this.aliases.string(alias);
    if (alias === undefined || base === undefined) return url;
    const rest = url.slice(alias.length + 1);
    const parent = this.parentMirrors(alias, source, isFirstPass);
    return parent === undefined ? base + rest : parent.mirrors.resolve(`${parent.alias}:${rest}`, source, isFirstPass);
  }

  /** Whether an alias is known, here and in the parents that it is mapped to. */
  has(alias: string, source: string, isFirstPass: boolean): boolean {
    const parent = this.parentMirrors(alias, source, isFirstPass);
    if (parent === undefined) return this.aliases.has(alias);
    if (parent.mirrors.has(parent.alias, source, isFirstPass)) return true;
    throw new BstError(
      "source",
      `${this.project.junction?.fullName}: The alias '${parent.alias}', to which '${alias}' of the subproject is mapped, is not known`,
      { reason: "invalid-source-alias" },
    );
  }

  /** What to try for a declared URL, in order; empty where the user's configuration leaves nothing. */
  candidates(url: string, purpose: "fetch" | "track", isFirstPass: boolean): UrlCandidate[] {
    const alias = aliasOf(url);
    if (alias === undefined || !this.aliases.has(alias)) return [{ url }];
    const rest = url.slice(alias.length + 1);
    const { junction, parent } = this.project;
    const parentAlias = junction?.parentAlias(alias);
    if (junction !== undefined && parent !== undefined) {
      if (parentAlias !== undefined) {
        return pass(parent, isFirstPass).candidates(`${parentAlias}:${rest}`, purpose, isFirstPass);
      }
      if (parent.disallowSubprojectUris) return [];
    }
    const { fetchSource, trackSource } = this.project.session.config;
    const policy = purpose === "fetch" ? fetchSource : trackSource;
    const base = this.aliases.string(alias) ?? "";
    const found: UrlCandidate[] = [];
    if (policy === "all" || policy === "mirrors" || (policy === "user" && this.isOverride)) {
      for (const mirror of this.mirrors) {
        const candidates = mirror.candidates({ alias, base, rest });
        if (mirror.name === this.defaultMirror) found.unshift(...candidates);
        else found.push(...candidates);
      }
    }
    if (policy === "all" || policy === "aliases") found.push({ url: base + rest });
    return purpose === "track" ? found.reverse() : found;
  }

  private parentMirrors(alias: string, source: string, isFirstPass: boolean) {
    const { junction, parent } = this.project;
    if (junction === undefined || parent === undefined) return undefined;
    const parentAlias = junction.parentAlias(alias);
    if (parentAlias !== undefined) return { alias: parentAlias, mirrors: pass(parent, isFirstPass) };
    if (!parent.disallowSubprojectUris) return undefined;
    throw new BstError(
      "source",
      `${source}: The parent project maps no alias to '${alias}', and allows no URLs of the subproject's own`,
      { reason: "missing-alias-mapping" },
    );
  }
}

function pass(project: Project, isFirstPass: boolean): Mirrors {
  return (isFirstPass ? project.firstPass : project.resolved).mirrors;
}
