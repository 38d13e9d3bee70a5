/** Source kind `go_module`: a Go module of a Git repository, put where `go build -mod=vendor` looks for it. */

import { posix } from "node:path";
import { BstError } from "../base/errors.ts";
import type { KeyValue } from "../base/json.ts";
import { bool, record, text } from "../base/schema.ts";
import { Tree } from "../cas/tree.ts";
import { saidBy, says } from "../project/plugin-text.ts";
import type { Ref, Source, SourceContext, SourceInfo, SourceIo, SourceKind } from "../project/source-kind.ts";
import { MappingNode, mappingFrom, type Plain } from "../yaml/node.ts";
import { ecosystem } from "./ecosystem.ts";
import { commitTree } from "./git-commit-tree.ts";
import { type DescribedRef, GitRepoMirror, parseRef } from "./git-repo-mirror.ts";
import { stageGitRepo } from "./git-repo-stage.ts";
import { trackGoModule } from "./go-track.ts";
import { listEarlyModule, listModule, readGoMod } from "./go-vendor.ts";
import { majorVersion } from "./go-version.ts";
import { stageInPlace } from "./stage-in-place.ts";
import { readText } from "./tree-text.ts";
import { VersionGuesser } from "./version-guess.ts";

interface ModuleRef {
  /** As go.sum has it. */
  readonly version: string;
  readonly gitRef: string;
  readonly described: DescribedRef;
  /** Whether go.mod names the module; undefined where the ref does not say. */
  readonly explicit: string | undefined;
  /** Of the module in the repository. */
  readonly subdirectory: string | undefined;
}

class GoModuleSource implements Source {
  readonly #context: SourceContext;
  readonly #url: string;
  readonly #resolvedUrl: string;
  readonly #module: string;
  readonly #mirror: GitRepoMirror;
  /** Later packages read go.mod for what earlier ones had in refs. */
  readonly #readsGoMod: boolean;
  /** The first packages staged repositories with what describes them, and knew of no modules in subfolders. */
  readonly #isEarly: boolean;
  #ref: ModuleRef | undefined;

  constructor(config: MappingNode, context: SourceContext) {
    this.#context = context;
    this.#readsGoMod = says(context, /\bparse_go_mod\b/);
    this.#isEarly = saidBy(context, /["']bugfix["']:\s*(\d+)/) === "0";
    this.loadRef(config);
    this.#url = config.required("url", config.string("url"));
    const module = config.required("module", config.scalar("module"));
    if (!isInside(module.value)) throw module.error("This is no name of a module");
    this.#module = module.value;
    this.#resolvedUrl = context.resolveUrl(this.#url);
    this.#mirror = new GitRepoMirror(context, this.#url, undefined);
  }

