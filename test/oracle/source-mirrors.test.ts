/** Both programs download from where source mirrors of all kinds say, and refuse the same of them. */
import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { cacheConfig, project, writeFiles } from "../helpers.ts";
import { expectSameEnding } from "./compare.ts";
import { absent, ask } from "./oracle.ts";
import { packageDirectory } from "./plugin-packages.ts";

const kinds = ["simple_mirror", "fake_mirror", "gitlab_lfs_mirror"];
const ref = createHash("sha256").update("content").digest("hex");

interface Case {
  /** Of the alias; there is nothing at `nowhere`. */
  readonly alias?: string;
  readonly mirror: object;
  /** Where the file is, below the project. */
  readonly file?: string;
  readonly declared?: readonly string[];
}

const simple = { kind: "simple_mirror", config: { url: "ROOT/mirrors/{alias}", aliases: ["up"] } };
const gitlab = "gitlab/api/v4/projects/mirrors%2Fup/repository/files/a%2Ffile";

const cases: Readonly<Record<string, Case>> = {
  default: { mirror: { aliases: { up: ["ROOT/nothing/", "ROOT/here/"] } }, file: "here/a/file" },
  simple_mirror: { mirror: simple, file: "mirrors/up/a/file" },
  fake_mirror: { alias: "ROOT/up", mirror: { kind: "fake_mirror", config: { aliases: ["up"] } }, file: "up/a/file" },
  gitlab_lfs_mirror: {
    mirror: {
      kind: "gitlab_lfs_mirror",
      config: { url: "ROOT/gitlab", project: "mirrors/{alias}", ref: "main", aliases: ["up"] },
    },
    file: `${gitlab}/raw?ref=main&lfs=true`,
  },
  "of other aliases": { mirror: { ...simple, config: { ...simple.config, aliases: ["other"] } } },
  "that is not declared": { mirror: simple, declared: [] },
  "that nobody knows": { mirror: { kind: "tape", config: {} } },
  "with a key that it does not have": { mirror: { ...simple, config: { ...simple.config, urls: [] } } },
  "without a URL": { mirror: { kind: "simple_mirror", config: { aliases: ["up"] } } },
  "with keys of the default kind": { mirror: { kind: "simple_mirror", aliases: {} } },
};

it.concurrent.for(Object.entries(cases))("%s", async ([, question], context) => {
  if (absent !== undefined) return context.skip(absent);
  const { alias = "file:///nowhere/", mirror, file, declared = kinds } = question;
  const cwd = project({ "a.bst": `kind: import\nsources:\n- { kind: remote, url: 'up:a/file', ref: ${ref} }\n` });
  const plugins = [{ origin: "local", path: "plugins", "source-mirrors": declared }];
  const conf = {
    name: "test",
    "min-version": "2.0",
    plugins,
    aliases: { up: alias },
    mirrors: [{ name: "m", ...mirror }],
  };
  writeFiles(cwd, { "project.conf": stringify(conf).replaceAll("ROOT", `file://${cwd}`) });
  if (file !== undefined) writeFiles(cwd, { [decodeURIComponent(file)]: "content", [file]: "content" });
  for (const name of ["buildstream_plugins", "buildstream_plugins_community"] as const) {
    const from = packageDirectory(name);
    if (from === undefined) throw new Error(`${name} is not installed with the reference`);
    cpSync(join(from, "sourcemirrors"), join(cwd, "plugins"), { recursive: true, force: false });
  }
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const fetched = await ask(["source", "fetch", "a.bst"], { cwd, configs });
  expectSameEnding(fetched);
  expect(fetched.theirs.error?.unhandled).not.toBe(true);
});
