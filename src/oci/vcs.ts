/** What images say of the commit that their project was at. */
import type { OciSpec } from "./schema.ts";

/** Of a repository, as far as it is known. */
export interface CommitFacts {
  readonly url: string | undefined;
  readonly commit: string;
  readonly isChanged: boolean;
  readonly version: string | undefined;
  /** Seconds since 1970. */
  readonly committed: number;
}

/** Annotates the index and its images; what the specification says itself stays. */
export function withCommit(spec: OciSpec, facts: CommitFacts): OciSpec {
  const prefix = "org.opencontainers.image.";
  const common = Object.entries({
    source: facts.url,
    revision: facts.isChanged ? `${facts.commit}-dirty` : facts.commit,
    version: facts.version === undefined || !facts.isChanged ? facts.version : `${facts.version}-dirty`,
  }).flatMap(([name, value]) => (value === undefined ? [] : [[`${prefix}${name}`, value] as const]));
  const at = (seconds: number) => ({
    ...Object.fromEntries(common),
    [`${prefix}created`]: new Date(seconds * 1000).toISOString().replace(".000", ""),
  });
  return {
    ...spec,
    annotations: { ...at(facts.committed), ...spec.annotations },
    images: spec.images.map((image) => ({
      ...image,
      annotations: { ...at(image.sourceDateEpoch ?? facts.committed), ...image.annotations },
    })),
  };
}
