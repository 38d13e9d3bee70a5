/** How elements assemble images: what is remembered, and what they say meanwhile. */
import type { AssembleOptions } from "../oci/assemble.ts";
import { Memo } from "../oci/memo.ts";
import type { BuildIo } from "../project/element-kind.ts";
import { warnOfLayers } from "./image-warnings.ts";

export function assemblyOptions(io: BuildIo, signal: AbortSignal = io.signal): AssembleOptions {
  return {
    memo: new Memo(io.memoDirectory),
    signal,
    activity: (text, step) => io.activity(text, step),
    onProgress: (done, all) => io.progress(done, all),
    onLayers: (image, count) => warnOfLayers(io, image, count),
  };
}
