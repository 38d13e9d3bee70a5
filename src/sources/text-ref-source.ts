/** What the kinds have in common whose ref is one text under `ref`. */
import type { KeyValue } from "../base/json.ts";
import type { Tree } from "../cas/tree.ts";
import type { Ref, Source, SourceInfo, SourceIo } from "../project/source-kind.ts";
import type { MappingNode, Plain } from "../yaml/node.ts";

export abstract class TextRefSource implements Source {
  #ref: string | undefined;

  constructor(config: MappingNode) {
    this.#ref = config.string("ref");
  }

  get ref(): string | undefined {
    return this.#ref;
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  setRef(ref: Ref | undefined): void {
    this.#ref = typeof ref === "string" ? ref : undefined;
  }

  loadRef(node: MappingNode): void {
    this.#ref = node.string("ref");
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  abstract uniqueKey(): KeyValue;
  abstract isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean;
  abstract track(io: SourceIo): Promise<Ref | undefined>;
  abstract fetch(io: SourceIo): Promise<void>;
  abstract stage(tree: Tree, io: SourceIo): Promise<void>;
  abstract info(): readonly SourceInfo[];
}
