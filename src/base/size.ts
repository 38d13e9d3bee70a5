/** Sizes as people read them. */
import { counted } from "./counted.ts";

const UNITS = ["kB", "MB", "GB", "TB"];

/** Such as `12.3 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return counted(bytes, "byte");
  let value = bytes;
  let unit = "";
  for (const next of UNITS) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value.toFixed(value < 10 ? 2 : 1)} ${unit}`;
}
