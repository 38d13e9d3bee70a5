import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { materialise } from "../../src/cas/materialise.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { Source } from "../../src/project/source-kind.ts";
import { git } from "../../src/sources/git.ts";
import { gitModule } from "../../src/sources/git-module.ts";
import { gitRepo } from "../../src/sources/git-repo.ts";
import { gitTag } from "../../src/sources/git-tag.ts";
import type { Plain } from "../../src/yaml/node.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { GitRepository } from "./git-repository.ts";
import { type Bench, bench, listing } from "./helpers.ts";

type Config = { readonly [key: string]: Plain };

const kinds = { git, git_repo: gitRepo, git_tag: gitTag };
const everyKind = Object.entries(kinds);

afterEach(() => vi.unstubAllEnvs());

/** Three commits, the first of which has an annotated tag. */
function threeCommits(name = "lib.git") {
  const repository = new GitRepository(tempDir("repository"), name);
  repository.commit("one", { file: "one\n", "deep/run": { executable: "#!/bin/sh\n" }, link: { symlink: "file" } });
  repository.tag("v1.0", { annotated: true });
  repository.commit("two", { file: "two\n" });
  const tip = repository.commit("three", { file: "three\n" });
  return { repository, url: `file://${repository.directory}`, tip, ref: `v1.0-2-g${tip}` };
}

async function fetched(on: Bench, kind: (typeof everyKind)[number][1], config: Config): Promise<Source> {
  const source = on.configure(kind, config);
  expect(source.isCached(on.io)).toBe(false);
  await source.fetch(on.io);
  expect(source.isCached(on.io)).toBe(true);
  return source;
}

/** The lines of a tree that are no git's. */
function files(on: Bench, tree: Tree): string[] {
  return listing(on.cas, tree).filter((line) => !line.startsWith(".git/"));
}

