/** Reading YAML files: each once in a process and, while it stays as it is, parsed once in many. */
import { isUtf8 } from "node:buffer";
import fs from "node:fs";
import { LoadError, systemErrorCode } from "../base/errors.ts";
import { lastingIdentity } from "../cas/local-index.ts";
import type { MappingNode, SourceFile } from "../yaml/node.ts";
import { type Packed, pack, unpack } from "../yaml/pack.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { Project } from "./project.ts";

/** Raised whenever parsing gives something else than before. */
const FORMAT_VERSION = 2;

/** What the system said of a file when it was parsed, and its content. */
type Entry = readonly [identity: string, content: Packed];

export class YamlFiles {
  private readonly cacheFile: string | undefined;
  private readonly cached: ReadonlyMap<string, Entry>;
  private readonly used = new Map<string, Entry>();
  private hasNew = false;

  /** @param cacheFile where what was parsed is kept between runs, one for each project */
  constructor(cacheFile?: string) {
    this.cacheFile = cacheFile;
    this.cached = cacheFile === undefined ? new Map() : readCache(cacheFile);
  }

  /**
   * Reads a file.
   * @param shortName how the user knows it; messages name it so
   * @throws LoadError missing-file, loading-directory, invalid-yaml
   */
  load(path: string, shortName: string, project?: Project): MappingNode {
    const junction = project?.junction;
    const file: SourceFile = {
      path,
      shortName,
      displayName: junction === undefined ? shortName : `${junction.name}:${shortName}`,
      project,
    };
    const now = Date.now();
    const identity = identityOf(path, now);
    const known = this.used.get(path) ?? this.cached.get(path);
    if (known !== undefined && known[0] === identity) {
      this.used.set(path, known);
      return unpack(known[1], file);
    }
    const node = parseYaml(readText(path, file.displayName), file);
    if (identity !== undefined) {
      this.used.set(path, [identity, pack(node)]);
      this.hasNew = true;
    }
    return node;
  }

  /** What the system says of a file that was read; undefined for one so young that it could change without a trace. */
  identityOf(path: string): string | undefined {
    return this.used.get(path)?.[0];
  }

  /** Keeps what was parsed for the next run. That it can't be written only costs time then. */
  save(): void {
    if (this.cacheFile === undefined || !this.hasNew) return;
    const files = Object.fromEntries([...this.cached, ...this.used]);
    const temporary = `${this.cacheFile}.${process.pid}`;
    try {
      fs.mkdirSync(this.cacheFile.slice(0, this.cacheFile.lastIndexOf("/")), { recursive: true });
      fs.writeFileSync(temporary, JSON.stringify({ version: FORMAT_VERSION, files }));
      fs.renameSync(temporary, this.cacheFile);
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
      fs.rmSync(temporary, { force: true });
    }
  }
}

/** Undefined for what is no file, and for a file so young that it could change without a trace. */
export function identityOf(path: string, now: number): string | undefined {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || !stat.isFile()) return undefined;
  const identity = lastingIdentity(stat, now);
  return identity && `${identity.dev} ${identity.ino} ${identity.size} ${identity.mtimeMs} ${identity.ctimeMs}`;
}

function readCache(path: string): Map<string, Entry> {
  try {
    const { version, files } = JSON.parse(fs.readFileSync(path, "utf8"));
    if (version === FORMAT_VERSION) return new Map(Object.entries(files as Record<string, Entry>));
  } catch (error) {
    if (!(error instanceof SyntaxError) && systemErrorCode(error) === undefined) throw error;
  }
  return new Map();
}

function readText(path: string, displayName: string): string {
  try {
    const bytes = fs.readFileSync(path);
    const text = bytes.toString();
    if (isUtf8(bytes)) return text;
    const again = Buffer.from(text);
    const lines = bytes
      .subarray(
        0,
        bytes.findIndex((byte, offset) => byte !== again[offset]),
      )
      .toString()
      .split("\n");
    const place = `line ${lines.length} column ${[...(lines.at(-1) ?? "")].length}`;
    throw new LoadError("invalid-yaml", `${displayName} [${place}]: The text is not UTF-8 from here on`);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new LoadError("missing-file", `There is no file ${path}`, { cause: error });
    }
    if (code === "EISDIR") throw new LoadError("loading-directory", `${path} is a directory`, { cause: error });
    throw error;
  }
}
