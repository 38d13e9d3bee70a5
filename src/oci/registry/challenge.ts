/** The `WWW-Authenticate` header: what a server wants to be shown. */

export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Keys in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const SCHEME = /\s*([A-Za-z][\w-]*)(?=[\s,]|$)\s*/y;
/** What some schemes say in the place of parameters. */
const TOKEN = /[\w.~+/-]+=*(?=\s*(?:,|$))/y;
const PARAMETER = /\s*,?\s*([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;

/** All of a header or of several; what is malformed ends the list. */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  const found: Challenge[] = [];
  for (const header of headers) {
    for (let at = 0; at < header.length; ) {
      SCHEME.lastIndex = at;
      const scheme = SCHEME.exec(header)?.[1];
      if (scheme === undefined) break;
      at = SCHEME.lastIndex;
      const parameters = new Map<string, string>();
      TOKEN.lastIndex = at;
      if (TOKEN.test(header)) at = TOKEN.lastIndex;
      for (;;) {
        PARAMETER.lastIndex = at;
        const match = PARAMETER.exec(header);
        if (match === null) break;
        const [, key = "", quoted, plain] = match;
        parameters.set(key.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
        at = PARAMETER.lastIndex;
      }
      found.push({ scheme: scheme.toLowerCase(), parameters });
      const comma = /\s*,/y;
      comma.lastIndex = at;
      if (comma.test(header)) at = comma.lastIndex;
      else break;
    }
  }
  return found;
}
