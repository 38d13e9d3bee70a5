/** The list of vendored Go modules, `vendor/modules.txt`. */
import { BstError } from "../base/errors.ts";
import { compareCodePoints } from "../base/json.ts";
import { nodesOf, type TreeNode } from "../cas/directory.ts";
import type { Tree } from "../cas/tree.ts";
import { readText } from "./tree-text.ts";

/** What the list says of a module. */
export interface ListedModule {
  readonly name: string;
  readonly version: string;
  /** The module that it stands for: where go.mod replaces that, else itself. */
  readonly original: { readonly name: string; readonly version: string };
  readonly isExplicit: boolean;
}

/** What a go.mod says of the modules that are vendored. */
export interface GoMod {
  readonly explicit: ReadonlySet<string>;
  /** From `name version` of a module to what it replaces. */
  readonly replaced: ReadonlyMap<string, ListedModule["original"]>;
}

/** @throws BstError domain source, for a go.mod that is missing or replaces a module by a folder */
export function readGoMod(tree: Tree, provenance: string): GoMod {
  const text = readText(tree, "go.mod");
  if (text === undefined) throw new BstError("source", `${provenance}: The sources before it have no go.mod`);
  const explicit = new Set<string>();
  const replaced = new Map<string, ListedModule["original"]>();
  for (const line of text.split("\n")) {
    const parts = line.trim().split(/\s+/);
    const [first = "", second = "", third = "", , name, version] = parts;
    if (second.startsWith("v")) explicit.add(first);
    if (first !== "replace" || parts.length <= 3) continue;
    if (parts.length !== 6) throw new BstError("source", `${provenance}: go.mod replaces in an unknown way: ${line}`);
    replaced.set(`${name} ${version}`, { name: second, version: third });
  }
  return { explicit, replaced };
}

/** Adds a module, with its packages that are in the tree. */
export function listModule(tree: Tree, { name, version, original, isExplicit }: ListedModule): void {
  const lines: string[] = [];
  if (isExplicit) {
    const isReplaced = original.name !== name || original.version !== version;
    lines.push(isReplaced ? `# ${original.name} ${original.version} => ${name} ${version}` : `# ${name} ${version}`);
    const directive = goDirective(tree, `vendor/${original.name}`);
    lines.push(directive === undefined ? "## explicit" : `## explicit; ${directive}`);
  } else {
    lines.push(`# ${name}`);
  }
  const folder = tree.lookup(`vendor/${original.name}`);
  if (folder?.kind === "directory") lines.push(...packages(tree, original.name));
  append(tree, lines);
}

/** Adds a module as the first packages did: as if it were its only package. */
export function listEarlyModule(tree: Tree, { name, version, isExplicit }: Omit<ListedModule, "original">): void {
  append(tree, isExplicit ? [`# ${name} ${version}`, "## explicit", name] : [`# ${name}`, name]);
}

function append(tree: Tree, lines: readonly string[]): void {
  const before = readText(tree, "vendor/modules.txt") ?? "";
  const content = `${before}${lines.map((line) => `${line}\n`).join("")}`;
  tree.addFile("vendor/modules.txt", tree.cas.write(content), { executable: false });
}

function goDirective(tree: Tree, folder: string): string | undefined {
  return readText(tree, `${folder}/go.mod`)
    ?.split(/\r\n|\n|\r/)
    .find((line) => line.startsWith("go "));
}

/** The folders that have Go code, or begin another module: each before those in it, by name. */
function packages(tree: Tree, module: string): string[] {
  const found: string[] = [];
  const pending = [module];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const here = path;
    const nodes = childrenOf(tree, `vendor/${here}`);
    const isFolder = (node: TreeNode) => node.kind === "directory";
    const isCode = ({ kind, name }: TreeNode) =>
      (name === "go.mod" || name.endsWith(".go")) && (kind === "file" || isLinkToFile(tree, `vendor/${here}/${name}`));
    if (nodes.some((node) => !isFolder(node) && isCode(node))) found.push(here);
    const below = nodes.filter(isFolder).map(({ name }) => name);
    for (const name of below.sort(compareCodePoints).reverse()) if (name !== ".git") pending.push(`${here}/${name}`);
  }
  return found;
}

function isLinkToFile(tree: Tree, path: string): boolean {
  return tree.lookup(path, { followSymlinks: true })?.kind !== "directory";
}

function childrenOf(tree: Tree, path: string): TreeNode[] {
  return nodesOf(tree.cas.readDirectory(tree.openDirectory(path).digest()));
}
