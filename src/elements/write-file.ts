/** Writes a file that a kind makes up into the sandbox. */
import { inTree } from "../base/paths.ts";
import type { BuildIo } from "../project/element-kind.ts";

/** @param path absolute path in the sandbox; the folders above it are made */
export function writeFile(
  io: BuildIo,
  path: string,
  content: string | Uint8Array,
  { executable = false }: { readonly executable?: boolean } = {},
): void {
  const [, directory = "", name = ""] = /^(.*?)([^/]*)$/s.exec(path) ?? [];
  const into = io.root.openDirectory(inTree(directory), { create: true });
  into.addFile(name, io.cas.write(content), { executable });
}
