/** What unpacking an archive to a folder would leave there, worked out without a folder: links are followed inside only. */
import { posix } from "node:path";
import type { TarMember } from "../base/tar-reader.ts";
import type { Digest } from "../cas/digest.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";

/** A member whose content is in the store. */
export interface StoredMember extends Omit<TarMember, "size"> {
  /** Of files. */
  readonly digest: Digest | undefined;
}

/** The archive asks for something that unpacking refuses. */
export class UnpackError extends Error {
  override readonly name = "UnpackError";
}

interface File {
  readonly kind: "file";
  digest: Digest;
  executable: boolean;
}

interface Link {
  readonly kind: "symlink";
  readonly target: string;
}

interface Folder {
  readonly kind: "folder";
  readonly entries: Map<string, Inode>;
}

/** Hard links are entries that share a file or symlink. */
type Inode = File | Link | Folder;

/** Where a path leads. */
interface Place {
  /** Undefined where it does not exist. */
  readonly folder: Folder | undefined;
  /** Empty for the root. */
  readonly name: string;
  readonly inode: Inode | undefined;
}

type Failure = "missing" | "not a directory" | "loop" | "outside";

const MAX_LINKS = 40;

/**
 * The tree that `members`, unpacked in their order, make. `all` are the members that a hard link may name whose target
 * was not unpacked: those before it in the archive.
 *
 * @throws UnpackError for what would leave the folder, for special files and for names that clash
 */
export function unpack(cas: Cas, members: readonly StoredMember[], all: readonly StoredMember[]): Tree {
  const root: Folder = { kind: "folder", entries: new Map() };
  const unpacking = new Unpacking(root, all);
  for (const member of members) unpacking.add(member);
  const tree = new Tree(cas);
  fill(tree, root);
  return tree;
}

function fill(tree: Tree, folder: Folder): void {
  for (const [name, inode] of folder.entries) {
    if (inode.kind === "folder") fill(tree.makeDirectory(name), inode);
    else if (inode.kind === "symlink") tree.addSymlink(name, inode.target);
    else tree.addFile(name, inode.digest, { executable: inode.executable });
  }
}

class Unpacking {
  readonly #top: Place;
  readonly #all: readonly StoredMember[];

  constructor(root: Folder, all: readonly StoredMember[]) {
    this.#top = { folder: root, name: "", inode: root };
    this.#all = all;
  }

  add(member: StoredMember): void {
    this.#check(member);
    this.#write(member, member.name.replace(/\/+$/, ""));
  }

