/** Both programs show the same facts about sources that users give, and refuse the same. */
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { cacheConfig, project } from "../helpers.ts";
import { expectSameElements, expectSameEnding } from "./compare.ts";
import { absent, ask, showArguments } from "./oracle.ts";
import { copyPlugins, pluginOrigins } from "./plugin-packages.ts";

const sha = "0".repeat(64);
const crate = (name: string, more = {}) => ({ name, version: "1.0.0", sha, ...more });
const facts = { homepage: "https://example.org", "issue-tracker": "https://example.org/issues", license: "MIT" };
const cargo = (ref: unknown, more = {}) => ({ kind: "cargo", url: "https://crates.example.org", ref, ...more });

const sources: Readonly<Record<string, unknown>> = {
  "beside a source": { kind: "remote", url: "https://example.org/a", ref: sha, provenance: facts },
  "of single crates": cargo([crate("a", { provenance: facts }), crate("b")]),
  "that the project has no name for": { kind: "remote", url: "https://example.org/a", provenance: { owner: "me" } },
  "of a crate that the project has no name for": cargo([crate("a", { provenance: { owner: "me" } })]),
  "that are no text": { kind: "remote", url: "https://example.org/a", provenance: { license: ["MIT"] } },
  "beside crates": cargo([crate("a")], { provenance: facts }),
};

it.concurrent.for(Object.entries(sources))("%s", async ([, source], context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project({
    "project.conf": stringify({
      name: "test",
      "min-version": "2.0",
      plugins: pluginOrigins("sources", { buildstream_plugins: ["cargo"] }),
      "source-provenance-attributes": Object.fromEntries(Object.keys(facts).map((key) => [key, "A fact"])),
    }),
    "a.bst": stringify({ kind: "import", sources: [{ kind: "local", path: "file" }, source] }),
    file: "content",
  });
  copyPlugins(cwd, "sources");
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const shown = await ask([...showArguments(), "a.bst"], { cwd, configs });
  if (shown.theirs.code === 0) expectSameElements(shown);
  else expectSameEnding(shown);
  expect(shown.theirs.error?.unhandled).not.toBe(true);
});
