import { describe, expect, it } from "vitest";
import type { ElementView } from "../../src/base/messages.ts";
import { parseElementFormat } from "../../src/report/elementformat.ts";
import { DEFAULT_LOG_SETTINGS } from "../../src/report/settings.ts";

function element(values: Record<string, string>, strictKey = true): ElementView {
  return {
    strictKey,
    value: (symbol) => {
      const value = values[symbol];
      if (value === undefined) throw new Error(`${symbol} was not expected to be asked for`);
      return value;
    },
  };
}

const render = (format: string, values: Record<string, string>) =>
  parseElementFormat(format).render(element(values), false);

describe("an element format", () => {
  it("prints the default as BuildStream does", () => {
    const values = { state: "waiting", "full-key": "949c", name: "s.bst", "workspace-dirs": "" };
    expect(render(DEFAULT_LOG_SETTINGS.elementFormat, values)).toBe("     waiting 949c s.bst ");
  });

  it.each([
    ["%{name}", "app.bst"],
    ["%{name: >10}|", "   app.bst|"],
    ["%{name:<10}|", "app.bst   |"],
    ["%{name: ^10}|", " app.bst  |"],
    ["%{name:*^10}|", "*app.bst**|"],
    ["%{name:10}|", "app.bst   |"],
    ["%{name:010}|", "app.bst000|"],
    ["%{name:.3}|", "app|"],
    ["%{name:>5.3s}|", "  app|"],
    ["%{name!s:>8}", " app.bst"],
    ["%{name:3}", "app.bst"],
  ])("aligns %s as Python's format() does", (format, expected) => {
    expect(render(format, { name: "app.bst" })).toBe(expected);
  });

  it("leaves alone what is no symbol", () => {
    expect(render("100% %{nothing} {name} %%{name}\n$", { name: "x" })).toBe("100% %{nothing} {name} %x\n$");
  });

  it("does not look for symbols in values", () => {
    expect(render("%{vars}%{name}", { vars: "%{name}", name: "x" })).toBe("%{name}x");
  });

  it("says which symbols it needs, and asks for no others", () => {
    const format = parseElementFormat("%{name: >3}%{deps}");
    expect([...format.symbols]).toEqual(["name", "deps"]);
    expect(format.render(element({ name: "a", deps: "[]" }), false)).toBe("  a[]");
  });

  it("refuses an alignment that Python refuses", () => {
    expect(() => parseElementFormat("%{name:>x}")).toThrow(expect.objectContaining({ domain: "app" }));
  });

  it("dims keys that are not strict", () => {
    const format = parseElementFormat("%{key}");
    expect(format.render(element({ key: "k" }, true), true)).not.toContain("\x1b[2m");
    expect(format.render(element({ key: "k" }, false), true)).toContain("\x1b[2m");
  });
});
