/** A mutable, copy-on-write view of a tree of the store; subtrees that nobody changes stay digests and are not read. */
import { BstError } from "../base/errors.ts";
import type { Digest } from "./digest.ts";
import { compareNames, type FileNode, type SymlinkNode, type Timestamp } from "./directory.ts";
import type { Cas } from "./store.ts";

/** What a name in a tree stands for. */
export type TreeNode =
  | ({ readonly kind: "file" } & FileNode)
  | ({ readonly kind: "symlink" } & SymlinkNode)
  | { readonly kind: "directory"; readonly name: string; readonly tree: Tree };

export interface TreeEntry {
  /** Relative to the walked tree, without a slash at either end. */
  readonly path: string;
  readonly node: TreeNode;
}

export interface FileAttributes {
  readonly executable: boolean;
  readonly mtime?: Timestamp;
}

export interface ImportOptions {
  /** Called with paths relative to the imported tree, of directories too; what it refuses is left out. */
  readonly filter?: (path: string) => boolean;
}

/** Paths are relative to the imported tree. */
export interface ImportResult {
  /** Files and symlinks that were there and were replaced. */
  readonly overwritten: readonly string[];
  /** Files and symlinks not imported, as a directory with content is in their place. */
  readonly ignored: readonly string[];
  /** All files and symlinks that were imported. */
  filesWritten(): Iterable<string>;
}

/** A directory in a directory: a digest until somebody opens it. */
class Child {
  readonly name: string;
  #digest: Digest | undefined;
  #tree: Tree | undefined;

  constructor(name: string, content: Digest | Tree) {
    this.name = name;
    if (content instanceof Tree) this.#tree = content;
    else this.#digest = content;
  }

  digest(): Digest {
    return this.#tree?.digest() ?? (this.#digest as Digest);
  }

  /** The one live view of this directory. */
  open(parent: Tree): Tree {
    this.#tree ??= new Tree(parent.cas, this.#digest, { tree: parent, name: this.name });
    return this.#tree;
  }
}

type Node = FileNode | SymlinkNode | Child;

type Written = string | { readonly prefix: string; readonly digest: Digest };

export class Tree {
  readonly cas: Cas;
  readonly #parent: { readonly tree: Tree; readonly name: string } | undefined;
  #digest: Digest | undefined;
  /** Read from the store when first needed; in the order in which BuildStream would hold the entries. */
  #nodes: Map<string, Node> | undefined;
  #subtreeReadOnly: boolean | undefined;

  /** The tree that `digest` names, or an empty one. `parent` is for the class's own use. */
  constructor(cas: Cas, digest?: Digest, parent?: { readonly tree: Tree; readonly name: string }) {
    this.cas = cas;
    this.#digest = digest;
    this.#parent = parent;
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
    return this.#open(split(path), options.create ?? false, options.followSymlinks ?? false);
  }

  lookup(path: string, options: { readonly followSymlinks?: boolean } = {}): TreeNode | undefined {
    const followSymlinks = options.followSymlinks ?? false;
    try {
      return this.#find(split(path), followSymlinks);
    } catch (error) {
      if (error instanceof BstError && error.domain === "virtual-fs") return undefined;
      throw error;
    }
  }

  exists(path: string, options: { readonly followSymlinks?: boolean } = {}): boolean {
    return this.lookup(path, options) !== undefined;
  }

  /** Puts a file in a directory that exists, in the place of any other file or symlink. */
  addFile(path: string, digest: Digest, attributes: FileAttributes): void {
    const [directory, name] = this.#locate(path);
    const { executable, mtime } = attributes;
    directory.#place(path, mtime === undefined ? { name, digest, executable } : { name, digest, executable, mtime });
  }

  addSymlink(path: string, target: string): void {
    const [directory, name] = this.#locate(path);
    directory.#place(path, { name, target });
  }

  /** Makes a directory and those above it where they don't exist. */
  makeDirectory(path: string): Tree {
    return this.openDirectory(path, { create: true });
  }

  /** Throws BstError in domain "virtual-fs" if there is nothing, or a directory with content and not `recursive`. */
  remove(path: string, options: { readonly recursive?: boolean } = {}): void {
    const [directory, name] = this.#locate(path);
    const node = directory.#entries().get(name);
    if (node === undefined) throw notFound(name, directory);
    if (node instanceof Child && options.recursive !== true && !node.open(directory).isEmpty()) {
      throw new BstError("virtual-fs", `${node.open(directory)} is not empty`);
    }
    directory.#entries().delete(name);
    directory.#invalidate();
  }

