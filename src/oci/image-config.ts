/** The configuration of an image as somebody else wrote it: what it must be for engines to read it, and for its manifest. */
import { counted } from "../base/counted.ts";
import type { Platform } from "./descriptor.ts";
import { asArray, asObject, asString, invalidImage, type JsonObject } from "./json.ts";
import { formatPlatform } from "./platform.ts";

/** What others say of the same image. */
export interface Said {
  /** How many layers its manifest has. */
  readonly layers: number;
  /** By its entry in an index. */
  readonly platform?: Platform | undefined;
}

export interface ImageConfig {
  readonly platform: Platform;
  /** What the layers' archives should be, one for each; any value. */
  readonly diffIds: readonly unknown[];
  /** The first step first. */
  readonly history: readonly JsonObject[];
}

const TEXTS = ["User", "WorkingDir", "StopSignal"];
const LISTS = ["Env", "Entrypoint", "Cmd"];
const MAPS = ["ExposedPorts", "Volumes", "Labels"];

/**
 * @param name how messages call the image
 * @throws BstError domain element, reason oci-invalid-image
 */
export function readImageConfig(config: JsonObject, { layers, platform }: Said, name: string): ImageConfig {
  const diffIds = diffIdsOf(config, name);
  if (diffIds.length !== layers) {
    throw invalidImage(`${name} has ${counted(layers, "layer")}, and its configuration tells of ${diffIds.length}`);
  }
  const history = historyOf(config, name);
  const told = filledSteps(history).length;
  if (told > layers) throw invalidImage(`${name} has ${counted(layers, "layer")}, and its history tells of ${told}`);
  const own = platformOf(config);
  if (own === undefined) throw invalidImage(`The configuration of ${name} names no platform`);
  if (platform !== undefined && (own.os !== platform.os || own.architecture !== platform.architecture)) {
    throw invalidImage(`${name} is for ${formatPlatform(own)}, and its index says ${formatPlatform(platform)}`);
  }
  requireReadable(config["config"] ?? {}, name);
  return { platform: own, diffIds, history };
}

/** Those of a history that tell of a layer. */
export function filledSteps(history: readonly JsonObject[]): readonly JsonObject[] {
  return history.filter((step) => step["empty_layer"] !== true);
}

export function platformOf(config: JsonObject): Platform | undefined {
  const { architecture, os, variant } = config;
  if (typeof architecture !== "string" || typeof os !== "string") return undefined;
  return { architecture, os, ...(typeof variant === "string" && { variant }) };
}

function diffIdsOf({ rootfs }: JsonObject, name: string): readonly unknown[] {
  const { type = "layers", diff_ids } = asObject(rootfs, `The rootfs of ${name}`);
  if (type !== "layers") throw invalidImage(`The rootfs of ${name} is of an unknown kind: ${JSON.stringify(type)}`);
  return asArray(diff_ids, `The list of diff_ids of ${name}`);
}

function historyOf({ history }: JsonObject, name: string): readonly JsonObject[] {
  if (history === undefined || history === null) return [];
  return asArray(history, `The history of ${name}`).map((step) => asObject(step, `A step of the history of ${name}`));
}

/** What containers start as; null is nothing. */
function requireReadable(value: unknown, name: string): void {
  const config = asObject(value, `What containers of ${name} start as`);
  const each = (keys: readonly string[], check: (value: unknown, what: string) => unknown) => {
    for (const key of keys) if ((config[key] ?? undefined) !== undefined) check(config[key], `${key} of ${name}`);
  };
  each(TEXTS, asString);
  each(LISTS, (list, what) => asArray(list, what).forEach((text) => void asString(text, `A part of ${what}`)));
  each(MAPS, asObject);
  for (const label of Object.values(config["Labels"] ?? {})) asString(label, `A label of ${name}`);
}
