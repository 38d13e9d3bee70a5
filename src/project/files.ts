/** Reading YAML files: each once in a process and, while it stays as it is, parsed once in many. */
import { isUtf8 } from "node:buffer";
import fs from "node:fs";
import { readCacheLines, writeCacheLines } from "../base/cache-file.ts";
import { isMissing, LoadError, systemErrorCode } from "../base/errors.ts";
import { lastingIdentity } from "../cas/local-index.ts";
import type { MappingNode, SourceFile } from "../yaml/node.ts";
import { type Packed, pack, unpack } from "../yaml/pack.ts";
import { parseYaml } from "../yaml/parse.ts";
import type { Project } from "./project.ts";

/** Its number is raised whenever parsing gives something else than before. */
const HEADER = "bst-ts yaml 3";

/** What the system said of a file when it was parsed, and what it was parsed to, which may still be JSON. */
interface Entry {
  readonly identity: string;
  readonly content: MappingNode | string;
}

export class YamlFiles {
  private readonly cacheFile: string | undefined;
  /** Identity and content as JSON, with a tab between them. */
  private readonly cached: ReadonlyMap<string, string>;
  private readonly used = new Map<string, Entry>();
  private hasNew = false;

  /** @param cacheFile where what was parsed is kept between runs, one for each project */
  constructor(cacheFile?: string) {
    this.cacheFile = cacheFile;
    this.cached = cacheFile === undefined ? new Map() : readCacheLines(cacheFile, HEADER);
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
    const known = this.used.get(path) ?? this.kept(path);
    const content = known?.identity === identity ? known && packed(known) : undefined;
    if (known !== undefined && content !== undefined) {
      this.used.set(path, known);
      return unpack(content, file);
    }
    const node = parseYaml(readText(path, file.displayName), file);
    if (identity !== undefined) {
      this.used.set(path, { identity, content: node });
      this.hasNew = true;
    }
    return node;
  }

  private kept(path: string): Entry | undefined {
    const line = this.cached.get(path);
    if (line === undefined) return undefined;
    const tab = line.indexOf("\t");
    return { identity: line.slice(0, tab), content: line.slice(tab + 1) };
  }

  /** What the system says of a file that was read; undefined for one so young that it could change without a trace. */
  identityOf(path: string): string | undefined {
    return this.used.get(path)?.identity;
  }

  /** Keeps what was parsed for the next run. That it can't be written only costs time then. */
  save(): void {
    if (this.cacheFile !== undefined && this.hasNew) writeCacheLines(this.cacheFile, HEADER, this.lines());
  }

  private *lines(): Generator<readonly [path: string, line: string]> {
    for (const [path, { identity, content }] of this.used) {
      yield [path, `${identity}\t${typeof content === "string" ? content : JSON.stringify(pack(content))}`];
    }
    for (const entry of this.cached) if (!this.used.has(entry[0])) yield entry;
  }
}

/** Undefined for what is no JSON, as in a damaged file. */
function packed({ content }: Entry): Packed | undefined {
  if (typeof content !== "string") return pack(content);
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no file, and for a file so young that it could change without a trace. */
export function identityOf(path: string, now: number): string | undefined {
  let stat: fs.Stats | undefined;
  try {
    stat = fs.statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (stat === undefined || !stat.isFile()) return undefined;
  const identity = lastingIdentity(stat, now);
  // Joined, and not put into a template: such a text is in one piece, and takes a third of the memory.
  return identity && [identity.dev, identity.ino, identity.size, identity.mtimeMs, identity.ctimeMs].join(" ");
}

function readText(path: string, displayName: string): string {
  try {
    const text = fs.readFileSync(path, "utf8");
    // What is not UTF-8 is read as such a character, which may also stand in the file itself.
    if (!text.includes("\ufffd")) return text;
    const bytes = fs.readFileSync(path);
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
    if (isMissing(error)) throw new LoadError("missing-file", `There is no file ${path}`, { cause: error });
    if (systemErrorCode(error) === "EISDIR")
      throw new LoadError("loading-directory", `${path} is a directory`, { cause: error });
    throw error;
  }
}