  /**
   * Merges another tree into this one. Files and symlinks replace files, symlinks and empty directories; a directory
   * where a file or symlink is throws BstError in domain "virtual-fs". A source that was changed is written first.
   */
  importTree(source: Tree | Digest, options: ImportOptions = {}): ImportResult {
    const tree = source instanceof Tree ? source : new Tree(this.cas, source);
    const merge: Merge = { origin: this, filter: options.filter, overwritten: [], ignored: [], written: [] };
    this.#merge(tree, "", merge);
    const { overwritten, ignored, written } = merge;
    return { overwritten, ignored, filesWritten: () => expand(this.cas, written) };
  }

  /** Every path as `artifact list-contents` has it: of a directory its own path, files and symlinks, directories. */
  paths(): Iterable<string> {
    return this.#paths("");
  }

  /** All entries, depth first, by name, a directory before its content. */
  entries(): Iterable<TreeEntry> {
    return this.#walk("");
  }

  /** `[CAS:/path/in/the/root]`, for messages. */
  toString(): string {
    return `[CAS:${this.#path()}]`;
  }

  #path(): string {
    if (this.#parent === undefined) return "/";
    const { tree, name } = this.#parent;
    return `${tree.#path()}/${name}`;
  }

  #entries(): Map<string, Node> {
    if (this.#nodes === undefined) {
      const directory = this.cas.readDirectory(this.#digest as Digest);
      const nodes = new Map<string, Node>();
      for (const node of directory.directories) nodes.set(node.name, new Child(node.name, node.digest));
      for (const node of directory.files) nodes.set(node.name, node);
      for (const node of directory.symlinks) nodes.set(node.name, node);
      this.#nodes = nodes;
      this.#subtreeReadOnly = directory.subtreeReadOnly;
    }
    return this.#nodes;
  }

