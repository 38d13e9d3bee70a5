/** Programs that set up sandboxes come from where the user looks for programs, never from where a build has been. */
import { isAbsolute } from "node:path";
import { afterEach, expect, it, vi } from "vitest";

const { PATH } = process.env;

afterEach(() => {
  process.env["PATH"] = PATH;
  vi.resetModules();
});

it.each(["", ".", "bin:.::relative/x", undefined])("with PATH=%j", async (value) => {
  vi.resetModules();
  if (value === undefined) delete process.env["PATH"];
  else process.env["PATH"] = value;
  const { TOOL_PATH } = await import("../../src/sandbox/host.ts");
  expect(TOOL_PATH.split(":").every(isAbsolute)).toBe(true);
  expect(TOOL_PATH).toContain("/usr/bin");
});
