/** Source kind `pip`: source archives of Python packages, as pip downloads them. */
import { hash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { compareCodePoints, type KeyValue } from "../base/json.ts";
import { record, text, textList } from "../base/schema.ts";
import { importLocal } from "../cas/import.ts";
import { materialise } from "../cas/materialise.ts";
import type { Tree } from "../cas/tree.ts";
import type { SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { firstCandidate, urlDirectoryName } from "./mirror-file.ts";
import { runProgram } from "./run-program.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";

const INDEX = "https://pypi.org/simple/";
const STAGED = ".bst_pip_downloads";
const ARCHIVE = /^([\w.-]+?)-((?:[\d.]+){2,})\.(?:tar|tar\.bz2|tar\.gz|tar\.xz|tar\.Z|zip)$/i;

class PipSource extends TextRefSource {
  readonly #context: SourceContext;
  readonly #declaredUrl: string;
  readonly #url: string;
  readonly #packages: readonly string[];
  readonly #requirements: readonly string[];

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
    this.#declaredUrl = config.string("url") ?? INDEX;
    this.#url = context.resolveUrl(this.#declaredUrl);
    this.#packages = config.strings("packages") ?? [];
    this.#requirements = config.strings("requirements-files") ?? [];
    if (this.#packages.length + this.#requirements.length === 0) {
      throw new BstError("source", `${context.provenance}: Say 'packages' or 'requirements-files'`);
    }
  }

  uniqueKey(): KeyValue {
    return [this.#declaredUrl, this.ref ?? null];
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    const directory = this.#downloads(io);
    return this.ref !== undefined && existsSync(directory) && readdirSync(directory).length > 0;
  }

  async track(io: SourceIo): Promise<string> {
    return firstCandidate(this.#context, this.#declaredUrl, "track", ({ url }) =>
      withTemporary(io.mirrorDirectory, async (directory) => {
        const [previous, target] = [join(directory, "previous"), join(directory, "packages")];
        if (io.previous !== undefined) materialise(io.cas, io.previous.digest(), previous, { mode: "copy" });
        const files = this.#requirements.flatMap((file) => ["-r", join(previous, file)]);
        await this.#download(url, target, [...files, ...this.#packages.map((name) => this.#checked(name))], io);
        const found = readdirSync(target).flatMap((name) => {
          const [, stem, version] = ARCHIVE.exec(name) ?? [];
          return stem === undefined || version === undefined ? [] : [{ stem, version }];
        });
        found.sort((a, b) => compareCodePoints(a.stem, b.stem) || compareCodePoints(a.version, b.version));
        return found.map(({ stem, version }) => `${stem}==${version}`).join("\n");
      }),
    );
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.isCached(io)) return;
    const packages = (this.ref ?? "").trim().split("\n");
    await firstCandidate(this.#context, this.#declaredUrl, "fetch", ({ url }) =>
      withTemporary(io.mirrorDirectory, async (directory) => {
        const target = join(directory, "packages");
        await this.#download(
          url,
          target,
          packages.map((name) => this.#checked(name)),
          io,
        );
        mkdirSync(dirname(this.#downloads(io)), { recursive: true });
        try {
          renameSync(target, this.#downloads(io));
        } catch (error) {
          // Another process was faster.
          if (!["EEXIST", "ENOTEMPTY"].includes(systemErrorCode(error) ?? "")) throw error;
        }
      }),
    );
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    tree.makeDirectory(STAGED).importTree(importLocal(io.cas, this.#downloads(io)));
  }

  info(): readonly SourceInfo[] {
    return (this.ref ?? "").split("\n").flatMap((line) => {
      const [name = "", version] = line.split("==");
      if (version === undefined) return [];
      const extraData = { "package-name": name };
      return [
        { url: this.#url, medium: "pypi", versionType: "indexed-version", version, versionGuess: version, extraData },
      ];
    });
  }

  #downloads(io: Pick<SourceIo, "mirrorDirectory">): string {
    return join(io.mirrorDirectory, urlDirectoryName(this.#declaredUrl), hash("sha256", this.ref ?? ""));
  }

  #checked(requirement: string): string {
    if (!requirement.startsWith("-")) return requirement;
    throw new BstError("source", `${this.#context.provenance}: '${requirement}' names no package`);
  }

  async #download(url: string, target: string, what: readonly string[], io: SourceIo): Promise<void> {
    mkdirSync(target, { recursive: true });
    const options = ["--no-binary", ":all:", "--index-url", url, "--dest", target];
    const args = ["-m", "pip", "download", ...options, ...what];
    await io.activity(`Downloading Python packages from ${url}`, async () => {
      // Python would look for modules in a project's folder first.
      const { code, stdout, stderr } = await runProgram("python3", args, { cwd: target, signal: io.signal });
      if (code === 0) return;
      throw new BstError("plugin", `${this.#context.provenance}: The Python packages cannot be downloaded`, {
        detail: `${stdout}${stderr}`,
      });
    });
  }
}

export const pip: SourceKind = {
  kind: "pip",
  isPlugin: true,
  schema: record({ url: text, packages: textList, ref: text, "requirements-files": textList }),
  needsPrevious: { track: true },
  configure: (config, context) => new PipSource(config, context),
};