  #write(): Digest {
    const files: FileNode[] = [];
    const directories: { name: string; digest: Digest }[] = [];
    const symlinks: SymlinkNode[] = [];
    for (const node of this.#entries().values()) {
      if (node instanceof Child) directories.push({ name: node.name, digest: node.digest() });
      else if ("target" in node) symlinks.push(node);
      else files.push(node);
    }
    const subtreeReadOnly = this.#subtreeReadOnly;
    return this.cas.writeDirectory({
      files,
      directories,
      symlinks,
      ...(subtreeReadOnly === undefined ? {} : { subtreeReadOnly }),
    });
  }

  #invalidate(): void {
    if (this.#digest === undefined) return;
    this.#digest = undefined;
    if (this.#parent !== undefined) this.#parent.tree.#invalidate();
  }

  #root(): Tree {
    return this.#parent === undefined ? this : this.#parent.tree.#root();
  }

  #open(components: readonly string[], create: boolean, followSymlinks: boolean): Tree {
    let current: Tree = this;
    for (const name of components) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (current.#parent !== undefined) current = current.#parent.tree;
        continue;
      }
      const node = current.#entries().get(name);
      if (node instanceof Child) {
        current = node.open(current);
      } else if (node === undefined) {
        if (!create) throw notFound(name, current);
        const child = new Tree(this.cas, undefined, { tree: current, name });
        current.#entries().set(name, new Child(name, child));
        current.#invalidate();
        current = child;
      } else if (followSymlinks && "target" in node) {
        const start = node.target.startsWith("/") ? current.#root() : current;
        current = start.#open(node.target.split("/"), false, true);
      } else {
        const kind = "target" in node ? "symlink" : "regular file";
        throw new BstError("virtual-fs", `'${name}' in ${current} is a ${kind}, not a directory`, {
          reason: "not-a-directory",
        });
      }
    }
    return current;
  }

  #find(components: readonly string[], followSymlinks: boolean): TreeNode {
    const directory = this.#open(components.slice(0, -1), false, followSymlinks);
    const name = components.at(-1) ?? "";
    if (name === "" || name === "." || name === "..") {
      return { kind: "directory", name, tree: directory.#open([name], false, false) };
    }
    const node = directory.#entries().get(name);
    if (node === undefined) throw notFound(name, directory);
    if (followSymlinks && "target" in node) {
      const start = node.target.startsWith("/") ? directory.#root() : directory;
      return start.#find(node.target.split("/"), true);
    }
    return describe(node, directory);
  }

  /** The directory that holds the last component of a path, and that component. */
  #locate(path: string): [directory: Tree, name: string] {
    const components = split(path);
    const name = components.at(-1) ?? "";
    return [this.#open(components.slice(0, -1), false, false), name];
  }

  #place(path: string, node: Node): void {
    const { name } = node;
    if (name === "" || name === "." || name === ".." || name.includes("\0")) {
      throw new BstError("virtual-fs", `'${path}' can't be the name of a file`);
    }
    if (this.#entries().get(name) instanceof Child) {
      throw new BstError("virtual-fs", `'${name}' in ${this} is a directory`);
    }
    this.#entries().set(name, node);
    this.#invalidate();
  }

  #merge(source: Tree, prefix: string, merge: Merge): void {
    const nodes = this.#entries();
    for (const [name, node] of [...source.#entries()]) {
      const path = prefix + name;
      if (node instanceof Child) this.#mergeDirectory(source, node, path, merge);
      else if (merge.filter?.(path) !== false && this.#makeRoom(name, path, merge)) {
        nodes.set(name, node);
        this.#invalidate();
        merge.written.push(path);
      }
    }
  }

  #mergeDirectory(source: Tree, child: Child, path: string, merge: Merge): void {
    const nodes = this.#entries();
    const existing = nodes.get(child.name);
    if (existing === undefined && merge.filter === undefined) {
      const digest = child.digest();
      nodes.set(child.name, new Child(child.name, digest));
      this.#invalidate();
      merge.written.push({ prefix: `${path}/`, digest });
      return;
    }
    const from = child.open(source);
    // A tree may be imported into a directory of its own.
    if (from === merge.origin) return;
    if (existing !== undefined && !(existing instanceof Child)) {
      const kind = "target" in existing ? "symlink" : "regular file";
      throw new BstError("virtual-fs", `Destination is a ${kind}, not a directory: /${path}`);
    }
    const to = this.#open([child.name], true, false);
    to.#merge(from, `${path}/`, merge);
    if (existing === undefined && to.isEmpty() && merge.filter?.(path) === false) {
      nodes.delete(child.name);
      this.#invalidate();
    }
  }

  /** Whether a file or symlink may take this name; removes what had it. */
  #makeRoom(name: string, path: string, merge: Merge): boolean {
    const existing = this.#entries().get(name);
    if (existing === undefined) return true;
    if (existing instanceof Child && !existing.open(this).isEmpty()) {
      merge.ignored.push(path);
      return false;
    }
    this.#entries().delete(name);
    merge.overwritten.push(path);
    return true;
  }

  *#paths(prefix: string): Generator<string> {
    const nodes = [...this.#entries().values()].toSorted((a, b) => compareNames(a.name, b.name));
    if (prefix !== "") yield prefix.slice(0, -1);
    for (const node of nodes) if (!(node instanceof Child)) yield prefix + node.name;
    for (const node of nodes) if (node instanceof Child) yield* node.open(this).#paths(`${prefix}${node.name}/`);
  }

  *#walk(prefix: string): Generator<TreeEntry> {
    const nodes = [...this.#entries().values()].toSorted((a, b) => compareNames(a.name, b.name));
    for (const node of nodes) {
      const path = prefix + node.name;
      yield { path, node: describe(node, this) };
      if (node instanceof Child) yield* node.open(this).#walk(`${path}/`);
    }
  }
}

interface Merge {
  readonly origin: Tree;
  readonly filter: ((path: string) => boolean) | undefined;
  readonly overwritten: string[];
  readonly ignored: string[];
  readonly written: Written[];
}

function* expand(cas: Cas, written: readonly Written[]): Generator<string> {
  for (const item of written) {
    if (typeof item === "string") {
      yield item;
      continue;
    }
    const directory = cas.readDirectory(item.digest);
    for (const node of directory.directories) {
      yield* expand(cas, [{ prefix: `${item.prefix}${node.name}/`, digest: node.digest }]);
    }
    for (const node of directory.files) yield item.prefix + node.name;
    for (const node of directory.symlinks) yield item.prefix + node.name;
  }
}

function describe(node: Node, directory: Tree): TreeNode {
  if (node instanceof Child) return { kind: "directory", name: node.name, tree: node.open(directory) };
  return "target" in node ? { kind: "symlink", ...node } : { kind: "file", ...node };
}

function split(path: string): string[] {
  if (path.startsWith("/")) throw new BstError("virtual-fs", `Path in a tree must be relative: '${path}'`);
  return path.split("/");
}

function notFound(name: string, directory: Tree): BstError {
  return new BstError("virtual-fs", `'${name}' not found in ${directory}`, { reason: "directory-not-found" });
}
