/** The submodules that a commit has, by its .gitmodules and its tree. */
import { gitSync } from "./git-command.ts";

export interface Submodule {
  readonly path: string;
  /** As .gitmodules has it, which may be relative to the repository's own. */
  readonly url: string;
  /** Undefined where the tree has no submodule at the path. */
  readonly commit: string | undefined;
}

const known = new Map<string, readonly Submodule[]>();

/** @param commit an object's name, or what git knows it by */
export function submodulesOf(repository: string, commit: string): readonly Submodule[] {
  const key = `${repository}\0${commit}`;
  const remembered = known.get(key);
  if (remembered !== undefined) return remembered;
  const text = gitSync(["cat-file", "blob", `${commit}:.gitmodules`], repository);
  const declared = text === undefined ? [] : parseModules(text.toString()).filter(({ path }) => isInside(path));
  const commits = commitsAt(repository, commit, declared);
  const found = declared.map((each) => ({ ...each, commit: commits.get(each.path) }));
  if (/^[0-9a-f]{40}$/.test(commit)) known.set(key, found);
  return found;
}

function commitsAt(repository: string, commit: string, modules: readonly { readonly path: string }[]) {
  const found = new Map<string, string>();
  if (modules.length === 0) return found;
  const args = ["--literal-pathspecs", "ls-tree", "-z", commit, "--", ...modules.map(({ path }) => path)];
  for (const line of gitSync(args, repository)?.toString().split("\0") ?? []) {
    const [, oid = "", path = ""] = /^160000 commit ([0-9a-f]{40})\t(.*)$/s.exec(line) ?? [];
    if (oid !== "") found.set(path, oid);
  }
  return found;
}

/** Sections `[submodule "name"]` with a path and a URL. */
function parseModules(text: string): { readonly path: string; readonly url: string }[] {
  const modules: Map<string, string>[] = [];
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    if (line.startsWith("[")) {
      section = /^\[submodule ".*"\]/.test(line) ? new Map() : undefined;
      if (section !== undefined) modules.push(section);
      continue;
    }
    const [, key = "", value = ""] = /^([^=:]*)[=:](.*)$/s.exec(line) ?? [];
    section?.set(key.trim().toLowerCase(), value.trim());
  }
  return modules.flatMap((module) => {
    const [path, url] = [module.get("path"), module.get("url")];
    return path === undefined || url === undefined ? [] : [{ path, url }];
  });
}

/** Paths of files in a repository, which are also put below folders of the machine. */
export function isInside(path: string): boolean {
  return path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && part.toLowerCase() !== ".git");
}

/** A submodule's URL where `./` or `../` begins it: from the one of its repository, aliases kept. */
export function absoluteUrl(repository: string, url: string): string {
  if (!/^\.\.?\//.test(url)) return url;
  const [, start = "", path = ""] = /^([a-zA-Z][\w+.-]*:\/\/[^/]*\/|[^/]*:|\/?)(.*)$/s.exec(repository) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  for (const part of url.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return start + parts.join("/");
}
