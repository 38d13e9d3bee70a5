/** A mutable, copy-on-write view of a tree of the store; subtrees that nobody changes stay digests and are not read. */
import { BstError } from "../base/errors.ts";
import { type Digest, sameDigest } from "./digest.ts";
import {
  type DirectoryNode,
  EMPTY_DIRECTORY_DIGEST,
  type FileNode,
  isEntryName,
  type SymlinkNode,
  type Timestamp,
  type TreeNode,
} from "./directory.ts";
import type { Cas } from "./store.ts";
import { contentOf, pathsOf, type TreeEntry, walk } from "./walk.ts";

/** What a file is besides its content and name. */
export interface FileAttributes {
  readonly executable: boolean;
  readonly mtime?: Timestamp;
}

export interface ImportOptions {
  /** Called with paths relative to the imported tree, of directories too, after their content; what it refuses is left out. */
  readonly filter?: (path: string) => boolean;
}

/** Paths are relative to the imported tree. */
export interface ImportResult {
  /** Files and symlinks that took the place of something. */
  readonly overwritten: readonly string[];
  /** Files and symlinks not imported, as a directory with content is in their place. */
  readonly ignored: readonly string[];
  /** All files and symlinks that were imported. */
  filesWritten(): Iterable<string>;
}

/** A directory in a directory: its digest, until somebody opens it. */
interface Child {
  readonly name: string;
  content: Digest | Tree;
}

type Node = FileNode | SymlinkNode | Child;

/** Paths are relative to the tree, with `/` between names and none at the start; `..` of the root is the root. */
export class Tree {
  readonly cas: Cas;
  #parent: { readonly tree: Tree; readonly name: string } | undefined;
  /** Undefined while there are changes that are not written. */
  #digest: Digest | undefined;
  /** Read from the store when first needed; in the order in which BuildStream holds entries, which its results show. */
  #nodes: Map<string, Node> | undefined;
  #subtreeReadOnly: boolean | undefined;

  /** @internal The tree that `digest` names, or an empty one. */
  constructor(cas: Cas, digest?: Digest) {
    this.cas = cas;
    this.#digest = digest;
    if (digest === undefined) this.#nodes = new Map();
  }

  /** Writes the Directory messages that changed. */
  digest(): Digest {
    this.#digest ??= this.#write();
    return this.#digest;
  }

  isEmpty(): boolean {
    return this.#entries().size === 0;
  }

  /**
   * A live view of a directory below. Throws BstError in domain "virtual-fs" with reason `directory-not-found` or
   * `not-a-directory`; symlinks count as the latter unless they are to be followed.
   */
  openDirectory(path: string, options: { readonly create?: boolean; readonly followSymlinks?: boolean } = {}): Tree {
    return this.#open(split(path), options.create === true, budget(options.followSymlinks));
  }

  /** What is at a path; undefined if nothing is, or if something else than a directory is on the way. */
  lookup(path: string, options: { readonly followSymlinks?: boolean } = {}): TreeNode | undefined {
    const node = this.#lookup(path, options.followSymlinks === true);
    if (node === undefined) return undefined;
    if ("content" in node) return { kind: "directory", name: node.name, digest: digestOfChild(node) };
    return "target" in node ? { kind: "symlink", ...node } : { kind: "file", ...node };
  }

  exists(path: string, options: { readonly followSymlinks?: boolean } = {}): boolean {
    return this.#lookup(path, options.followSymlinks === true) !== undefined;
  }

  /** Puts a file into a directory that exists, in the place of any other file or symlink. */
  addFile(path: string, digest: Digest, attributes: FileAttributes): void {
    const [directory, name] = this.#locate(path);
    const { executable, mtime } = attributes;
    directory.#put(mtime === undefined ? { name, digest, executable } : { name, digest, executable, mtime });
  }

  /** Puts a symlink into a directory that exists, in the place of any other file or symlink. */
  addSymlink(path: string, target: string): void {
    const [directory, name] = this.#locate(path);
    directory.#put({ name, target });
  }

  /** Makes a directory, and those above it, unless they exist. */
  makeDirectory(path: string): Tree {
    return this.openDirectory(path, { create: true });
  }

  /** Throws BstError in domain "virtual-fs" if there is nothing, or a directory with content and not `recursive`. */
  remove(path: string, options: { readonly recursive?: boolean } = {}): void {
    const [directory, name] = this.#locate(path);
    const node = directory.#entries().get(name);
    if (node === undefined) throw notFound(name, directory);
    if ("content" in node && options.recursive !== true && !directory.#child(node).isEmpty()) {
      throw new BstError("virtual-fs", `${directory.#child(node)} is not empty`);
    }
    directory.#entries().delete(name);
    directory.#invalidate();
  }

