/** What an image is made of, apart from how it is laid out: its configuration and its layers. */

import type { ContainerConfig } from "./container-config.ts";
import type { Layer } from "./layer.ts";
import type { ImageSpec } from "./schema.ts";

export interface History {
  readonly author?: string;
  readonly comment?: string;
  /** Whether the step has no layer of its own. */
  readonly empty_layer?: boolean;
  readonly [key: string]: unknown;
}

export interface Image {
  readonly spec: ImageSpec;
  /** The lowest first. */
  readonly layers: readonly Layer[];
  readonly history: readonly History[];
}

/** The image's configuration as JSON; keys in a fixed order, and no dates but a given one: its digest follows from it. */
export function configJson({ spec, layers, history }: Image): string {
  return JSON.stringify({
    created: createdAt(spec),
    author: spec.author,
    architecture: spec.architecture,
    variant: spec.variant,
    os: spec.os,
    "os.version": spec.osVersion,
    "os.features": spec.osFeatures,
    config: spec.config && containerJson(spec.config),
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history,
  });
}

/** Sets are dictionaries with empty values there. */
function containerJson({ ExposedPorts, Volumes, ...rest }: ContainerConfig): object {
  const set = (items: readonly string[] | undefined) => items && Object.fromEntries(items.map((item) => [item, {}]));
  return {
    User: rest.User,
    ExposedPorts: set(ExposedPorts),
    Env: rest.Env,
    Entrypoint: rest.Entrypoint,
    Cmd: rest.Cmd,
    Volumes: set(Volumes),
    WorkingDir: rest.WorkingDir,
    Labels: rest.Labels,
    StopSignal: rest.StopSignal,
    Memory: rest.Memory,
    MemorySwap: rest.MemorySwap,
    CpuShares: rest.CpuShares,
    Healthcheck: rest.Healthcheck,
  };
}

function createdAt({ sourceDateEpoch }: ImageSpec): string | undefined {
  // Without the milliseconds, which are none.
  return sourceDateEpoch === undefined ? undefined : new Date(sourceDateEpoch * 1000).toISOString().replace(".000", "");
}

/**
 * An entry that an image adds to its parent's history.
 * @param about what its layer holds, where there are several
 */
export function historyOf(spec: ImageSpec, hasLayer: boolean, about?: string): History {
  const { author, comment } = spec;
  const created = createdAt(spec);
  return {
    ...(created === undefined ? {} : { created }),
    ...(about === undefined ? {} : { created_by: about }),
    ...(author === undefined ? {} : { author }),
    ...(comment === undefined ? {} : { comment }),
    ...(hasLayer ? {} : { empty_layer: true }),
  };
}
