/** Source kind `bazel_source`: the files that a Bazel workspace downloads, for building without a network. */
import { createHash, hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { bool, record, text, textList } from "../base/schema.ts";
import { importLocal } from "../cas/import.ts";
import { materialise } from "../cas/materialise.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import type { SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { readUrl } from "./mirror-file.ts";
import { type Literal, LiteralError, readAssignment } from "./python-literal.ts";
import { runProgram } from "./run-program.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";
import { readText } from "./tree-text.ts";

const DOWNLOADS = "_bst_distdir";

/** The list of what the workspace downloads. */
interface Repositories {
  readonly text: string;
  /** Whether bazel made it just now. */
  readonly isFresh: boolean;
}

class BazelSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #allowsBazel: boolean;
  readonly #list: string;
  readonly #targets: readonly string[];
  readonly #workspace: string;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    this.#allowsBazel = config.bool("allow-host-bazel") ?? false;
    this.#list = config.string("repo-file") ?? ".bst-sources";
    const targets = config.strings("targets") ?? [];
    this.#workspace = config.string("workspace-dir") ?? ".";
    if (!this.#allowsBazel && targets.length > 0) {
      context.warn(`${context.provenance}: 'targets' mean nothing without 'allow-host-bazel'`);
    }
    this.#targets = targets.length === 0 ? ["//..."] : targets;
  }

  uniqueKey(): KeyValue {
    return [this.#allowsBazel, this.#list, this.#targets, this.#workspace, this.ref ?? null];
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    const directory = this.#mirror(io);
    return this.ref !== undefined && existsSync(directory) && readdirSync(directory).length > 0;
  }

  async track(io: SourceIo): Promise<string> {
    return refOf(await this.#repositories(io));
  }

  async fetch(io: SourceIo): Promise<void> {
    const { provenance } = this.#context;
    const repositories = await this.#repositories(io);
    if (repositories.isFresh) {
      io.warn(`${provenance}: The ref is not checked, since bazel may list the same in another way`);
    } else if (refOf(repositories) !== this.ref) {
      throw new BstError("source", `${provenance}: ${this.#list} is not what the ref ${this.ref} was made of`);
    }
    const resolved = this.#parse(repositories.text);
    await withTemporary(io.mirrorDirectory, async (directory) => {
      mkdirSync(join(directory, "all", DOWNLOADS), { recursive: true });
      for (const each of resolved) await this.#download(each, join(directory, "all", DOWNLOADS), io);
      mkdirSync(dirname(this.#mirror(io)), { recursive: true });
      rmSync(this.#mirror(io), { recursive: true, force: true });
      renameSync(join(directory, "all"), this.#mirror(io));
    });
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    tree.makeDirectory(this.#workspace).importTree(importLocal(io.cas, this.#mirror(io)));
  }

  info() {
    return noInfo(this.#context);
  }

  #mirror(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, `${this.#context.name}-${this.ref}`);
  }

  async #repositories(io: SourceIo): Promise<Repositories> {
    const { provenance } = this.#context;
    const { previous } = io;
    if (previous === undefined) throw new BstError("source", `${provenance}: There are no sources before it`);
    const found = readText(previous, posix.join(this.#workspace, this.#list));
    if (found !== undefined) return { text: found, isFresh: false };
    if (!this.#allowsBazel) {
      throw new BstError("source", `${provenance}: There is no ${this.#list}, and bazel must not be asked for one`);
    }
    return withTemporary(io.mirrorDirectory, async (directory) => {
      const [sources, base] = [join(directory, "sources"), join(directory, "base")];
      materialise(io.cas, previous.digest(), sources, { mode: "copy" });
      const cwd = join(sources, this.#workspace);
      const list = join(cwd, this.#list);
      const bazel = async (...args: string[]) => {
        const options = { cwd, signal: io.signal };
        const { code, stderr } = await runProgram("bazel", ["--output_base", base, ...args], options);
        if (code !== 0) throw new BstError("plugin", `${provenance}: bazel failed`, { detail: stderr });
      };
      try {
        await bazel("cquery", `--experimental_repository_resolved_file=${list}`, "--", ...this.#targets);
      } finally {
        await bazel("shutdown");
      }
      return { text: readFileSync(list, "utf8"), isFresh: true };
    });
  }

  #parse(list: string): readonly Literal[] {
    try {
      const resolved = readAssignment(list, "resolved");
      if (Array.isArray(resolved)) return resolved;
      throw new LiteralError("'resolved' is no list");
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      const { provenance } = this.#context;
      throw new BstError("source", `${provenance}: ${this.#list} cannot be read: ${error.message}`, { cause: error });
    }
  }

  /** Downloads one from the first of its URLs that has it. */
  async #download(repository: Literal, directory: string, io: SourceIo): Promise<void> {
    const { provenance } = this.#context;
    const attributes = repository instanceof Map ? repository.get("original_attributes") : undefined;
    if (!(attributes instanceof Map)) {
      io.warn(`${provenance}: A repository in ${this.#list} has no 'original_attributes'`);
      return;
    }
    const name = String(attributes.get("name"));
    const urls = [attributes.get("url"), ...listOf(attributes.get("urls"))].filter(isUrl);
    if (!attributes.has("url") && !attributes.has("urls")) return;
    const expected = attributes.get("sha256");
    if (expected === undefined) io.warn(`${provenance}: '${name}' has no sha256`, { token: "missing-sha256" });
    for (const url of urls) {
      const content = await readUrl(this.#context, io, { url }).catch((error: unknown) => {
        if (!(error instanceof BstError)) throw error;
        io.info(`'${name}' cannot be downloaded from ${url}`, error.message);
      });
      if (content === undefined) continue;
      if (expected !== undefined && createHash("sha256").update(content).digest("hex") !== expected) {
        io.info(`What ${url} has for '${name}' is not what is expected`);
        continue;
      }
      const file = basename(url.slice(url.lastIndexOf("/") + 1));
      if (file === "" || file === "." || file === "..") continue;
      writeFileSync(join(directory, file), content);
      return;
    }
    io.warn(`${provenance}: '${name}' cannot be downloaded`);
  }
}

/** Line ends are as Python reads them. */
function refOf({ text }: Repositories): string {
  return hash("sha256", text.replace(/\r\n?/g, "\n"));
}

function listOf(value: Literal | undefined): readonly Literal[] {
  return Array.isArray(value) ? value : [];
}

function isUrl(value: Literal | undefined): value is string {
  return typeof value === "string" && value !== "";
}

export const bazelSource: SourceKind = {
  kind: "bazel_source",
  isPlugin: true,
  schema: record({
    "workspace-dir": text,
    "allow-host-bazel": bool,
    "repo-file": text,
    targets: textList,
    ref: text,
  }),
  needsPrevious: { track: true, fetch: true },
  configure: (config, context) => new BazelSource(config, context),
};
