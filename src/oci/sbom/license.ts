/** Licence expressions as SPDX has them. */
import exceptions from "spdx-exceptions/index.json" with { type: "json" };
import former from "spdx-license-ids/deprecated.json" with { type: "json" };
import current from "spdx-license-ids/index.json" with { type: "json" };

const LICENSES = new Set([...current, ...former]);
const EXCEPTIONS = new Set(exceptions);
/** One that is not in the list. */
const OWN = /^LicenseRef-[A-Za-z0-9.-]+$/;

/** Whether a text is an expression, such as `MIT OR (GPL-2.0-or-later WITH Classpath-exception-2.0)`, of known names. */
export function isLicenseExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let next = 0;
  const isName = () => OWN.test(tokens[next] ?? "") || LICENSES.has((tokens[next] ?? "").replace(/\+$/, ""));
  const term = (): boolean => {
    if (tokens[next] === "(") {
      next++;
      if (!expression() || tokens[next] !== ")") return false;
      next++;
      return true;
    }
    if (!isName()) return false;
    next++;
    if (tokens[next] !== "WITH") return true;
    next++;
    if (!EXCEPTIONS.has(tokens[next] ?? "")) return false;
    next++;
    return true;
  };
  const expression = (): boolean => {
    if (!term()) return false;
    while (tokens[next] === "AND" || tokens[next] === "OR") {
      next++;
      if (!term()) return false;
    }
    return true;
  };
  return expression() && next === tokens.length;
}

/** Names in an expression that are in no list, and that a document has to say something of. */
export function ownLicenses(expression: string): readonly string[] {
  return expression.split(/[\s()]+/).filter((token) => token.startsWith("LicenseRef-"));
}
