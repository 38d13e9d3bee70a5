// node build.mjs FROM TO VERSION: leaves out comments and blank lines, and writes maps that tell the lines' origins.
import fs from "node:fs";
import path from "node:path";

const [from, to, version] = process.argv.slice(2);

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A number as source maps write it: base 64, five bits a digit, the sign last. */
function vlq(number) {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += DIGITS[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
}

function compact(source) {
  const lines = [];
  const mappings = [];
  let before = 0;
  source.split("\n").forEach((line, number) => {
    if (/^\s*(\/\/|\/\*\*.*\*\/$|$)/.test(line)) return;
    lines.push(line);
    mappings.push(`AA${vlq(number - before)}A`);
    before = number;
  });
  return { code: lines.join("\n"), mappings: mappings.join(";") };
}

fs.mkdirSync(to, { recursive: true });
for (const name of fs.readdirSync(from).sort()) {
  const source = fs.readFileSync(path.join(from, name), "utf8").replaceAll("@VERSION@", version);
  if (!name.endsWith(".mjs")) {
    fs.writeFileSync(path.join(to, name), source);
    continue;
  }
  const { code, mappings } = compact(source);
  const map = { version: 3, file: name, sources: [name], sourcesContent: [source], names: [], mappings };
  fs.writeFileSync(path.join(to, name), `${code}\n//# sourceMappingURL=${name}.map\n`);
  fs.writeFileSync(path.join(to, `${name}.map`), `${JSON.stringify(map)}\n`);
}
