/** An element's `sandbox` configuration: the machine and user that its commands see. */
import type { KeyValue } from "../base/json.ts";
import { rememberedBy } from "../base/remember.ts";
import type { MappingNode } from "../yaml/node.ts";
import { canonicalArch, hostArch, hostOs } from "./platform.ts";

export interface SandboxConfig {
  readonly buildOs: string;
  readonly buildArch: string;
  readonly buildUid: number | undefined;
  readonly buildGid: number | undefined;
  readonly remoteApisSocket: { readonly path: string; readonly actionCacheEnableUpdate: boolean } | undefined;
}

const KEYS = new Set(["build-uid", "build-gid", "build-os", "build-arch", "remote-apis-socket"]);

/** @throws LoadError invalid-data */
export const sandboxConfig = rememberedBy((node: MappingNode): SandboxConfig => {
  node.validateKeys(KEYS);
  const socket = node.mapping("remote-apis-socket");
  socket?.validateKeys(new Set(["path", "action-cache-enable-update"]));
  const os = node.string("build-os");
  const arch = node.string("build-arch");
  return {
    buildOs: os ? os.toLowerCase() : hostOs(),
    buildArch: arch ? canonicalArch(arch) : hostArch(),
    buildUid: node.int("build-uid"),
    buildGid: node.int("build-gid"),
    remoteApisSocket: socket && {
      path: socket.required("path", socket.string("path")),
      actionCacheEnableUpdate: socket.bool("action-cache-enable-update") ?? false,
    },
  };
});

/** The form that keys and artifacts hold. */
export function sandboxFields(config: SandboxConfig): { readonly [key: string]: KeyValue } {
  const socket = config.remoteApisSocket;
  return {
    "build-os": config.buildOs,
    "build-arch": config.buildArch,
    ...(config.buildUid !== undefined && { "build-uid": config.buildUid }),
    ...(config.buildGid !== undefined && { "build-gid": config.buildGid }),
    ...(socket && {
      "remote-apis-socket": {
        path: socket.path,
        ...(socket.actionCacheEnableUpdate && { "action-cache-enable-update": true }),
      },
    }),
  };
}
