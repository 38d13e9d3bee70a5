/** Source kind `gen_cargo_lock`: a Cargo.lock for a project that has none; its ref is the file itself, in base64. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BstError, systemErrorCode } from "../base/errors.ts";
import { record, text } from "../base/schema.ts";
import { materialise } from "../cas/materialise.ts";
import type { Tree } from "../cas/tree.ts";
import { noInfo } from "../project/no-info.ts";
import type { SourceContext, SourceIo, SourceKind } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";
import { runProgram } from "./run-program.ts";
import { withTemporary } from "./temporary-directory.ts";
import { TextRefSource } from "./text-ref-source.ts";

class GenCargoLockSource extends TextRefSource {
  readonly #context: SourceContext;

  constructor(config: MappingNode, context: SourceContext) {
    super(config);
    this.#context = context;
  }

  uniqueKey(): string {
    return this.ref ?? "";
  }

  isCached(): boolean {
    return this.isResolved;
  }

  async fetch(): Promise<void> {}

  async track(io: SourceIo): Promise<string> {
    const { provenance } = this.#context;
    const { previous } = io;
    if (previous === undefined) throw new BstError("source", `${provenance}: There are no sources before it`);
    return io.activity("Generating Cargo.lock", () =>
      withTemporary(io.mirrorDirectory, async (directory) => {
        materialise(io.cas, previous.digest(), directory, { mode: "copy" });
        const { code, stderr } = await runProgram("cargo", ["generate-lockfile"], {
          cwd: directory,
          env: { CARGO_HOME: io.mirrorDirectory, ...process.env },
          signal: io.signal,
        });
        if (code !== 0) {
          throw new BstError("plugin", `${provenance}: Cargo.lock cannot be generated`, { detail: stderr });
        }
        try {
          return readFileSync(join(directory, "Cargo.lock")).toString("base64");
        } catch (cause) {
          if (systemErrorCode(cause) === undefined) throw cause;
          throw new BstError("source", `${provenance}: cargo left no Cargo.lock`, { cause });
        }
      }),
    );
  }

  async stage(tree: Tree, { cas }: SourceIo): Promise<void> {
    const content = Buffer.from((this.ref ?? "").replace(/[^A-Za-z0-9+/=]/g, ""), "base64");
    tree.addFile("Cargo.lock", cas.write(content), { executable: false });
  }

  info() {
    return noInfo(this.#context);
  }
}

export const genCargoLock: SourceKind = {
  kind: "gen_cargo_lock",
  isPlugin: true,
  schema: record({ ref: text }),
  needsPrevious: { track: true },
  configure: (config, context) => new GenCargoLockSource(config, context),
};
