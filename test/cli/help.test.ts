import { describe, expect, it } from "vitest";
import { findEntry, formatHelp, formatUsage } from "../../src/cli/help.ts";
import { commands } from "../../src/cli/spec/commands.ts";
import { type Group, isGroup } from "../../src/cli/spec/types.ts";

function paths(entries: Group["commands"], above: string[] = []): string[][] {
  return Object.entries(entries).flatMap(([name, entry]) => {
    const path = [...above, name];
    return isGroup(entry) ? [path, ...paths(entry.commands, path)] : [path];
  });
}

describe("help", () => {
  it.each([[[]], ...paths(commands).map((path) => [path])])("has a page for %j that fits 80 columns", (path) => {
    const page = formatHelp(path) ?? "";
    expect(page.startsWith(`Usage: ${["bst-ts", ...path].join(" ")} [OPTIONS]`)).toBe(true);
    expect(page).toContain("-h, --help");
    // Tables of symbols are not wrapped.
    const wrapped = page.split("\n").filter((line) => !line.includes("%{"));
    expect(Math.max(...wrapped.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("has no page for what is no command", () => {
    for (const path of [["nonsense"], ["build", "x"], ["artifact", "nonsense"], ["toString"]]) {
      expect(formatHelp(path)).toBeUndefined();
      expect(findEntry(path)).toBeUndefined();
    }
  });

  it("lists commands and options with what they do", () => {
    expect(formatHelp([])).toMatch(/\n {2}workspace {3}Work with workspaces\n/);
    expect(formatHelp([])).toMatch(/\n {2}-o, --option OPTION VALUE {7}Set an option of the project\n/);
    expect(formatHelp([])).toMatch(/\n {2}--colors \/ --no-colors {10}Use colours/);
    expect(formatHelp(["show"])).toMatch(/--deps \[none\|run\|build\|all\]\n {34}Dependencies .* \[default: all\]\n/);
  });

  it("shows arguments as they may be given", () => {
    expect(formatUsage(["workspace", "open"])).toBe("Usage: bst-ts workspace open [OPTIONS] ELEMENTS...");
    expect(formatUsage(["shell"])).toBe("Usage: bst-ts shell [OPTIONS] [TARGET] [COMMAND]...");
    expect(formatUsage(["completion"])).toBe("Usage: bst-ts completion [OPTIONS] SHELL");
  });
});