  /**
   * Merges another tree into this one. Files and symlinks take the place of files, symlinks and empty directories. A
   * directory where a file or symlink is throws BstError in domain "virtual-fs". Changes of the source are written first.
   */
  importTree(source: Tree | Digest, options: ImportOptions = {}): ImportResult {
    const tree = source instanceof Tree ? source : new Tree(this.cas, source);
    const merge: Merge = { into: this, filter: options.filter, overwritten: [], ignored: [], written: [] };
    this.#merge(tree, "", merge);
    const { cas } = this;
    let overwritten: readonly string[] | undefined;
    return {
      get overwritten() {
        overwritten ??= [...expand(cas, merge.overwritten)];
        return overwritten;
      },
      ignored: merge.ignored,
      filesWritten: () => expand(cas, merge.written),
    };
  }

  /** As `artifact list-contents` has them: a directory itself but for the root, its files and symlinks, its directories. */
  paths(): Iterable<string> {
    return pathsOf(this.cas, this.digest());
  }

  /** All entries, depth first, by name, a directory before its content. */
  entries(): Iterable<TreeEntry> {
    return walk(this.cas, this.digest());
  }

  /** For messages: `[CAS:` path in the root `]`. */
  toString(): string {
    return `[CAS:${this.#path()}]`;
  }

  #path(): string {
    if (this.#parent === undefined) return "/";
    const { tree, name } = this.#parent;
    return tree.#parent === undefined ? `/${name}` : `${tree.#path()}/${name}`;
  }

  #root(): Tree {
    return this.#parent === undefined ? this : this.#parent.tree.#root();
  }

  #entries(): Map<string, Node> {
    if (this.#nodes === undefined) {
      const directory = this.cas.readDirectory(this.#digest ?? EMPTY_DIRECTORY_DIGEST);
      const nodes = new Map<string, Node>();
      for (const { name, digest } of directory.directories) nodes.set(name, { name, content: digest });
      for (const node of directory.files) nodes.set(node.name, node);
      for (const node of directory.symlinks) nodes.set(node.name, node);
      this.#nodes = nodes;
      this.#subtreeReadOnly = directory.subtreeReadOnly;
    }
    return this.#nodes;
  }

  /** The one live view of a directory in this one. */
  #child(node: Child): Tree {
    if (!(node.content instanceof Tree)) node.content = this.#adopt(node.name, new Tree(this.cas, node.content));
    return node.content;
  }

  #adopt(name: string, child: Tree): Tree {
    child.#parent = { tree: this, name };
    return child;
  }

  #write(): Digest {
    const files: FileNode[] = [];
    const directories: DirectoryNode[] = [];
    const symlinks: SymlinkNode[] = [];
    for (const node of this.#entries().values()) {
      if ("content" in node) directories.push({ name: node.name, digest: digestOfChild(node) });
      else if ("target" in node) symlinks.push(node);
      else files.push(node);
    }
    const subtreeReadOnly = this.#subtreeReadOnly;
    const directory = { files, directories, symlinks };
    return this.cas.writeDirectory(subtreeReadOnly === undefined ? directory : { ...directory, subtreeReadOnly });
  }

  /** A directory without a digest has parents without one, so there is nothing to tell them twice. */
  #invalidate(): void {
    if (this.#digest === undefined) return;
    this.#digest = undefined;
    if (this.#parent !== undefined) this.#parent.tree.#invalidate();
  }

  /** @param symlinks how many more symlinks may be met; undefined if none is to be followed */
  #open(components: readonly string[], create: boolean, symlinks: number | undefined): Tree {
    let current: Tree = this;
    for (const name of components) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (current.#parent !== undefined) current = current.#parent.tree;
        continue;
      }
      const node = current.#entries().get(name);
      if (node === undefined) {
        if (!create) throw notFound(name, current);
        current = current.#make(name);
      } else if ("content" in node) {
        current = current.#child(node);
      } else if ("target" in node && symlinks !== undefined) {
        current = current.#linkStart(node).#open(node.target.split("/"), false, oneLess(symlinks, node));
      } else {
        throw notDirectory(node, current);
      }
    }
    return current;
  }

  /** Where the target of a symlink in this directory starts. */
  #linkStart(node: SymlinkNode): Tree {
    return node.target.startsWith("/") ? this.#root() : this;
  }

  #make(name: string): Tree {
    if (!isEntryName(name)) throw invalidName(name);
    const child = this.#adopt(name, new Tree(this.cas));
    this.#entries().set(name, { name, content: child });
    this.#invalidate();
    return child;
  }

  #lookup(path: string, followSymlinks: boolean): Node | undefined {
    try {
      return this.#find(split(path), budget(followSymlinks));
    } catch (error) {
      if (error instanceof BstError && error.domain === "virtual-fs") return undefined;
      throw error;
    }
  }

  #find(components: readonly string[], symlinks: number | undefined): Node | undefined {
    const directory = this.#open(components.slice(0, -1), false, symlinks);
    const name = components.at(-1) ?? "";
    if (name === "" || name === "." || name === "..") {
      return { name, content: directory.#open([name], false, symlinks) };
    }
    const node = directory.#entries().get(name);
    if (node === undefined || !("target" in node) || symlinks === undefined) return node;
    return directory.#linkStart(node).#find(node.target.split("/"), oneLess(symlinks, node));
  }

  /** The directory that holds the last component of a path, and that component. */
  #locate(path: string): [directory: Tree, name: string] {
    const components = split(path);
    return [this.#open(components.slice(0, -1), false, undefined), components.at(-1) ?? ""];
  }

  #put(node: FileNode | SymlinkNode): void {
    const { name } = node;
    if (!isEntryName(name)) throw invalidName(name);
    const existing = this.#entries().get(name);
    if (existing !== undefined && "content" in existing) {
      throw new BstError("virtual-fs", `'${name}' in ${this} is a directory, not a file`);
    }
    this.#entries().set(name, node);
    this.#invalidate();
  }

  #merge(source: Tree, prefix: string, merge: Merge): void {
    // Copied, as the source may be the tree into whose subdirectory it is imported.
    for (const node of [...source.#entries().values()]) {
      const path = prefix + node.name;
      if ("content" in node) this.#mergeDirectory(source, node, path, merge);
      else if (merge.filter?.(path) !== false && this.#makeRoom(node.name, path, merge)) {
        this.#entries().set(node.name, node);
        this.#invalidate();
        merge.written.push(path);
      }
    }
  }

  #mergeDirectory(source: Tree, node: Child, path: string, merge: Merge): void {
    const nodes = this.#entries();
    const existing = nodes.get(node.name);
    if (merge.filter === undefined) {
      if (existing === undefined) {
        const digest = digestOfChild(node);
        nodes.set(node.name, { name: node.name, content: digest });
        this.#invalidate();
        merge.written.push({ path, digest });
        return;
      }
      const digest = equalContent(existing, node);
      if (digest !== undefined) {
        merge.overwritten.push({ path, digest });
        merge.written.push({ path, digest });
        return;
      }
    }
    const from = source.#child(node);
    if (from === merge.into) return;
    if (existing !== undefined && !("content" in existing)) {
      const message = `Can't import the directory '/${path}': a ${kindOf(existing)} is in its place`;
      throw new BstError("virtual-fs", message);
    }
    const to = existing === undefined ? this.#make(node.name) : this.#child(existing);
    to.#merge(from, `${path}/`, merge);
    if (existing === undefined && merge.filter?.(path) === false && to.isEmpty()) {
      nodes.delete(node.name);
      this.#invalidate();
    }
  }

  /** Whether a file or symlink may take this name; removes what had it. */
  #makeRoom(name: string, path: string, merge: Merge): boolean {
    const existing = this.#entries().get(name);
    if (existing === undefined) return true;
    if ("content" in existing && !this.#child(existing).isEmpty()) {
      merge.ignored.push(path);
      return false;
    }
    this.#entries().delete(name);
    merge.overwritten.push(path);
    return true;
  }
}

