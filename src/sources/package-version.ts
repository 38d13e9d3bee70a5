/** Plugin packages do differently in later versions what keys or source information show. */
import type { SourceContext } from "../project/source-kind.ts";

/** Whether the project's package is this version or a later one, which it counts as where nobody knows. */
export function isSince({ packageVersion }: SourceContext, major: number, minor: number): boolean {
  if (packageVersion === undefined) return true;
  const [foundMajor = 0, foundMinor = 0] = packageVersion.split(".").map(Number);
  return foundMajor > major || (foundMajor === major && foundMinor >= minor);
}
