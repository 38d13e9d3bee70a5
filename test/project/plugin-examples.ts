/** The plugins and the tsconfig.json of docs/plugins.md. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const text = readFileSync(join(import.meta.dirname, "../../docs/plugins.md"), "utf8");

/** The blocks of a language, without their fences. */
function blocks(language: string): string[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"))].map(([, code = ""]) => code);
}

/** Code by the name of the kind, of each block of TypeScript: the first line says which file it is. */
const plugins = new Map(
  blocks("ts").map((code) => {
    const kind = /^\/\/ plugins\/(\w+)\.ts\n/.exec(code)?.[1];
    if (kind === undefined) throw new Error(`docs/plugins.md does not say which file this is:\n${code}`);
    return [kind, code];
  }),
);

export const kinds: readonly string[] = [...plugins.keys()];

export function plugin(kind: string): string {
  const code = plugins.get(kind);
  if (code === undefined) throw new Error(`docs/plugins.md has no plugin '${kind}'`);
  return code;
}

export const tsconfig: string = (() => {
  const [config, ...others] = blocks("json");
  if (config === undefined || others.length > 0) throw new Error("docs/plugins.md has not one tsconfig.json");
  return config;
})();