/** One import on its way. */
interface Merge {
  readonly into: Tree;
  readonly filter: ((path: string) => boolean) | undefined;
  readonly overwritten: Paths[];
  readonly ignored: string[];
  readonly written: Paths[];
}

/** A path, or all paths of files and symlinks below one: most imports are never asked for them. */
type Paths = string | { readonly path: string; readonly digest: Digest };

function* expand(cas: Cas, list: readonly Paths[]): Generator<string> {
  for (const item of list) {
    if (typeof item === "string") yield item;
    else yield* contentOf(cas, item.digest, `${item.path}/`);
  }
}

/** As many as Linux follows. */
const MOST_SYMLINKS = 40;

function budget(followSymlinks: boolean | undefined): number | undefined {
  return followSymlinks === true ? MOST_SYMLINKS : undefined;
}

function oneLess(symlinks: number, node: SymlinkNode): number {
  if (symlinks === 0) throw new BstError("virtual-fs", `Too many symlinks lead to '${node.name}'`);
  return symlinks - 1;
}

function digestOfChild({ content }: Child): Digest {
  return content instanceof Tree ? content.digest() : content;
}

/** The digest of both, if it is known without opening or writing anything that it is the same. */
function equalContent(a: Node, b: Child): Digest | undefined {
  if (!("content" in a) || a.content instanceof Tree || b.content instanceof Tree) return undefined;
  return sameDigest(a.content, b.content) ? a.content : undefined;
}

function split(path: string): string[] {
  if (path.startsWith("/")) throw new BstError("virtual-fs", `The path '${path}' must be relative to its tree`);
  return path.split("/");
}

function kindOf(node: FileNode | SymlinkNode): string {
  return "target" in node ? "symlink" : "regular file";
}

function notFound(name: string, directory: Tree): BstError {
  return new BstError("virtual-fs", `'${name}' not found in ${directory}`, { reason: "directory-not-found" });
}

function notDirectory(node: FileNode | SymlinkNode, directory: Tree): BstError {
  const message = `'${node.name}' in ${directory} is a ${kindOf(node)}, not a directory`;
  return new BstError("virtual-fs", message, { reason: "not-a-directory" });
}

function invalidName(name: string): BstError {
  return new BstError("virtual-fs", `${JSON.stringify(name)} can't be the name of a file`);
}
