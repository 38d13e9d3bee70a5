/** Finds the kinds that elements and sources name: those of BuildStream's core, and those that the project declares. */
import { BstError } from "../base/errors.ts";
import type { Node } from "../yaml/node.ts";
import type { ElementKind } from "./element-kind.ts";
import type { PluginOrigin } from "./plugins.ts";
import type { Project } from "./project.ts";
import type { SourceKind } from "./source-kind.ts";

/** @throws BstError domain plugin, reason plugin-not-found */
export function elementKind(project: Project, name: string, asker: Node): ElementKind {
  const { kinds } = project.session;
  return usable("element", kinds.elements.get(name), project.plugins.elements.get(name), name, asker);
}

/** @throws BstError domain plugin, reason plugin-not-found */
export function sourceKind(project: Project, name: string, asker: Node): SourceKind {
  const { kinds } = project.session;
  return usable("source", kinds.sources.get(name), project.plugins.sources.get(name), name, asker);
}

function usable<T extends { readonly isPlugin?: true }>(
  what: "element" | "source",
  kind: T | undefined,
  origin: PluginOrigin | undefined,
  name: string,
  asker: Node,
): T {
  if (kind !== undefined && (origin !== undefined || kind.isPlugin === undefined)) return kind;
  throw new BstError("plugin", `${asker.provenance}: There is no ${what} kind '${name}'`, {
    reason: "plugin-not-found",
    detail: origin === undefined ? notDeclared(kind) : notImplemented(origin),
  });
}

function notDeclared(kind: unknown): string | undefined {
  return kind === undefined
    ? undefined
    : "It is one of a package: say in 'plugins' of project.conf where it comes from.";
}

function notImplemented({ origin, node }: PluginOrigin): string {
  return `The project takes it from '${origin}' at ${node.provenance}, and it is not implemented here yet.`;
}
