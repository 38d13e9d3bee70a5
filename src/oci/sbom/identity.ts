/** What lists of parts are called: from their content, so that the same image has the same list to the byte. */
import { createHash } from "node:crypto";
import type { Inventory } from "./inventory.ts";
import { nameOfUrl } from "./purl.ts";

/** A UUID of version 8, from what it is to name. */
export function uuidOf(content: string): string {
  const bytes = createHash("sha256").update(content).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Without milliseconds. */
export function timeOf({ created }: Inventory): string {
  return new Date(created * 1000).toISOString().replace(".000", "");
}

export function imageName({ tag, element }: Inventory): string {
  return tag?.slice(0, tag.lastIndexOf(":")) ?? element.replace(/\.bst$/, "").replaceAll(":", "/");
}

export function imageTag({ tag }: Inventory): string | undefined {
  return tag?.slice(tag.lastIndexOf(":") + 1);
}

export function imagePurl(inventory: Inventory): string {
  const { digest, platform } = inventory;
  const name = nameOfImage(imageName(inventory));
  const arch = platform === undefined ? "" : `?arch=${encodeURIComponent(platform.architecture)}`;
  return `pkg:oci/${encodeURIComponent(name)}@${digest}${arch}`;
}

function nameOfImage(name: string): string {
  return (name.includes("/") ? name.slice(name.lastIndexOf("/") + 1) : nameOfUrl(name)).toLowerCase();
}

/** Gives each thing a name of its own, as near to what it is called as letters allow. */
export class Names {
  /** How often each was wished for, or given for another wish. */
  readonly #counts = new Map<string, number>();

  take(wish: string): string {
    const base = wish.replace(/[^A-Za-z0-9.-]+/g, "-");
    let count = this.#counts.get(base) ?? 0;
    let name = base;
    if (count > 0) {
      do name = `${base}-${++count}`;
      while (this.#counts.has(name));
      this.#counts.set(name, 1);
    }
    this.#counts.set(base, Math.max(count, 1));
    return name;
  }
}
