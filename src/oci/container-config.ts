/** What containers of an image start as: the part of an image's configuration that is handed on to them. */
import { constants } from "node:os";
import { posix } from "node:path";
import { type JsonSchema, record, text, textList, textMap } from "../base/schema.ts";
import type { MappingNode } from "../yaml/node.ts";
import { defined, natural, refuseZeros, reject, textEntries, texts, whole } from "./fields.ts";

export type OciMode = "oci" | "docker";

export interface Healthcheck {
  readonly Test?: readonly string[];
  /** Nanoseconds. */
  readonly Interval?: number;
  /** Nanoseconds. */
  readonly Timeout?: number;
  readonly Retries?: number;
}

/** What a container starts as, under the names that images have for it. */
export interface ContainerConfig {
  readonly User?: string;
  readonly ExposedPorts?: readonly string[];
  /** `NAME=value`. */
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: readonly string[];
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  /** Bytes, as are all of Docker's limits. */
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly CpuShares?: number;
  readonly Healthcheck?: Healthcheck;
}

export const containerConfigSchema: JsonSchema = record({
  User: text,
  ExposedPorts: textList,
  Env: textList,
  Entrypoint: textList,
  Cmd: textList,
  Volumes: textList,
  WorkingDir: text,
  Labels: textMap,
  StopSignal: text,
  Memory: text,
  MemorySwap: text,
  CpuShares: text,
  Healthcheck: record({ Test: textList, Interval: text, Timeout: text, Retries: text }),
});

/** Which keys only one of the modes has. */
const ONLY: Readonly<Record<OciMode, readonly string[]>> = {
  docker: ["Memory", "MemorySwap", "CpuShares", "Healthcheck"],
  oci: ["Labels", "StopSignal"],
};

const VARIABLE = /^[^=]+=/;

/**
 * @param node has the form that {@link containerConfigSchema} demands
 * @throws LoadError invalid-data, for what the schema can't say
 */
export function readContainerConfig(node: MappingNode, mode: OciMode): ContainerConfig {
  reject(node, ONLY[mode === "oci" ? "docker" : "oci"], mode);
  refuseZeros(node);
  const health = node.mapping("Healthcheck");
  return {
    ...defined("User", node.string("User")),
    ...defined("ExposedPorts", texts(node, "ExposedPorts", isPort, "a port from 1 to 65535, such as 80/tcp")),
    ...defined(
      "Env",
      texts(node, "Env", (text) => VARIABLE.test(text), "NAME=value"),
    ),
    ...defined("Entrypoint", node.strings("Entrypoint")),
    ...defined("Cmd", node.strings("Cmd")),
    ...defined("Volumes", texts(node, "Volumes", isBelowRoot, "an absolute path, and not the root")),
    ...defined("WorkingDir", workingDir(node)),
    ...defined("Labels", textEntries(node.mapping("Labels"))),
    ...defined("StopSignal", stopSignal(node)),
    ...defined("Memory", natural(node, "Memory")),
    // -1 stands for no limit.
    ...defined("MemorySwap", whole(node, "MemorySwap")),
    ...defined("CpuShares", natural(node, "CpuShares")),
    ...(health === undefined ? {} : { Healthcheck: readHealthcheck(health) }),
  };
}

/** Over the root nothing can be mounted. */
function isBelowRoot(path: string): boolean {
  return posix.isAbsolute(path) && posix.resolve(path) !== "/";
}

/** Empty for that of the engine. */
function workingDir(node: MappingNode): string | undefined {
  const directory = node.scalar("WorkingDir");
  if (directory === undefined || directory.value === "" || posix.isAbsolute(directory.value)) return directory?.value;
  throw directory.error("Value of 'WorkingDir' must be an absolute path");
}

function isPort(text: string): boolean {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp|sctp))?$/.exec(text) ?? [];
  return Number(first) >= 1 && Number(first) <= Number(last) && Number(last) <= 65_535;
}

/** A name or number that container engines know. */
function stopSignal(node: MappingNode): string | undefined {
  const signal = node.scalar("StopSignal");
  if (signal === undefined) return undefined;
  const name = signal.value.toUpperCase().replace(/^SIG/, "");
  const isKnown =
    `SIG${name}` in constants.signals ||
    /^RTMIN(\+(\d|1[0-5]))?$|^RTMAX(-(\d|1[0-4]))?$/.test(name) ||
    (/^\d{1,2}$/.test(name) && Number(name) >= 1 && Number(name) <= 64);
  if (!isKnown) throw signal.error(`There is no signal '${signal.value}': such are SIGTERM, SIGRTMIN+3, 9`);
  return signal.value;
}

function readHealthcheck(node: MappingNode): Healthcheck {
  return {
    ...defined("Test", healthTest(node)),
    ...defined("Interval", duration(node, "Interval")),
    ...defined("Timeout", duration(node, "Timeout")),
    ...defined("Retries", natural(node, "Retries")),
  };
}

/** Without words: that of the image below. */
function healthTest(node: MappingNode): string[] | undefined {
  const [first] = node.sequence("Test")?.scalars() ?? [];
  if (first !== undefined && !["NONE", "CMD", "CMD-SHELL"].includes(first.value)) {
    throw first.error("The first word of 'Test' says how it is run: NONE, CMD or CMD-SHELL");
  }
  return node.strings("Test");
}

const MILLISECOND = 1_000_000;

function duration(node: MappingNode, key: string): number | undefined {
  const nanoseconds = natural(node, key);
  if (nanoseconds !== undefined && nanoseconds > 0 && nanoseconds < MILLISECOND) {
    throw node.scalar(key)?.error(`Value of '${key}' is in nanoseconds, and at least ${MILLISECOND}: a millisecond`);
  }
  return nanoseconds;
}
