/** What a source says about its submodules: which to check out, and where they come from. */
import type { KeyValue } from "../base/json.ts";
import { bool, type JsonSchema, text } from "../base/schema.ts";
import type { SourceContext, SourceIo } from "../project/source-kind.ts";
import type { MappingNode } from "../yaml/node.ts";

/** From paths to what is known of each. */
export const submodulesSchema: JsonSchema = {
  type: "object",
  additionalProperties: { type: "object", properties: { url: text, checkout: bool } },
};

export class SubmoduleConfig {
  readonly #context: SourceContext;
  readonly #checkout: boolean;
  readonly #urls = new Map<string, string | undefined>();
  readonly #checkouts = new Map<string, boolean>();

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.#checkout = config.bool("checkout-submodules") ?? true;
    const modules = config.mapping("submodules");
    for (const path of modules?.keys() ?? []) {
      const module = modules?.mapping(path);
      const url = module?.string("url");
      if (url !== undefined && url !== "") context.resolveUrl(url);
      this.#urls.set(path, url);
      const checkout = module?.bool("checkout");
      if (checkout !== undefined) this.#checkouts.set(path, checkout);
    }
  }

  /** Only what differs from the default, as keys had no more when there was less to say. */
  uniqueKey(): KeyValue[] {
    const key: KeyValue[] = [];
    if (!this.#checkout) key.push({ checkout_submodules: false });
    if (this.#urls.size > 0) {
      key.push(Object.fromEntries([...this.#urls].map(([path, url]) => [path, url ?? null])));
    }
    if (this.#checkouts.size > 0) key.push({ submodule_checkout_overrides: Object.fromEntries(this.#checkouts) });
    return key;
  }

  ignores(path: string): boolean {
    return !(this.#checkouts.get(path) ?? this.#checkout);
  }

  /** Where a submodule comes from, if the source says it. */
  url(path: string): string | undefined {
    return this.#urls.get(path) || undefined;
  }

  /** Reports submodules that are only declared by the source, or only by the repository. */
  validate(found: readonly { readonly path: string; readonly url: string }[], io: SourceIo): void {
    const urls = new Map(found.map(({ path, url }) => [path, url]));
    const invalid = [...this.#urls].filter(([path]) => !urls.has(path));
    const unlisted = [...urls].filter(([path]) => !this.ignores(path) && !this.#urls.has(path));
    const list = (modules: readonly (readonly [string, string | undefined])[]) =>
      modules.map(([path, url]) => `  ${path}: ${url ?? "no URL"}`).join("\n");
    const { provenance } = this.#context;
    if (invalid.length > 0) {
      io.warn(`${provenance}: The source configures submodules that the repository does not have`, {
        token: "git:invalid-submodule",
        detail: list(invalid),
      });
    }
    if (unlisted.length > 0) {
      io.warn(`${provenance}: The repository has submodules that the source does not list`, {
        token: "git:unlisted-submodule",
        detail: list(unlisted),
      });
    }
  }
}
