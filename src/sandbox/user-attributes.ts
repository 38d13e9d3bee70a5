/** Extended attributes that commands gave files: those of users, `user.*`, which are all that a sandbox may set. */
import { createRequire } from "node:module";
import { BstError } from "../base/errors.ts";

export type UserAttributes = Readonly<Record<string, Buffer>>;

/** Of the files' overlay itself, under a name that users' attributes have. */
const OVERLAYS = "user.overlay.";

interface Reader {
  listAttributesSync(path: string): readonly string[];
  getAttributeSync(path: string, name: string): Buffer | null;
}

let known: Reader | false | undefined;

/** False where there is none for this machine: Node.js itself knows no attributes. */
function reader(): Reader | false {
  known ??= openReader();
  return known;
}

function openReader(): Reader | false {
  try {
    return createRequire(__filename)("@napi-rs/xattr") as Reader;
  } catch {
    return false;
  }
}

/** Whether there is something on this machine that tells attributes. */
export function seesAttributes(): boolean {
  return reader() !== false;
}

/**
 * Of what is at a path itself; undefined where there are none, or nobody can tell.
 * @param inRoot what messages call it
 * @throws BstError domain sandbox, for names that are not UTF-8
 */
export function userAttributes(path: string, inRoot: string): UserAttributes | undefined {
  const attributes = reader();
  if (attributes === false) return undefined;
  try {
    const names = attributes.listAttributesSync(path).filter((name) => name.startsWith("user."));
    const found: Record<string, Buffer> = {};
    for (const name of names.sort()) {
      const value = name.startsWith(OVERLAYS) ? null : attributes.getAttributeSync(path, name);
      if (value !== null) found[name] = value;
    }
    return Object.keys(found).length === 0 ? undefined : found;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BstError("sandbox", `The attributes of the file '/${inRoot}' cannot be read: ${why}`);
  }
}
