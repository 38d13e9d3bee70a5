/** Writes TOML in the layout that BuildStream's plugins get from Python's tomlkit, as artifacts hold it. */

export type TomlValue = string | number | bigint | boolean | Date | TomlValue[] | TomlTable;

export interface TomlTable {
  [key: string]: TomlValue;
}

/** Numbers are floats; integers are given as bigint. */
export function emitToml(table: TomlTable): string {
  return body(table, []);
}

/** What stands below a header: values first, then tables, each but the first entry behind an empty line. */
function body(table: TomlTable, path: readonly string[]): string {
  const entries = Object.entries(table);
  let text = "";
  for (const [key, value] of entries) {
    if (!isTable(value) && !isTableList(value)) text += `${keyText(key)} = ${valueText(value)}\n`;
  }
  let isFirst = text === "";
  for (const [i, [key, value]] of entries.entries()) {
    const below = [...path, key];
    if (isTable(value)) {
      if (!isFirst) text += "\n";
      if (!isHeaderless(value)) text += `[${below.map(keyText).join(".")}]\n`;
      text += body(value, below);
    } else if (isTableList(value)) {
      // Values that stand behind it in the table put no line before it.
      const separator = i > 0 ? "\n" : "";
      const header = `[[${below.map(keyText).join(".")}]]\n`;
      const elements = value.map((item, j) => {
        const before = value[j - 1];
        // No line stands behind an element without content.
        const gap = before !== undefined && Object.keys(before).length > 0 ? "\n" : "";
        return gap + header + body(tablesLast(item), below);
      });
      text += separator + elements.join("");
    } else continue;
    isFirst = false;
  }
  return text;
}

function tablesLast(table: TomlTable): TomlTable {
  const entries = Object.entries(table);
  const others = entries.filter(([, value]) => !isTable(value));
  return Object.fromEntries([...others, ...entries.filter(([, value]) => isTable(value))]);
}

/** A table with nothing but tables is there by their names. */
function isHeaderless(table: TomlTable): boolean {
  const values = Object.values(table);
  return values.length > 0 && values.every((value) => isTable(value) || isTableList(value));
}

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return value !== undefined && typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function isTableList(value: TomlValue): value is TomlTable[] {
  return Array.isArray(value) && value.length > 0 && value.every(isTable);
}

function valueText(value: TomlValue, separator = ", "): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "number") return floatText(value);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item)).join(", ")}]`;
  const members = Object.entries(value).map(([key, item]) => `${keyText(key)} = ${valueText(item, ",")}`);
  return `{${members.join(separator)}}`;
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\f": "\\f",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
  const escaped = text.replace(/[\x00-\x1f\x7f"\\]/g, (character) => {
    return ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

/** As Python writes floats, which go to exponents earlier. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= 16 || power < -4) {
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}
