/** Source information of kinds that have none. */
import type { SourceContext, SourceInfo } from "../project/source-kind.ts";

/** A warning, or an error where the project makes it one. */
export function noInfo(context: SourceContext): readonly SourceInfo[] {
  context.warn(`${context.provenance}: Sources of this kind do not say what they are`, {
    token: "unavailable-source-info",
  });
  return [];
}
