/** Source information of kinds that have none. */
import { type FromPlugin, says } from "./plugin-text.ts";
import type { Source, SourceContext, SourceInfo } from "./source-kind.ts";

/** A warning, or an error where the project makes it one. */
export function noInfo(context: SourceContext): readonly SourceInfo[] {
  context.warn(`${context.provenance}: Sources of this kind do not say what they are`, {
    token: "unavailable-source-info",
  });
  return [];
}

/** Makes a source of an early plugin, which could not do so yet, not say what it is. */
export function withPluginInfo(source: Source, context: SourceContext & FromPlugin): Source {
  const info = source.info.bind(source);
  source.info = () => (says(context, INFO) ? info() : noInfo(context));
  return source;
}

/** The second does it for those that derive from it. */
const INFO = /_source_info\(|\bDownloadableFileSource\b/;
