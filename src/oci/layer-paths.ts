/** What the members of a layer are, by path: what lies in their way, and which of them hard links may name. */
import type { TarMemberType } from "../base/tar-reader.ts";
import { OPAQUE, WHITEOUT } from "./layer-entries.ts";

/** A member that others can't be below. */
export interface Obstacle {
  readonly path: string;
  readonly type: TarMemberType;
}

export class LayerPaths {
  readonly #types = new Map<string, TarMemberType>();
  /** Of what is below this layer. */
  readonly #hidden = new Set<string>();
  /** Folders of which nothing below this layer is seen. */
  readonly #opaque = new Set<string>();

  /** @param path its names. Of what comes twice, the last counts. */
  add(path: readonly string[], type: TarMemberType): void {
    const last = path.at(-1) ?? "";
    const folder = path.slice(0, -1);
    if (last === OPAQUE) this.#opaque.add(folder.join("/"));
    else if (last.startsWith(WHITEOUT)) this.#hidden.add([...folder, last.slice(WHITEOUT.length)].join("/"));
    else if (type !== "unknown") this.#types.set(path.join("/"), type);
  }

  /** The first that is above a path and no folder. */
  above(path: readonly string[]): Obstacle | undefined {
    for (const at of foldersOf(path)) {
      const type = this.#types.get(at);
      if (type !== undefined && type !== "directory") return { path: at, type };
    }
    return undefined;
  }

  /** Whether there is something at a path that a hard link may name; undefined where the layers below tell. */
  holds(path: readonly string[]): boolean | undefined {
    const text = path.join("/");
    const type = this.#types.get(text);
    if (type !== undefined) return type !== "directory";
    const folders = [...foldersOf(path)];
    const isHidden =
      [...folders, text].some((at) => this.#hidden.has(at)) ||
      ["", ...folders].some((at) => this.#opaque.has(at)) ||
      this.above(path) !== undefined;
    return isHidden ? false : undefined;
  }
}

/** @param layers the lowest first */
export function hold(layers: readonly LayerPaths[], path: readonly string[]): boolean {
  for (let i = layers.length - 1; i >= 0; i--) {
    const told = layers[i]?.holds(path);
    if (told !== undefined) return told;
  }
  return false;
}

/** `a`, `a/b` of `a/b/c`. */
function* foldersOf(path: readonly string[]): Generator<string> {
  let at = "";
  for (const name of path.slice(0, -1)) {
    at = at === "" ? name : `${at}/${name}`;
    yield at;
  }
}
