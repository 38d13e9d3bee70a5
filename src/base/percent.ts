/** Percent-encodes all but letters, digits and `_.-~`, as Python's quote() does with nothing declared safe. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
