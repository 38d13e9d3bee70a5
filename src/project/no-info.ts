/** Source information of kinds that have none. */
import { says } from "./plugin-text.ts";
import type { Source, SourceContext, SourceInfo } from "./source-kind.ts";

/** A warning, or an error where the project makes it one. */
export function noInfo(context: SourceContext): readonly SourceInfo[] {
  context.warn(`${context.provenance}: Sources of this kind do not say what they are`, {
    token: "unavailable-source-info",
  });
  return [];
}

/** What a source's plugin says: of an early one nothing, as there was no such information yet. */
export function toldInfo(source: Source, context: SourceContext): readonly SourceInfo[] {
  return says(context, INFO) ? source.info() : noInfo(context);
}

/** The second does it for those that derive from it. */
const INFO = /_source_info\(|\bDownloadableFileSource\b/;
