/** Uploads that began and did not end, also those of programs that were killed: where a registry keeps what it got. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { keepNewestFiles, readCacheFile, removeCacheFile, writeCacheFile } from "../../base/cache-file.ts";
import { isRunning, OWN_MARK } from "../../base/process-mark.ts";
import type { Descriptor } from "../descriptor.ts";
import type { ImageReference } from "./reference.ts";

/** Where to send the rest to. */
export interface BegunUpload {
  readonly location: URL;
  /** The smallest piece that the registry takes, in bytes. */
  readonly smallest: number;
}

/** What is known of the upload of one blob to one repository, for whoever does it. */
export interface UploadRecord extends Disposable {
  /** What this upload left, or one before it that is not going on. */
  find(): BegunUpload | undefined;
  keep(upload: BegunUpload): void;
  forget(): void;
}

/** Registries forget uploads that nobody ends, and so do we. */
const MOST = 256;
/** Locations tell who knows them what to write: they are for their user alone. */
const MODE = 0o600;

export class BegunUploads {
  readonly #directory: string;
  /** Files of uploads that are going on in this program. */
  readonly #active = new Set<string>();

  /** @param directory made when something is remembered */
  constructor(directory: string) {
    this.#directory = directory;
  }

  of(
    { host, repository }: Pick<ImageReference, "host" | "repository">,
    { digest }: Pick<Descriptor, "digest">,
  ): UploadRecord {
    const name = createHash("sha256").update(`upload ${host} ${repository} ${digest}`).digest("hex");
    const file = join(this.#directory, name);
    if (this.#active.has(file)) return recordInMemory();
    this.#active.add(file);
    const here = recordInMemory();
    return {
      find: () => here.find() ?? parse(readCacheFile(file)?.toString()),
      keep: (upload) => {
        here.keep(upload);
        const { location, smallest } = upload;
        if (location.username !== "" || location.password !== "") return;
        const text = JSON.stringify({ owner: OWN_MARK, location, smallest });
        if (writeCacheFile(file, [text], MODE)) keepNewestFiles(this.#directory, MOST);
      },
      forget: () => {
        here.forget();
        removeCacheFile(file);
      },
      [Symbol.dispose]: () => {
        this.#active.delete(file);
      },
    };
  }
}

/** For what need not outlive the program. */
export function recordInMemory(): UploadRecord {
  let known: BegunUpload | undefined;
  return {
    find: () => known,
    keep: (upload) => {
      known = upload;
    },
    forget: () => {
      known = undefined;
    },
    [Symbol.dispose]() {},
  };
}

/** Undefined for what is none, and for that of another program that still runs. */
function parse(text: string | undefined): BegunUpload | undefined {
  try {
    const { owner, location, smallest } = JSON.parse(text ?? "") as Record<string, unknown>;
    if (typeof owner !== "string" || (owner !== OWN_MARK && isRunning(owner))) return undefined;
    if (!Number.isSafeInteger(smallest)) return undefined;
    return { location: new URL(String(location)), smallest: Number(smallest) };
  } catch {
    return undefined;
  }
}