  get ref(): Ref | undefined {
    if (this.#ref === undefined) return undefined;
    const { version, gitRef, explicit, subdirectory } = this.#ref;
    return {
      "go-version": version,
      "git-ref": gitRef,
      ...(explicit !== undefined && { explicit }),
      ...(subdirectory !== undefined && { subdirectory }),
    };
  }

  get isResolved(): boolean {
    return this.#ref !== undefined;
  }

  uniqueKey(): KeyValue {
    return { ref: this.#keyOfRef(), module: this.#module, bugfix: this.#isEarly ? 0 : 1 };
  }

  setRef(ref: Ref | undefined): void {
    if (ref === undefined || typeof ref === "string" || Array.isArray(ref)) this.#ref = undefined;
    else this.#ref = this.#parse(mappingFrom(ref));
  }

  loadRef(node: MappingNode): void {
    const ref = node.mapping("ref");
    if (ref !== undefined) this.#ref = this.#parse(ref);
  }

  refFields(ref: Ref): Readonly<Record<string, Plain | undefined>> {
    return { ref };
  }

  isCached(io: Pick<SourceIo, "mirrorDirectory">): boolean {
    return this.#ref !== undefined && this.#mirror.has(io, this.#ref.described);
  }

  async track(io: SourceIo): Promise<Ref> {
    const { previous } = io;
    const { provenance } = this.#context;
    if (previous === undefined) throw new BstError("source", `${provenance}: There are no sources before it`);
    const found = await trackGoModule(this.#module, this.#url, previous, io, this.#context);
    const named = readText(previous, "go.mod")?.includes(this.#module) === true;
    const { subdirectory, ...ref } = found;
    return {
      ...ref,
      ...(!this.#readsGoMod && { explicit: named ? "True" : "False" }),
      ...(subdirectory !== "" && !this.#isEarly && { subdirectory }),
    };
  }

  async fetch(io: SourceIo): Promise<void> {
    if (this.#ref !== undefined && !this.isCached(io)) await this.#mirror.fetch(io, this.#ref.described);
  }

  async stage(tree: Tree, io: SourceIo): Promise<void> {
    const ref = this.#ref;
    if (ref === undefined) throw new BstError("source", `${this.#context.provenance}: The source has no ref`);
    const { provenance } = this.#context;
    if (this.#isEarly) return this.#stageEarly(tree, ref, io);
    const goMod = this.#readsGoMod ? readGoMod(tree, provenance) : undefined;
    const repository = new Tree(io.cas, await commitTree(this.#mirror.path(io), ref.described.commit, io));
    const target = tree.makeDirectory(`vendor/${this.#module}`);
    const folder = this.#folder(repository, ref);
    if (folder !== undefined) target.importTree(folder);
    const own = { name: this.#module, version: ref.version };
    const original = goMod?.replaced.get(`${own.name} ${own.version}`) ?? own;
    const isExplicit = goMod?.explicit.has(original.name) ?? isTrue(ref.explicit);
    listModule(tree, { ...own, original, isExplicit });
  }

  async #stageEarly(tree: Tree, { version, described, explicit }: ModuleRef, io: SourceIo): Promise<void> {
    const { dir, base } = posix.parse(this.#module);
    const isMajorVersion = version.startsWith(base);
    const target = tree.makeDirectory(`vendor/${isMajorVersion ? dir : this.#module}`);
    target.importTree(await stageGitRepo(this.#mirror.path(io), described, io));
    // A major version without a folder of its own is the repository.
    if (isMajorVersion && !target.exists(base)) target.addSymlink(base, ".");
    listEarlyModule(tree, { name: this.#module, version, isExplicit: isTrue(explicit) });
  }

  initWorkspace(directory: string, io: SourceIo): Promise<void> {
    return stageInPlace(this, directory, io);
  }

  info(): readonly SourceInfo[] {
    const { commit, tag, offset } = this.#ref?.described ?? {};
    return [
      {
        url: this.#resolvedUrl,
        medium: "git",
        versionType: "commit",
        version: commit,
        ...new VersionGuesser(MappingNode.empty).guess(tag),
        extraData: {
          ...(tag !== undefined && { "tag-name": tag }),
          ...(offset !== undefined && { "commit-offset": offset }),
          ...ecosystem(this.#context, "GIT"),
        },
      },
    ];
  }

  /** Major versions may have folders of their own. Undefined where there is no such folder. */
  #folder(repository: Tree, { version, subdirectory }: ModuleRef): Tree | undefined {
    const base = openFolder(repository, subdirectory ?? ".");
    const major = majorVersion(version, says(this.#context, /_SEMVER_/));
    if (base === undefined || major === undefined || Number(major.slice(1)) < 2) return base;
    return openFolder(base, major) ?? base;
  }

  #keyOfRef(): KeyValue {
    if (this.#ref === undefined) return null;
    const { version, gitRef, explicit, subdirectory } = this.#ref;
    return {
      "go-version": version,
      "git-ref": gitRef,
      ...(explicit !== undefined && { explicit: this.#readsGoMod ? null : isTrue(explicit) }),
      ...(subdirectory !== undefined && { subdirectory }),
    };
  }

  #parse(node: MappingNode): ModuleRef {
    const keys = ["go-version", "git-ref", "explicit"];
    node.validateKeys(new Set(this.#isEarly ? keys : [...keys, "subdirectory"]));
    const version = node.required("go-version", node.string("go-version"));
    const gitRef = node.required("git-ref", node.string("git-ref"));
    const explicit = node.scalar("explicit");
    if (this.#readsGoMod) {
      if (explicit !== undefined) this.#context.warn(`${explicit.provenance}: 'explicit' is read from go.mod now`);
    } else {
      node.required("explicit", explicit).asBool("explicit");
    }
    const subdirectory = node.scalar("subdirectory");
    if (subdirectory !== undefined && !isInside(subdirectory.value)) {
      throw subdirectory.error("This is no folder in the repository");
    }
    const described = parseRef(gitRef);
    if (described === undefined) {
      throw new BstError("source", `${node.provenance}: '${gitRef}' is neither a commit nor ends in one`);
    }
    return { version, gitRef, described, explicit: explicit?.value, subdirectory: subdirectory?.value };
  }
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(?:[Tt]rue|1)$/.test(value);
}

function isInside(path: string): boolean {
  return path !== "" && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function openFolder(tree: Tree, path: string): Tree | undefined {
  const node = tree.lookup(path, { followSymlinks: true });
  return node?.kind === "directory" ? tree.openDirectory(path, { followSymlinks: true }) : undefined;
}

export const goModule: SourceKind = {
  kind: "go_module",
  isPlugin: true,
  schema: record(
    {
      url: text,
      module: text,
      ref: record({ "go-version": text, "git-ref": text, explicit: bool, subdirectory: text }),
    },
    ["url", "module"],
  ),
  needsPrevious: { track: true, stage: true },
  configure: (config, context) => new GoModuleSource(config, context),
};
