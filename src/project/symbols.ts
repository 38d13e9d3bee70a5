/** Names that the format restricts: projects, options, variables. */
import { LoadError } from "../base/errors.ts";
import type { Node } from "../yaml/node.ts";

/** Throws invalid-symbol-name unless the name is of letters, digits, `_` and maybe `-`, and begins with no digit. */
export function assertSymbolName(
  name: string,
  purpose: string,
  node: Node | undefined,
  options: { readonly allowDashes?: boolean } = {},
): void {
  const allowDashes = options.allowDashes ?? true;
  if ((allowDashes ? /^[A-Za-z_-][\w-]*$/ : /^[A-Za-z_]\w*$/).test(name)) return;
  const where = node === undefined ? "" : `${node.provenance}: `;
  throw new LoadError("invalid-symbol-name", `${where}'${name}' cannot be a ${purpose}`, {
    detail: `A ${purpose} is made of letters, digits${allowDashes ? ", '_' and '-'" : " and '_'"}, and begins with no digit.`,
  });
}
