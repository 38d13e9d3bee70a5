/** Remembers between runs what was computed from content-addressed input; losing it costs nothing but time. */
import { createHash, randomBytes } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { systemErrorCode } from "../base/errors.ts";

export class Memo {
  readonly #directory: string;

  /** @param directory made when something is remembered */
  constructor(directory: string) {
    this.#directory = directory;
  }

  get(key: string): string | undefined {
    try {
      return fs.readFileSync(this.#path(key), "utf8");
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      return undefined;
    }
  }

  set(key: string, value: string): void {
    const path = this.#path(key);
    const temporary = `${path}.${randomBytes(6).toString("hex")}`;
    fs.mkdirSync(this.#directory, { recursive: true });
    fs.writeFileSync(temporary, value);
    fs.renameSync(temporary, path);
  }

  #path(key: string): string {
    return join(this.#directory, createHash("sha256").update(key).digest("hex"));
  }
}
