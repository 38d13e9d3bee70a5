/** Split domains: which files of an artifact belong to which, and the choice of files by domains. */
import { globPattern } from "../base/glob.ts";
import type { SplitSelection } from "../project/element-kind.ts";
import type { MappingNode } from "../yaml/node.ts";

/** Compiled patterns of whole lists of globs: most elements have the rules of their project. */
const compiled = new Map<string, RegExp>();

/**
 * Whether a selection takes a path, which is relative to the artifact's root; undefined where it takes everything.
 * @param rules the public data `split-rules`: globs of absolute paths by domain
 */
export function splitFilter(
  rules: MappingNode,
  { include = [], exclude = [], orphans = true }: SplitSelection,
): ((path: string) => boolean) | undefined {
  if (orphans && include.length === 0 && exclude.length === 0) return undefined;
  const domains = rules.keys();
  const globs = (selected: readonly string[]) => selected.flatMap((domain) => rules.strings(domain) ?? []);
  const included = include.length === 0 ? domains : domains.filter((domain) => include.includes(domain));
  const excluded = domains.filter((domain) => exclude.includes(domain));
  const others = orphans ? domains.filter((domain) => !included.includes(domain) && !excluded.includes(domain)) : [];

  const [isIncluded, isExcluded, isOther] = [included, excluded, others].map((selected) => matcher(globs(selected)));
  return (path) => {
    const absolute = `/${path}`;
    if (isExcluded?.(absolute)) return false;
    return isIncluded?.(absolute) || (orphans && !isOther?.(absolute));
  };
}

/** The domains that a path belongs to, which is relative to the artifact's root. @param rules as in {@link splitFilter} */
export function domainsOf(rules: MappingNode, path: string): string[] {
  return rules.keys().filter((domain) => matcher(rules.strings(domain) ?? [])(`/${path}`));
}

/** Whether an element's public data `overlap-whitelist` has a path, which is relative to where the element is staged. */
export function overlapWhitelist(publicData: MappingNode): (path: string) => boolean {
  const isListed = matcher(publicData.mapping("bst")?.strings("overlap-whitelist") ?? []);
  return (path) => isListed(`/${path}`);
}

function matcher(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const key = globs.join("\0");
  let pattern = compiled.get(key);
  if (pattern === undefined) {
    pattern = new RegExp(`^(?:${globs.map(globPattern).join("|")})$`, "su");
    compiled.set(key, pattern);
  }
  return (path) => pattern.test(path);
}