  #check({ name, type, linkName }: StoredMember): void {
    this.#checkInside(name, () => `'${name}' would be extracted to a place which is outside the destination`);
    if (type === "device" || type === "unknown") throw new UnpackError(`'${name}' is a special file`);
    if (type !== "hardlink") return;
    if (linkName.startsWith("/")) throw new UnpackError(`'${name}' is a link to the absolute path '${linkName}'`);
    this.#checkInside(linkName, () => `'${name}' would link to '${linkName}', which is outside the destination`);
  }

  #checkInside(path: string, message: () => string): void {
    const place = this.#resolve(path, true);
    if (place === "outside") throw new UnpackError(message());
    if (typeof place === "string" && place !== "missing") throw new UnpackError(`'${path}' can't be reached: ${place}`);
  }

  #write(member: StoredMember, path: string): void {
    this.#makeFolders(posix.dirname(path));
    if (member.type === "directory") this.#makeFolder(path);
    else if (member.type === "symlink") this.#makeSymlink(member, path);
    else if (member.type === "hardlink") this.#makeLink(member, path);
    else this.#makeFile(member, path);
    if (member.type !== "symlink") this.#setMode(path, member);
  }

  /** The folders above a member, where they are missing. */
  #makeFolders(path: string): void {
    const above = this.#resolve(path, true);
    if (typeof above !== "string" && above.inode !== undefined) return;
    const names = path.split("/");
    for (let i = 1; i <= names.length; i++) {
      const prefix = names.slice(0, i).join("/");
      const link = this.#place(prefix, false).inode?.kind === "symlink";
      if (link && this.#place(prefix, true).inode === undefined) {
        throw new UnpackError(`'${prefix}' is a symbolic link to nowhere and also a directory`);
      }
      this.#makeFolder(prefix);
    }
  }

  #makeFolder(path: string): void {
    const { folder, name, inode } = this.#place(path, true);
    if (inode === undefined) folder.entries.set(name, { kind: "folder", entries: new Map() });
    else if (inode.kind !== "folder") throw new UnpackError(`'${path}' is a directory and also something else`);
  }

  /** Writes through links, and into all names of a file that has several, as opening the path for writing does. */
  #makeFile(member: StoredMember, path: string): void {
    const { folder, name, inode } = this.#place(path, true);
    if (inode?.kind === "folder") throw new UnpackError(`'${path}' is a file and also a directory`);
    if (member.digest === undefined) throw new UnpackError(`'${path}' has no content`);
    if (inode?.kind === "file") inode.digest = member.digest;
    else folder.entries.set(name, { kind: "file", digest: member.digest, executable: false });
  }

  #makeSymlink(member: StoredMember, path: string): void {
    const { folder, name, inode } = this.#place(path, false);
    if (inode?.kind === "folder") throw new UnpackError(`'${path}' is a symbolic link and also a directory`);
    folder.entries.set(name, { kind: "symlink", target: member.linkName });
  }

  #makeLink(member: StoredMember, path: string): void {
    const { folder, name, inode } = this.#place(path, false);
    const target = this.#linkTarget(posix.normalize(member.linkName));
    if (target !== undefined && inode === undefined) {
      folder.entries.set(name, target);
      return;
    }
    const source = this.#findTarget(member);
    if (source === undefined) {
      // The name is taken already, and what has it stays.
      if (target !== undefined) return;
      throw new UnpackError(`'${member.name}' links to '${member.linkName}', which is not in the archive before it`);
    }
    this.#check({ ...source, name: member.name });
    this.#check(source);
    this.#write(source, path);
  }

  /** What a hard link can be made to: that a symbolic link leads somewhere counts, but the link itself gets the name. */
  #linkTarget(path: string): File | Link | undefined {
    const end = this.#resolve(path, true);
    const place = this.#resolve(path, false);
    if (typeof end === "string" || end.inode === undefined || typeof place === "string") return undefined;
    return place.inode?.kind === "folder" ? undefined : place.inode;
  }

  /** The last member before the link that has the name it links to. */
  #findTarget(link: StoredMember): StoredMember | undefined {
    const name = posix.normalize(link.linkName);
    const end = this.#all.indexOf(link);
    for (let i = (end < 0 ? this.#all.length : end) - 1; i >= 0; i--) {
      const member = this.#all[i];
      if (member !== undefined && posix.normalize(member.name) === name) return member;
    }
    return undefined;
  }

  #setMode(path: string, member: StoredMember): void {
    const place = this.#resolve(path, true);
    if (typeof place !== "string" && place.inode?.kind === "file") place.inode.executable = (member.mode & 0o100) !== 0;
  }

  #place(path: string, follow: boolean): Place & { readonly folder: Folder } {
    const place = this.#resolve(path, follow);
    if (typeof place === "string") throw new UnpackError(`'${path}' can't be written: ${place}`);
    const { folder } = place;
    if (folder === undefined) throw new UnpackError(`'${path}' can't be written: missing`);
    return { ...place, folder };
  }

  /** Walks a path as the system does, without ever leaving the root. */
  #resolve(path: string, follow: boolean): Place | Failure {
    const trail: Place[] = [this.#top];
    const pending = path.split("/").reverse();
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (trail.length === 1) return "outside";
        trail.pop();
        continue;
      }
      const above = trail.at(-1)?.inode;
      if (above !== undefined && above.kind !== "folder") return "not a directory";
      const inode = above?.entries.get(name);
      if (inode?.kind === "symlink" && (follow || pending.length > 0)) {
        if (++links > MAX_LINKS) return "loop";
        if (inode.target.startsWith("/")) return "outside";
        pending.push(...inode.target.split("/").reverse());
      } else {
        trail.push({ folder: above, name, inode });
      }
    }
    return trail.some(({ folder }) => folder === undefined) ? "missing" : (trail.at(-1) ?? this.#top);
  }
}
