/** Licence expressions as SPDX has them. */

/**
 * Whether a text has the form of an expression, such as `MIT OR (GPL-2.0-or-later WITH Classpath-exception-2.0)`. Which
 * names there are is not looked at: the list grows.
 */
export function isLicenseExpression(text: string): boolean {
  const tokens = text.match(/[()]|[^\s()]+/g) ?? [];
  let next = 0;
  const name = () =>
    /^(?:DocumentRef-[\w.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?$/.test(tokens[next] ?? "") && !isOperator();
  const isOperator = () => ["AND", "OR", "WITH"].includes(tokens[next] ?? "");
  const term = (): boolean => {
    if (tokens[next] === "(") {
      next++;
      if (!expression() || tokens[next] !== ")") return false;
      next++;
      return true;
    }
    if (!name()) return false;
    next++;
    if (tokens[next] !== "WITH") return true;
    next++;
    if (!name()) return false;
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
