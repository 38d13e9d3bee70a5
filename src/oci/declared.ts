/** Attributes that elements declare for their files, in their public data: rules, and what they say of a tree. */
import { BstError, type BstErrorOptions } from "../base/errors.ts";
import { globPattern } from "../base/glob.ts";
import type { Digest } from "../cas/digest.ts";
import type { TreeNode } from "../cas/directory.ts";
import type { Cas } from "../cas/store.ts";
import { Tree } from "../cas/tree.ts";
import { walk } from "../cas/walk.ts";
import { type MappingNode, mappingFrom, type Plain } from "../yaml/node.ts";
import { type AttributeMap, type Attributes, usualAttributes } from "./attributes.ts";
import { CAPABILITY_XATTR, encodeCapabilities } from "./capabilities.ts";

/** What is said of a path; the rest is as usual. */
export interface Declared {
  /** Name in the image's /etc/passwd, or a number. */
  readonly user?: string;
  /** Name in the image's /etc/group, or a number. */
  readonly group?: string;
  readonly mode?: number;
  readonly capabilities?: string;
  /** Text, or `0x` and hexadecimal digits. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

/** Where an image names its users and groups; links are followed. */
const USERS = "etc/passwd";
const GROUPS = "etc/group";

/** In bytes; no system has tables of users that come near this. */
const MOST_OWNERS = 1 << 24;

/** Whether a file may be read as such a table: what reads layers keeps the content of such files. */
export function isOwnerTable(name: string, size: number): boolean {
  return (name === "passwd" || name === "group") && size <= MOST_OWNERS;
}

/** By path without slashes at either end. */
export type Declarations = ReadonlyMap<string, Declared>;

const KEYS = new Set(["path", "paths", "user", "group", "mode", "capabilities", "xattrs"]);

/**
 * What the `files` of an element's public data `oci` say of its tree, the later rules over the earlier.
 * @param onUnused told of the patterns of rules that are for no file, and of what has such names and can't have what they say
 * @throws LoadError invalid-data
 */
export function declarationsOf(
  cas: Cas,
  tree: Digest,
  data: MappingNode,
  onUnused?: (globs: readonly string[], only: Unfit | undefined) => void,
): Declarations {
  const rules = rulesOf(data);
  const found = new Map<string, Declared>();
  if (rules.length === 0) return found;
  const unused = new Set(rules);
  const unfit = new Map<Rule, Unfit>();
  for (const { path, node } of walk(cas, tree)) {
    const isDirectory = node.kind === "directory";
    for (const rule of rules) {
      if (!rule.everything.test(`/${path}`) && !(isDirectory && rule.directories.test(`/${path}`))) continue;
      found.set(path, { ...found.get(path), ...rule.declared });
      if (canHave(node, rule.declared)) unused.delete(rule);
      else unfit.set(rule, isDirectory ? "folders" : "links");
    }
  }
  for (const rule of unused) onUnused?.(rule.globs, unfit.get(rule));
  return found;
}

/** What can't have all that may be declared. */
export type Unfit = "links" | "folders";

/** Whether any of it can be had: links have owners alone, and only files are run. */
function canHave({ kind }: TreeNode, { user, group, mode, xattrs, capabilities }: Declared): boolean {
  if (user !== undefined || group !== undefined || kind === "file") return true;
  const saysMore = mode !== undefined || xattrs !== undefined;
  return kind === "directory" && (saysMore || capabilities === undefined);
}

/** What is said of a file of that path; without a path, what is said of any. */
export function declaredFor(data: MappingNode, path?: string): Declared {
  const rules = rulesOf(data).filter(({ everything }) => path === undefined || everything.test(`/${path}`));
  return Object.assign({}, ...rules.map(({ declared }) => declared));
}

/** Whether they could be read. @throws LoadError invalid-data */
export function checkDeclarations(data: MappingNode): void {
  rulesOf(data);
}

interface Rule {
  readonly globs: readonly string[];
  readonly everything: RegExp;
  readonly directories: RegExp;
  readonly declared: Declared;
}

function rulesOf(data: MappingNode): Rule[] {
  const files = data.get("files");
  if (files?.type === "mapping") {
    return files.keys().map((glob) => ruleOf([glob], files.mapping(glob) ?? mappingFrom({}), files));
  }
  const list = data.sequence("files")?.mappings() ?? [];
  return list.map((node) => {
    const globs = [...(node.has("path") ? [node.string("path") ?? ""] : []), ...(node.strings("paths") ?? [])];
    if (globs.length === 0) throw node.error("It must say for which 'path' or 'paths' it is");
    return ruleOf(globs, node, node);
  });
}

/**
 * A pattern that ends in a slash is for directories alone.
 * @param place where the patterns stand
 */
function ruleOf(globs: readonly string[], node: MappingNode, place: MappingNode): Rule {
  const relative = globs.find((glob) => !/^[/*?[]/.test(glob));
  if (relative !== undefined) throw place.error(`'${relative}' matches nothing: patterns are of absolute paths`);
  if (globs.includes("/"))
    throw place.error("The root folder is of no element: it has no owner or mode but the usual ones");
  const ending = globs.filter((glob) => glob.endsWith("/"));
  return {
    globs,
    everything: patternOf(globs.filter((glob) => !glob.endsWith("/"))),
    directories: patternOf(ending.map((glob) => glob.slice(0, -1))),
    declared: readDeclared(node),
  };
}

function patternOf(globs: readonly string[]): RegExp {
  return globs.length === 0 ? /^(?!)/ : new RegExp(`^(?:${globs.map(globPattern).join("|")})$`, "su");
}

function readDeclared(node: MappingNode): Declared {
  node.validateKeys(KEYS);
  const mode = node.scalar("mode");
  if (mode !== undefined && !/^[0-7]{3,4}$/.test(mode.value)) {
    throw mode.error("A mode has three or four octal digits, such as '4755'");
  }
  const capabilities = node.scalar("capabilities");
  const xattrs = node.mapping("xattrs");
  try {
    if (capabilities !== undefined) encodeCapabilities(capabilities.value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw capabilities?.error(`The capabilities can't be read: ${error.message}`);
  }
  for (const name of xattrs?.keys() ?? []) {
    const value = xattrs?.string(name) ?? "";
    if (!/^\w+\.[^=\0]+$/.test(name))
      throw xattrs?.error(`'${name}' is no name of an extended attribute, such as 'user.x'`);
    if (name === CAPABILITY_XATTR) throw xattrs?.error(`'${name}' is what 'capabilities' says`);
    if (value === "" || value === "0x") {
      throw xattrs?.scalar(name)?.error(`Value of '${name}' can't be empty: layers can't hold such attributes`);
    }
    if (value.startsWith("0x") && !/^0x([0-9a-f]{2})*$/i.test(value)) {
      throw xattrs?.scalar(name)?.error(`After '0x' there must be pairs of hexadecimal digits`);
    }
  }
  const [user, group] = [readOwner(node, "user"), readOwner(node, "group")];
  return {
    ...(user !== undefined && { user }),
    ...(group !== undefined && { group }),
    ...(mode !== undefined && { mode: Number.parseInt(mode.value, 8) }),
    ...(capabilities !== undefined && { capabilities: capabilities.value }),
    ...(xattrs !== undefined && {
      xattrs: Object.fromEntries(xattrs.keys().map((name) => [name, xattrs.string(name) ?? ""])),
    }),
  };
}

/** The kernel takes one more for no number. */
const HIGHEST_OWNER = 2 ** 32 - 2;

function readOwner(node: MappingNode, key: "user" | "group"): string | undefined {
  const owner = node.scalar(key);
  if (owner === undefined) return undefined;
  if (owner.value === "") throw owner.error(`Value of '${key}' can't be empty`);
  if (/^\d+$/.test(owner.value) && Number(owner.value) > HIGHEST_OWNER) {
    throw owner.error(`Numbers of users and groups end at ${HIGHEST_OWNER}`);
  }
  return owner.value;
}

/** Declarations as public data, whose paths are no patterns; {@link parseDeclarations} reads them. */
export function formatDeclarations(declarations: Declarations): Plain[] {
  const groups = new Map<string, { paths: string[]; declared: Declared }>();
  for (const [path, declared] of declarations) {
    const key = JSON.stringify(declared);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { paths: [path], declared });
    else group.paths.push(path);
  }
  return [...groups.values()].map(({ paths, declared }) => {
    const { mode, xattrs, ...texts } = declared;
    return {
      paths: paths.sort(),
      ...texts,
      ...(mode !== undefined && { mode: mode.toString(8).padStart(4, "0") }),
      ...(xattrs !== undefined && { xattrs: { ...xattrs } }),
    };
  });
}

export function parseDeclarations(list: readonly MappingNode[]): Declarations {
  const found = new Map<string, Declared>();
  for (const node of list) {
    const declared = readDeclared(node);
    for (const path of node.strings("paths") ?? []) found.set(path, declared);
  }
  return found;
}

/** Makes the error of what is declared for a path. */
export type DeclarationError = (path: string, message: string, options: BstErrorOptions) => BstError;

const nobodys: DeclarationError = (_, message, options) => new BstError("element", message, options);

/**
 * What declarations say in numbers and bytes, of the paths that a tree has.
 * @throws BstError domain element, reason oci-unknown-owner
 */
export function attributesOf(
  cas: Cas,
  tree: Digest,
  declarations: Declarations,
  errorOf: DeclarationError = nobodys,
): AttributeMap {
  const files = new Tree(cas, tree);
  const users = new Owners(files, USERS, errorOf);
  const groups = new Owners(files, GROUPS, errorOf);
  const found = new Map<string, Attributes>();
  for (const [path, declared] of declarations) {
    const node = files.lookup(path);
    if (node === undefined) continue;
    found.set(path, {
      uid: declared.user === undefined ? 0 : users.number(declared.user, path),
      gid: declared.group === undefined ? 0 : groups.number(declared.group, path),
      mode: modeOf(node, declared),
      xattrs: xattrsOf(node, declared),
    });
  }
  return found;
}

/** Symlinks have none of their own. */
function modeOf(node: TreeNode, { mode }: Declared): number {
  const usual = usualAttributes(node).mode;
  return node.kind === "symlink" ? usual : (mode ?? usual);
}

function xattrsOf(node: TreeNode, { xattrs = {}, capabilities }: Declared): Readonly<Record<string, string>> {
  if (node.kind === "symlink") return {};
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(xattrs)) {
    const bytes = value.startsWith("0x") ? Buffer.from(value.slice(2), "hex") : Buffer.from(value);
    found[name] = bytes.toString("latin1");
  }
  // Only files are run.
  if (capabilities !== undefined && node.kind === "file") found[CAPABILITY_XATTR] = encodeCapabilities(capabilities);
  return found;
}

/** The numbers of users or groups by an image's own table of them. */
class Owners {
  readonly #files: Tree;
  readonly #table: string;
  readonly #errorOf: DeclarationError;
  #numbers: ReadonlyMap<string, number> | undefined;

  constructor(files: Tree, table: string, errorOf: DeclarationError) {
    this.#files = files;
    this.#table = table;
    this.#errorOf = errorOf;
  }

  number(name: string, path: string): number {
    if (/^\d+$/.test(name)) return Number(name);
    this.#numbers ??= this.#read();
    const number = this.#numbers?.get(name);
    if (number !== undefined) return number;
    const why =
      this.#numbers === undefined ? "can't be read, as it is too large or under another name" : "does not name";
    throw this.#errorOf(path, `/${path} shall belong to '${name}', whom the image's /${this.#table} ${why}`, {
      reason: "oci-unknown-owner",
    });
  }

  /** Undefined for a file whose content nobody kept. */
  #read(): ReadonlyMap<string, number> | undefined {
    const { cas } = this.#files;
    const node = this.#files.lookup(this.#table, { followSymlinks: true });
    if (node?.kind !== "file") return new Map();
    if (node.digest.size > MOST_OWNERS || !cas.has(node.digest)) return undefined;
    const lines = cas.read(node.digest).toString("utf8").split("\n");
    return new Map(lines.map((line) => line.split(":")).map(([name = "", , number]) => [name, Number(number)]));
  }
}
