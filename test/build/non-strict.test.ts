/** A non-strict build reuses what it can, and never ships a composition, a collection or a layer that is stale. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { cacheConfig, project, runCli, writeFiles } from "../helpers.ts";
import { writeRoot } from "../root.ts";
import { BuiltCache, type Content } from "./cache.ts";
import { type Edit, edits, Model } from "./model.ts";

interface Place {
  readonly cwd: string;
  readonly config: string;
}

async function bst(place: Place, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(["--no-strict", ...args], place);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The key that each element goes by in a non-strict session; all of them are in the cache. */
async function keysOf(place: Place, ...targets: string[]): Promise<Map<string, string>> {
  const shown = await bst(place, "show", "--deps", "all", "--format", "%{name} %{full-key} %{state}", ...targets);
  const rows = shown
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  expect(rows.filter(([, , state]) => state !== "cached")).toEqual([]);
  return new Map(rows.map(([name = "", key = ""]) => [name, key]));
}

it("puts a package that is added to deps.bst into the next image", async () => {
  const element = (kind: string, rest = "") => `kind: ${kind}\n${rest}`;
  const imported = (name: string) => element("import", `sources:\n- kind: local\n  path: files/${name}\n`);
  const cwd = project({
    "files/one/usr/share/one": "1",
    "files/two/usr/share/two": "2",
    "one.bst": imported("one"),
    "two.bst": imported("two"),
    "deps.bst": element("stack", "depends:\n- one.bst\n"),
    "oci/layers/app-stack.bst": element("stack", "depends:\n- deps.bst\n"),
    "oci/layers/app.bst": element(
      "compose",
      "build-depends:\n- oci/layers/app-stack.bst\nconfig: {integrate: False}\n",
    ),
    "oci/app.bst": element(
      "oci",
      "build-depends:\n- oci/layers/app.bst\nconfig:\n  images:\n  - {architecture: amd64, os: linux, layer: [oci/layers/app.bst]}\n",
    ),
  });
  const place = { cwd, config: cacheConfig() };
  const layer = async () => {
    await bst(place, "build", "oci/app.bst");
    const keys = await keysOf(place, "oci/app.bst");
    const { lastLayer } = await new BuiltCache(place.config).image("oci/app.bst", keys.get("oci/app.bst") ?? "");
    const listed = await bst(place, "artifact", "list-contents", "oci/layers/app.bst");
    expect(Object.keys(lastLayer)).toEqual([...listed.matchAll(/^\s+\/?(usr\/share\/\w+)$/gm)].map(([, path]) => path));
    return lastLayer;
  };
  expect(await layer()).toEqual({ "usr/share/one": "1" });
  writeFileSync(join(cwd, "deps.bst"), "kind: stack\ndepends:\n- one.bst\n- two.bst\n");
  expect(await layer()).toEqual({ "usr/share/one": "1", "usr/share/two": "2" });
  writeFileSync(join(cwd, "files/one/usr/share/one"), "changed");
  expect(await layer()).toEqual({ "usr/share/one": "changed", "usr/share/two": "2" });
  writeFileSync(join(cwd, "deps.bst"), "kind: stack\ndepends:\n- two.bst\n");
  expect(await layer()).toEqual({ "usr/share/two": "2" });
});

it("composes what was reused as it is with what is new", async () => {
  const cwd = project({
    "lib/usr/lib/lib": "1\n",
    "root.bst": "kind: import\nsources:\n- {kind: local, path: root}\n",
    "lib.bst": "kind: import\nsources:\n- {kind: local, path: lib}\n",
    "app.bst": `kind: manual
build-depends: [root.bst]
depends: [lib.bst]
config:
  install-commands:
  - mkdir -p %{install-root}/usr/bin; cp /usr/lib/lib %{install-root}/usr/bin/linked
`,
    "all.bst": "kind: stack\ndepends: [app.bst]\n",
    "layer.bst": "kind: compose\nbuild-depends: [all.bst]\nconfig: {integrate: False}\n",
  });
  writeRoot(join(cwd, "root"));
  const place = { cwd, config: cacheConfig() };
  const layer = async () => {
    await bst(place, "build", "layer.bst");
    const keys = await keysOf(place, "layer.bst");
    return {
      app: keys.get("app.bst"),
      content: new BuiltCache(place.config).content("layer.bst", keys.get("layer.bst") ?? ""),
    };
  };
  const first = await layer();
  expect(first.content).toEqual({ "usr/bin/linked": "1\n", "usr/lib/lib": "1\n" });
  writeFileSync(join(cwd, "lib/usr/lib/lib"), "2\n");
  const second = await layer();
  expect(second.content).toEqual({ "usr/bin/linked": "1\n", "usr/lib/lib": "2\n" });
  expect(second.app).toBe(first.app);
});

/** Forgets artifacts of an element, as a cache that runs full does: all of them, or one of the names that they have. */
function forget(cache: BuiltCache, { element, which }: Extract<Edit, { type: "forget" }>): void {
  const folder = join(cache.folder, "artifacts/refs/test", element.replace(".bst", ""));
  const refs = readdirSync(folder).sort();
  const gone = which === "all" ? refs : refs.slice(which % refs.length).slice(0, 1);
  for (const ref of gone) rmSync(join(folder, ref));
}

async function check(place: Place, model: Model): Promise<void> {
  await bst(place, "build");
  const keys = await keysOf(place);
  const cache = new BuiltCache(place.config);
  const key = (element: string) => keys.get(element) ?? "";
  const found: Record<string, Content> = {};
  for (const element of model.assembled) {
    const { buildDeps } = cache.artifact(element, key(element));
    const staged = buildDeps.map(({ elementName, cacheKey }) => [elementName, cacheKey]);
    expect(staged, `what ${element} was built from`).toEqual(staged.map(([name = ""]) => [name, key(name)]));
    found[element] =
      model.kind(element) === "oci"
        ? (await cache.image(element, key(element))).root
        : cache.content(element, key(element));
  }
  expect(found).toEqual(Object.fromEntries(model.assembled.map((element) => [element, model.content(element)])));
}

it("has in each composition and each image what the artifacts of that very build hold, after any edits", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(edits, { minLength: 2, maxLength: 3 }), async (rounds) => {
      const model = new Model();
      const place = { cwd: project(model.files()), config: cacheConfig() };
      await check(place, model);
      for (const round of rounds) {
        for (const edit of round) {
          if (edit.type === "forget") forget(new BuiltCache(place.config), edit);
          else model.apply(edit);
        }
        rmSync(join(place.cwd, "files"), { recursive: true });
        writeFiles(place.cwd, model.files());
        await check(place, model);
      }
    }),
    { numRuns: Number(process.env["BST_TS_RUNS"] ?? 8) },
  );
}, 120_000);
