/** Remembers the digests of local files by what stat says of them, like git's index. */
export class LocalIndex {
  /** @param directory where the index is kept between runs */
  constructor(directory: string) {
    this.directory = directory;
  }

  readonly directory: string;

  /** Writes what changed. */
  save(): void {}
}
