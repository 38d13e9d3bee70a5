/** Takes a crate out of a Git repository, which may have many of them in a workspace. */
import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { Tree } from "../cas/tree.ts";
import type { SourceIo } from "../project/source-kind.ts";
import type { GitCrate } from "./cargo-crates.ts";
import { inheritWorkspace } from "./cargo-inherit.ts";
import { writeChecksum } from "./cargo-registry.ts";
import { fnmatch } from "./fnmatch.ts";
import { commitTree } from "./git-commit-tree.ts";
import { emitToml, isTable, type TomlTable, type TomlValue } from "./toml-emit.ts";
import { readToml } from "./toml-read.ts";

const MANIFEST = "Cargo.toml";

/** A crate of a workspace. */
interface Member {
  readonly manifest: TomlTable;
  /** Of its folder; empty for the top. */
  readonly path: string;
}

/** @throws BstError domain source */
export async function stageGitCrate(
  vendor: Tree,
  { name, version, commit }: GitCrate,
  { repository, mergesFeatures }: { readonly repository: string; readonly mergesFeatures: boolean },
  io: Pick<SourceIo, "cas" | "signal">,
  what: string,
): Promise<void> {
  const files = new Tree(io.cas, await commitTree(repository, commit, io));
  const top = await readToml(files, MANIFEST, what);
  if (top === undefined) throw new BstError("source", `${what}: The repository has no ${MANIFEST}`);
  const folder = vendor.makeDirectory(`${name}-${version}`);
  if (top["workspace"] === undefined) {
    if (packageName(top) !== name) throw notFound(what, [packageName(top)]);
    folder.importTree(files);
  } else {
    const workspace = isTable(top["workspace"]) ? top["workspace"] : {};
    const inherit = (manifest: TomlTable) => inheritWorkspace(manifest, workspace, { mergesFeatures, what });
    const members = await new Workspace(files, top, workspace, inherit, what).members(name);
    const member = members.get(name);
    if (member === undefined) throw notFound(what, [...members.keys()]);
    const { manifest, path } = member;
    inherit(manifest);
    folder.importTree(path === "" ? files : files.openDirectory(path));
    folder.addFile(MANIFEST, io.cas.write(emitToml(manifest)), { executable: false });
  }
  writeChecksum(folder, `{"files": {}, "package": null}`);
}

class Workspace {
  readonly #files: Tree;
  readonly #top: TomlTable;
  readonly #workspace: TomlTable;
  readonly #inherit: (manifest: TomlTable) => void;
  readonly #what: string;
  readonly #found = new Map<string, Member>();

  constructor(files: Tree, top: TomlTable, workspace: TomlTable, inherit: (manifest: TomlTable) => void, what: string) {
    this.#files = files;
    this.#top = top;
    this.#workspace = workspace;
    this.#inherit = inherit;
    this.#what = what;
  }

  /** By name: those that the workspace lists, and what these depend on in folders. */
  async members(wanted: string): Promise<ReadonlyMap<string, Member>> {
    const listed = this.#workspace["members"];
    const patterns = (Array.isArray(listed) ? listed : []).filter((pattern) => typeof pattern === "string");
    if (packageName(this.#top) === wanted) patterns.push(".");
    for (const path of patterns.flatMap((pattern) => matchingFolders(this.#files, pattern))) {
      const manifest = await this.#manifest(path);
      const name = manifest && packageName(manifest);
      if (manifest === undefined || name === undefined) continue;
      this.#found.set(name, { manifest, path });
      await this.#addDependencies({ manifest, path });
    }
    return this.#found;
  }

  async #addDependencies(start: Member): Promise<void> {
    const pending = [start];
    for (let member = pending.pop(); member !== undefined; member = pending.pop()) {
      const { dependencies } = member.manifest as { dependencies?: TomlValue };
      for (const details of isTable(dependencies) ? Object.values(dependencies) : []) {
        const to = isTable(details) ? details["path"] : undefined;
        if (typeof to !== "string" || to === "") continue;
        const path = inside(posix.join(member.path, to));
        const manifest = path === undefined ? undefined : await this.#manifest(path);
        const name = manifest && packageName(manifest);
        if (path === undefined || manifest === undefined || name === undefined || this.#found.has(name)) continue;
        // What it inherits may be in a folder, too.
        this.#inherit(manifest);
        const found = { manifest, path };
        this.#found.set(name, found);
        pending.push(found);
      }
    }
  }

  async #manifest(path: string): Promise<TomlTable | undefined> {
    return readToml(this.#files, path === "" ? MANIFEST : `${path}/${MANIFEST}`, this.#what);
  }
}

/** Folders by a pattern of which each part matches names; `*` does not match names that begin with a dot. */
function matchingFolders(files: Tree, pattern: string): string[] {
  const normal = inside(posix.normalize(pattern));
  if (normal === undefined) return [];
  let folders = [""];
  for (const part of normal === "" ? [] : normal.split("/")) {
    folders = folders.flatMap((folder) =>
      namesOfFolders(files, folder)
        .filter((name) => fnmatch(name, part) && (part.startsWith(".") || !name.startsWith(".")))
        .map((name) => posix.join(folder, name)),
    );
  }
  return folders;
}

function namesOfFolders(files: Tree, path: string): string[] {
  const folder = path === "" ? files : files.openDirectory(path);
  const { directories } = files.cas.readDirectory(folder.digest());
  return directories.map(({ name }) => name).sort(compareCodePoints);
}

/** A path without `.` and slashes at its ends; undefined where it leads out of the repository. */
function inside(path: string): string | undefined {
  const trimmed = posix.normalize(path).replace(/\/+$/, "");
  if (trimmed === "." || trimmed === "") return "";
  return trimmed.startsWith("/") || trimmed === ".." || trimmed.startsWith("../") ? undefined : trimmed;
}

function packageName(manifest: TomlTable): string | undefined {
  const { package: own } = manifest;
  const name = isTable(own) ? own["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

function notFound(what: string, names: readonly (string | undefined)[]): BstError {
  return new BstError("source", `${what} is not in its repository`, { detail: `There are: ${names.join(", ")}` });
}
