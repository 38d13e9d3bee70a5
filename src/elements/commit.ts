/** What kinds that make images have in common where these tell of the commit that their project is at. */
import type { KeyValue } from "../base/json.ts";
import type { Checkout } from "../project/checkout.ts";
import type { BuildIo } from "../project/element-kind.ts";

/** What images tell of a commit is part of the key of their element. */
export function commitKey({ url, commit, isChanged, version, committed }: Checkout): KeyValue {
  return { url: url ?? null, commit, changed: isChanged, version: version ?? null, committed };
}

export function warnOfNoCommit(io: BuildIo, checkout: Checkout | undefined): void {
  if (checkout !== undefined) return;
  io.warn("Nothing is known of the commit that the images are made of", {
    detail: "'vcs-annotations' needs the project's folder to be in a git repository, and git.",
  });
}
