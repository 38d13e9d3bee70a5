/** docs/errors.md is generated: it has to say what the code says. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("docs/errors.md is what scripts/errors.mjs writes", () => {
  const page = execFileSync(process.execPath, ["scripts/errors.mjs", "--print"], { cwd: root, encoding: "utf8" });
  expect(page).toContain("| `missing-file` |");
  expect(readFileSync(`${root}/docs/errors.md`, "utf8"), "run: node scripts/errors.mjs").toBe(page);
});
