/** Where databases of packages know a source from: later plugins say so in source information. */
import { type FromPlugin, says } from "../project/plugin-text.ts";

export function ecosystem(context: FromPlugin, name: string): { readonly ecosystem?: string } {
  return says(context, /\becosystem\b/) ? { ecosystem: name } : {};
}