function run(directory: string, ...args: string[]): string {
  const env = { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  return execFileSync("git", args, { cwd: directory, env, encoding: "utf8" }).trim();
}

describe("git sources", () => {
  test.each(everyKind)("%s stages the files of a commit", async (_, kind) => {
    const on = bench();
    const { url, ref } = threeCommits();
    const tree = await on.stage(await fetched(on, kind, { url, ref }));
    expect(files(on, tree)).toEqual(["deep/", "deep/run* = #!/bin/sh\n", "file = three\n", "link -> file"]);
  });

  // A job of another element asks for commits meanwhile, and for the files of those that it finds.
  test.each(everyKind)("%s keeps what it fetched in packs, which appear at once", async (_, kind) => {
    const on = bench();
    const { url, ref } = threeCommits();
    await fetched(on, kind, { url, ref });
    const paths = readdirSync(on.io.mirrorDirectory, { recursive: true, encoding: "utf8" });
    expect(paths.filter((path) => path.endsWith(".idx"))).toHaveLength(1);
    expect(paths.filter((path) => /objects\/[0-9a-f]{2}\//.test(path))).toEqual([]);
  });

  test.each([
    ["git_repo", gitRepo, {}],
    ["git_tag", gitTag, {}],
    ["git", git, { tags: "v1.0" }],
  ] as const)("%s stages a repository that describes the commit", async (name, kind, more) => {
    const on = bench();
    const { repository, url, ref } = threeCommits();
    const commit = repository.git("rev-parse", "v1.0^{commit}");
    const tags = "tags" in more ? { tags: [{ tag: "v1.0", commit, annotated: "true" }] } : {};
    const tree = await on.stage(await fetched(on, kind, { url, ref, ...tags }));
    const directory = join(tempDir("staged"), "files");
    materialise(on.cas, tree.digest(), directory, { mode: "copy" });
    expect(run(directory, "describe", "--long", "--abbrev=40")).toBe(ref);
    expect(run(directory, "rev-parse", "HEAD")).toBe(ref.slice(-40));
    if (name === "git") return;
    expect(run(directory, "status", "--porcelain")).toBe("");
    expect(run(directory, "log", "--format=%s")).toBe("three\ntwo\none");
  });

  test.each(everyKind)(
    "%s stages the same bytes from another mirror, whatever the user has configured",
    async (name, kind) => {
      const { url, ref } = threeCommits();
      const [one, other] = [bench(), bench()];
      const plain = (await one.stage(await fetched(one, kind, { url, ref }))).digest();
      const hooks = tempDir("hooks");
      writeFiles(
        hooks,
        Object.fromEntries(
          ["post-checkout", "reference-transaction", "post-index-change"].map((hook) => [
            hook,
            { executable: `#!/bin/sh\ntouch '${hooks}/ran'\n` },
          ]),
        ),
      );
      writeFileSync(
        join(hooks, "config"),
        `[core]\n\tautocrlf = true\n\thooksPath = ${hooks}\n[init]\n\tdefaultBranch = x\n\ttemplateDir = ${hooks}\n[gc]\n\tauto = 1\n`,
      );
      vi.stubEnv("GIT_CONFIG_GLOBAL", join(hooks, "config"));
      vi.stubEnv("GIT_DIR", hooks);
      vi.stubEnv("GIT_WORK_TREE", hooks);
      vi.stubEnv("GIT_INDEX_FILE", join(hooks, "index"));
      const source = other.configure(kind, { url, ref });
      // More than one fetch, and more than is needed.
      await fetched(other, kind, { url, ref: `v1.0-0-g${run(url.slice(7), "rev-parse", "v1.0^{commit}")}` });
      await source.fetch(other.io);
      const staged = (await other.stage(source)).digest();
      // git itself packs a clone as it finds it.
      if (name !== "git_tag") expect(staged).toEqual(plain);
      expect(existsSync(join(hooks, "ran"))).toBe(false);
    },
  );

  test.each(everyKind)("%s writes workspaces that are clones", async (_, kind) => {
    const on = bench({ up: ["file:///nowhere/"] });
    const { url, ref, tip } = threeCommits();
    const source = await fetched(on, kind, { url, ref });
    const directory = tempDir("workspace");
    await source.initWorkspace?.(directory, on.io);
    expect(readFileSync(join(directory, "link"), "utf8")).toBe("three\n");
    expect(run(directory, "status", "--porcelain")).toBe("");
    expect(run(directory, "rev-parse", "HEAD")).toBe(tip);
    expect(run(directory, "describe", "--abbrev=40")).toBe(ref);
    expect(run(directory, "remote", "get-url", "origin")).toBe(url);
  });

  test.each(everyKind)("%s tries one mirror after the other", async (name, kind) => {
    const { repository, ref } = threeCommits();
    const parent = repository.directory.slice(0, -"lib.git".length);
    const on = bench({ up: ["file:///nowhere/", `file://${parent}`, "file:///neither/"] });
    await fetched(on, kind, { url: "up:lib.git", ref });
    const mirrors = readdirSync(on.io.mirrorDirectory);
    expect(mirrors).toEqual([name === "git_repo" ? "up_lib.git" : "up_lib_git"]);
  });

  test.each(everyKind)("%s fetches twice at once", async (_, kind) => {
    const on = bench();
    const { repository, url, ref } = threeCommits();
    const exact = `v1.0-0-g${repository.git("rev-parse", "v1.0^{commit}")}`;
    const sources = [ref, exact, ref, ref.slice(-40)].map((each) => on.configure(kind, { url, ref: each }));
    await Promise.all(sources.map((source) => source.fetch(on.io)));
    for (const source of sources) expect(files(on, await on.stage(source))).toContain("link -> file");
    expect(readdirSync(on.io.mirrorDirectory).filter((each) => each.startsWith("tmp"))).toEqual([]);
  });

  test("locks that a killed git left do not last", async () => {
    const on = bench();
    const { url, ref, repository } = threeCommits();
    await fetched(on, gitRepo, { url, ref: `v1.0-0-g${repository.git("rev-parse", "v1.0^{commit}")}` });
    const [mirror = ""] = readdirSync(on.io.mirrorDirectory);
    const lock = join(on.io.mirrorDirectory, mirror, "shallow.lock");
    writeFileSync(lock, "");
    const source = on.configure(gitRepo, { url, ref });
    await expect(source.fetch(on.io)).rejects.toMatchObject({ domain: "source", temporary: true });
    utimesSync(lock, 1, 1);
    await source.fetch(on.io);
    expect(source.isCached(on.io)).toBe(true);
  });

  test("git_repo falls back to tracked refs, and to all, where servers give no other commits", async () => {
    const { repository, url, tip } = threeCommits();
    repository.commit("four");
    vi.stubEnv("GIT_CONFIG_COUNT", "1");
    vi.stubEnv("GIT_CONFIG_KEY_0", "protocol.version");
    vi.stubEnv("GIT_CONFIG_VALUE_0", "0");
    for (const more of [{ track: "main" }, { track: "v*" }, {}] as Config[]) {
      const on = bench();
      const source = await fetched(on, gitRepo, { url, ref: `v1.0-2-g${tip}`, ...more });
      expect(files(on, await on.stage(source))).toContain("file = three\n");
    }
  });

  test("git_repo peels the tags that it tracks", async () => {
    const on = bench();
    const { repository, url } = threeCommits();
    const commit = repository.git("rev-parse", "v1.0^{commit}");
    const source = on.configure(gitRepo, { url, track: "v*", "ref-format": "git-describe" });
    expect(await source.track(on.io)).toBe(`v1.0-0-g${commit}`);
    repository.git("tag", "v1.0.rc1");
    repository.git("tag", "v1.0.10", "HEAD~1");
    repository.git("tag", "v1.0.9");
    expect(await source.track(on.io)).toBe(`v1.0.10-0-g${repository.git("rev-parse", "HEAD~1")}`);
  });

  test("a commit that nobody has is an error", async () => {
    const on = bench();
    const { url } = threeCommits();
    for (const kind of Object.values(kinds)) {
      const source = on.configure(kind, { url, ref: "1".repeat(40) });
      await expect(source.fetch(on.io)).rejects.toMatchObject({ domain: "source" });
    }
    const tagless = on.configure(gitRepo, { url, ref: `v9-0-g${"1".repeat(40)}` });
    await expect(tagless.fetch(on.io)).rejects.toMatchObject({ domain: "source", temporary: false });
  });

  test("fetching ends when it is aborted", async () => {
    const on = bench();
    const { url, ref } = threeCommits();
    const abort = new AbortController();
    const fetching = on.configure(gitRepo, { url, ref }).fetch({ ...on.io, signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(fetching).rejects.toThrow("enough");
  });
});

describe("submodules", () => {
  /** A repository with a submodule by a relative URL, which has another. */
  function withModules() {
    const parent = tempDir("repositories");
    const inner = new GitRepository(parent, "inner.git");
    const commit = inner.commit("inner", { inner: "inner\n" });
    const middle = new GitRepository(parent, "middle.git");
    middle.submodule("../inner.git", "in");
    middle.commit("middle", { middle: "middle\n" });
    const top = new GitRepository(parent, "top.git");
    top.submodule("../middle.git", "a/middle");
    return { parent, commit, top: top.commit("top"), repository: top };
  }

  test("git follows relative URLs, at any depth", async () => {
    const { parent, top } = withModules();
    const on = bench({ up: [`file://${parent}/`] });
    const tree = await on.stage(await fetched(on, git, { url: "up:top.git", ref: top }));
    expect(listing(on.cas, tree).filter((line) => /inner|middle =/.test(line))).toEqual([
      "a/middle/in/inner = inner\n",
      "a/middle/middle = middle\n",
    ]);
    expect(on.warnings).toEqual([expect.stringContaining("submodules that the source does not list")]);
    const directory = tempDir("workspace");
    const source = on.configure(git, { url: "up:top.git", ref: top });
    await source.initWorkspace?.(directory, on.io);
    expect(run(join(directory, "a/middle/in"), "status", "--porcelain")).toBe("");
    expect(run(join(directory, "a/middle"), "remote", "get-url", "origin")).toBe(`file://${parent}/middle.git`);
  });

  test("git_tag follows relative URLs, at one depth", async () => {
    const { parent, top } = withModules();
    const on = bench({ up: [`file://${parent}/`] });
    const tree = await on.stage(await fetched(on, gitTag, { url: "up:top.git", ref: top }));
    expect(tree.exists("a/middle/middle")).toBe(true);
    expect(tree.exists("a/middle/.git/HEAD")).toBe(true);
    expect(tree.exists("a/middle/in")).toBe(true);
    expect(tree.exists("a/middle/in/inner")).toBe(false);
  });

  test("git_module tracks the commit of the sources before it", async () => {
    const { parent, top, repository } = withModules();
    const on = bench({ up: [`file://${parent}/`] });
    const commit = repository.git("rev-parse", "HEAD:a/middle");
    const source = on.configure(gitModule, { url: "up:middle.git", path: "a/middle" });
    for (const kind of [gitRepo, gitTag]) {
      const previous = await on.stage(
        await fetched(on, kind, {
          url: "up:top.git",
          ref: top,
          ...(kind === gitTag && { "checkout-submodules": "false" }),
        }),
      );
      expect(await source.track({ ...on.io, previous })).toBe(commit);
    }
    const none = on.configure(gitModule, { url: "up:middle.git", path: "elsewhere" });
    const previous = await on.stage(on.configure(gitRepo, { url: "up:top.git", ref: top }));
    await expect(none.track({ ...on.io, previous })).rejects.toThrow("no submodule 'elsewhere'");
    await expect(source.track({ ...on.io, previous: new Tree(on.cas) })).rejects.toThrow("no repository");
    source.setRef(commit);
    await source.fetch(on.io);
    expect(listing(on.cas, await on.stage(source))).toContain("a/middle/middle = middle\n");
    expect(() => on.configure(gitModule, { url: "up:middle.git", path: "a/../../b" })).toThrow("leads out");
  });

  test.each([
    ["a path above", "../../escape", "file:///nowhere"],
    ["a command as URL", "sub", "ext::sh -c touch% RAN"],
    ["an option as URL", "sub", "--upload-pack=touch RAN"],
    ["an option as host", "sub", "ssh://-oProxyCommand=touch%20RAN/x"],
  ])("refuses %s", async (_, path, address) => {
    const on = bench();
    const ran = join(tempDir("hostile"), "ran");
    const { repository, url, tip } = threeCommits();
    writeFiles(repository.directory, {
      ".gitmodules": `[submodule "x"]\n\tpath = ${path}\n\turl = ${address.replace("RAN", ran)}\n`,
    });
    repository.git("add", ".gitmodules");
    if (path === "sub") repository.git("update-index", "--add", "--cacheinfo", `160000,${tip},sub`);
    repository.git("commit", "--quiet", "--message", "hostile");
    const ref = repository.git("rev-parse", "HEAD");
    for (const kind of [git, gitTag]) {
      const source = on.configure(kind, { url, ref });
      const fetching = source.fetch(on.io);
      if (path === "sub") await expect(fetching).rejects.toMatchObject({ domain: "source" });
      else await fetching;
    }
    expect(existsSync(ran)).toBe(false);
  });

  test("a submodule that was never added is left out, with a warning", async () => {
    const on = bench();
    const { repository, url } = threeCommits();
    const ref = repository.commit("inconsistent", { ".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ../x\n' });
    await on.stage(await fetched(on, git, { url, ref }));
    expect(on.warnings[0]).toContain("is ignored, as it is not in the repository");
  });
});

describe("hostile repositories", () => {
  /** A commit of trees that git itself would not make. @returns the commit */
  function commitOf(
    repository: GitRepository,
    entries: readonly (readonly [mode: string, name: string, oid: string])[],
  ) {
    const tree = Buffer.concat(
      entries.flatMap(([mode, name, oid]) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, "hex")]),
    );
    const path = join(tempDir("tree"), "tree");
    writeFileSync(path, tree);
    const oid = repository.git("hash-object", "-t", "tree", "--literally", "-w", path);
    const commit = repository.git("commit-tree", "-m", "hostile", oid);
    repository.git("update-ref", "refs/heads/hostile", commit);
    return commit;
  }

  test.each([".git", ".GIT", "..", "."])("a file named %s does not get out", async (name) => {
    const { repository, url } = threeCommits();
    const blob = repository.git("rev-parse", "HEAD:file");
    const tree = repository.git("rev-parse", "HEAD^{tree}");
    const ref = commitOf(repository, [
      ["40000", name, tree],
      ["100644", "good", blob],
    ]);
    const on = bench();
    const skipping = await on.stage(await fetched(on, gitRepo, { url, ref }));
    expect(files(on, skipping)).toEqual(["good = three\n"]);
    for (const kind of [git, gitTag]) {
      const other = bench();
      const source = await fetched(other, kind, { url, ref });
      await expect(other.stage(source)).rejects.toThrow("forbidden name");
    }
  });

  test.each(everyKind)("%s takes no options from projects", async (_, kind) => {
    const on = bench();
    const ran = join(tempDir("hostile"), "ran");
    const { tip, url } = threeCommits();
    const option = `--upload-pack=touch ${ran}`;
    await expect(on.configure(kind, { url: option, ref: tip }).fetch(on.io)).rejects.toMatchObject({
      domain: "source",
    });
    const tracking = on.configure(kind, { url: option, track: "main" });
    await expect(tracking.track(on.io)).rejects.toMatchObject({ domain: "source" });
    const other = on.configure(kind, { url, track: `--output=${ran}` });
    await expect(other.track(on.io)).rejects.toMatchObject({ domain: "source" });
    if (kind !== gitRepo) {
      await expect(async () => on.configure(kind, { url, ref: `--output=${ran}` }).fetch(on.io)).rejects.toMatchObject({
        domain: "source",
      });
    }
    expect(existsSync(ran)).toBe(false);
  });

  test("names that are not UTF-8 are an error", async () => {
    const on = bench();
    const { repository, url } = threeCommits();
    const name = Buffer.from([0x61, 0xff]).toString("latin1");
    mkdirSync(join(repository.directory, "x"));
    writeFileSync(Buffer.concat([Buffer.from(`${repository.directory}/x/`), Buffer.from(name, "latin1")]), "");
    const ref = repository.commit("not UTF-8");
    const source = await fetched(on, gitRepo, { url, ref });
    await expect(on.stage(source)).rejects.toThrow("not UTF-8");
  });

  test("the repository may use LFS, and the source should say so", async () => {
    const on = bench();
    const { repository, url } = threeCommits();
    const ref = repository.commit("lfs", {
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      "a.bin": "pointer\n",
    });
    const tree = await on.stage(await fetched(on, gitTag, { url, ref }));
    expect(on.warnings[0]).toContain("uses git LFS");
    expect(files(on, tree)).toContain("a.bin = pointer\n");
    const quiet = bench();
    await quiet.stage(await fetched(quiet, gitTag, { url, ref, "use-lfs": "false" }));
    expect(quiet.warnings).toEqual([]);
  });

  test("a mirror that BuildStream made is used as it is", async () => {
    const on = bench();
    const { repository, tip } = threeCommits();
    // A URL that leads nowhere shows that nothing is fetched.
    const url = "https://localhost:1/group/lib.git";
    const clone = (name: string, ...args: string[]) =>
      repository.git("clone", "--quiet", ...args, repository.directory, join(on.io.mirrorDirectory, name));
    clone("https___localhost_1_group_lib.git", "--bare");
    clone("https___localhost_1_group_lib_git", "--mirror");
    for (const kind of Object.values(kinds)) {
      const source = on.configure(kind, { url, ref: `v1.0-2-g${tip}` });
      expect(source.isCached(on.io)).toBe(true);
      await source.fetch(on.io);
      expect(files(on, await on.stage(source))).toContain("file = three\n");
    }
    expect(statSync(join(on.io.mirrorDirectory, "https___localhost_1_group_lib.git")).isDirectory()).toBe(true);
  });
});
