/** What went into the keys of artifacts that were built here, so that it can be told later why a key is another. */
import { dirname, join } from "node:path";
import { type ArtifactName, formatRef } from "../artifact/refs.ts";
import { keepNewestFiles, readCacheFile, writeCacheFile } from "../base/cache-file.ts";
import { canonicalJson } from "../base/json.ts";
import { keyFields } from "../graph/keys.ts";
import type { Element } from "../project/element.ts";
import type { Caches } from "./session.ts";

/** Records of an element: as many as there are sets of options that it is built with in turn, and some builds of each. */
const KEPT = 32;

/** The fields of a key, without dependencies, as plain JSON. */
export type KeyFields = { readonly [field: string]: unknown };

export function fieldsOf(element: Element): KeyFields {
  return JSON.parse(canonicalJson(keyFields(element)));
}

/** That it can't be written only means that it can't be told. Of each element, what was built last is kept. */
export function recordKeyFields(caches: Pick<Caches, "memoDirectory">, element: Element, key: string): void {
  const name = { project: element.projectName, normalName: element.normalName, key };
  const file = fileOf(caches, name);
  if (writeCacheFile(file, [canonicalJson(keyFields(element))])) keepNewestFiles(dirname(file), KEPT);
}

/** Undefined for artifacts that were built elsewhere. */
export function recordedKeyFields(caches: Pick<Caches, "memoDirectory">, name: ArtifactName): KeyFields | undefined {
  const text = readCacheFile(fileOf(caches, name))?.toString();
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fileOf({ memoDirectory }: Pick<Caches, "memoDirectory">, name: ArtifactName): string {
  return join(dirname(memoDirectory), "key-fields", formatRef(name));
}
