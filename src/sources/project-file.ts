/** Files of the project whose content is part of the key: read once for that, and still the same when they are used. */
import { readFileSync } from "node:fs";
import { BstError } from "../base/errors.ts";
import { digestOf, digestOfFile } from "../cas/digest.ts";
import type { SourceContext } from "../project/source-kind.ts";

export class ProjectFile {
  readonly path: string;
  readonly #context: SourceContext;
  #sha256: string | undefined;

  constructor(path: string, context: SourceContext) {
    this.path = path;
    this.#context = context;
  }

  get sha256(): string {
    this.#sha256 ??= digestOfFile(this.path).hash;
    return this.#sha256;
  }

  /** @throws BstError domain source, if the file is no longer what the key was computed from */
  read(): Buffer {
    const bytes = readFileSync(this.path);
    if (digestOf(bytes).hash === this.sha256) return bytes;
    throw new BstError("source", `${this.#context.provenance}: ${this.path} was changed after the build began`, {
      detail: "What was changed would end up under the key of what was there before. Run the command again.",
    });
  }
}
