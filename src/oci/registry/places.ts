/** Which repositories have which blobs: a registry takes these over from there, and nothing is sent. */
import { BstError } from "../../base/errors.ts";
import type { Descriptor } from "../descriptor.ts";
import { Memo } from "../memo.ts";
import type { ImageReference } from "./reference.ts";
import { Repository } from "./repository.ts";
import type { RegistryOptions } from "./session.ts";

type Place = Pick<ImageReference, "host" | "repository">;

/** What was pushed and pulled before is remembered between runs; that a blob may be gone meanwhile does no harm. */
export class BlobPlaces {
  readonly #memo: Memo;
  readonly #likely = new Map<string, Repository[]>();

  /** @param directory made when something is remembered */
  constructor(directory: string) {
    this.#memo = new Memo(directory);
  }

  /** Repositories to be asked for what is not known: of images that others are built on. */
  addLikely(places: readonly Place[], options: RegistryOptions): void {
    for (const place of places) {
      const repository = new Repository(place, "pull", options);
      const known = this.#likely.get(repository.host) ?? [];
      if (!known.some(({ name }) => name === repository.name)) {
        this.#likely.set(repository.host, [...known, repository]);
      }
    }
  }

  remember({ host, repository }: Place, { digest }: Pick<Descriptor, "digest">): void {
    const key = keyOf(host, digest);
    if (this.#memo.get(key) !== repository) this.#memo.set(key, repository);
  }

  /** Another repository of the registry that has, or had, the blob. */
  async find({ host, repository }: Place, descriptor: Pick<Descriptor, "digest">): Promise<string | undefined> {
    const known = this.#memo.get(keyOf(host, descriptor.digest));
    if (known !== undefined && known !== repository) return known;
    for (const likely of this.#likely.get(host) ?? []) {
      if (likely.name !== repository && (await has(likely, descriptor))) return likely.name;
    }
    return undefined;
  }
}

/** Who may not read there can't have it taken over from there. */
async function has(repository: Repository, descriptor: Pick<Descriptor, "digest">): Promise<boolean> {
  try {
    return await repository.hasBlob(descriptor);
  } catch (error) {
    if (error instanceof BstError && error.domain === "remote") return false;
    throw error;
  }
}

function keyOf(host: string, digest: string): string {
  return `place ${host} ${digest}`;
}
