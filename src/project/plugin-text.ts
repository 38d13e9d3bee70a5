/** What the Python plugin of a kind says: its versions do differently what keys, sources and artifacts show. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rememberedBy } from "../base/remember.ts";
import { pluginLocation } from "./plugin-location.ts";
import type { PluginOrigins } from "./plugins.ts";
import type { Project } from "./project.ts";
import type { LoadSession } from "./session.ts";

/** A kind, as what the project takes it from has it. */
export interface FromPlugin {
  /** The plugin and the modules beside it that it imports, as text; undefined where the project has it from nowhere else. */
  readonly pluginText?: string | undefined;
}

/** Checkouts of a package have no version that could be read: the plugin itself is asked. It is never executed. */
export function says({ pluginText }: FromPlugin, what: RegExp): boolean {
  // What is not known counts as the latest.
  return pluginText === undefined || what.test(pluginText);
}

/** The first group of the first match; undefined where there is none, or no plugin. */
export function saidBy({ pluginText }: FromPlugin, what: RegExp): string | undefined {
  return pluginText === undefined ? undefined : what.exec(pluginText)?.[1];
}

/** @throws what {@link pluginLocation} throws */
export function pluginText(project: Project, type: keyof PluginOrigins, kind: string): string | undefined {
  const location = pluginLocation(project, type, kind);
  if (location === undefined) return undefined;
  const texts = known(project.session);
  const path = join(location.directory, kind);
  if (!texts.has(path)) texts.set(path, textOf(location.directory, kind));
  return texts.get(path);
}

const known = rememberedBy((_session: LoadSession) => new Map<string, string | undefined>());

const IMPORT = /^from \.(\w+) import/gm;

function textOf(directory: string, kind: string): string | undefined {
  const modules = new Set([kind]);
  const texts: string[] = [];
  for (const name of modules) {
    const text = read(join(directory, `${name}.py`));
    if (text === undefined) continue;
    texts.push(text);
    for (const [, imported = ""] of text.matchAll(IMPORT)) modules.add(imported);
  }
  return texts.length === 0 ? undefined : texts.join("\n");
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
