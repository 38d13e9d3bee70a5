import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Job, Message } from "../../src/base/messages.ts";
import { LineRenderer } from "../../src/report/line.ts";
import { DEFAULT_LOG_SETTINGS, type LogSettings } from "../../src/report/settings.ts";
import { tempDir } from "../helpers.ts";

const key = { full: "c0ffee00".repeat(8), brief: "c0ffee00", strict: true };
const job: Job = { id: 1, action: "build", element: "app.bst", key };

function render(message: Message, settings: Partial<LogSettings> = {}, now?: Date): string {
  return new LineRenderer({ ...DEFAULT_LOG_SETTINGS, ...settings }, false).render(message, now);
}

describe("a message's line", () => {
  // Lines as BuildStream 2.8.1 prints them.
  it("is BuildStream's for what no element is concerned with", () => {
    expect(render({ type: "start", text: "Loading elements" })).toBe(
      "[--:--:--][        ][    main:core activity                 ] START   Loading elements\n",
    );
    expect(render({ type: "success", text: "Build", elapsedMs: 3_723_999 })).toBe(
      "[01:02:03][        ][    main:core activity                 ] SUCCESS Build\n",
    );
  });

  it("lets nobody's text control the terminal", () => {
    const evil = "\x1b[2J\x1b]0;x\x07\x9b1m\r";
    const shown = render({ type: "warn", text: `a${evil}b`, detail: `c${evil}d\n\te` });
    expect(shown).toContain("WARNING a?[2J?]0;x??1m?b\n");
    expect(shown).toContain("c?[2J?]0;x??1m?d\n");
    expect(shown).toContain("\te");
  });

  it("names a job's element and key, also for messages about another element", () => {
    const other = { full: "d".repeat(64), brief: "dddddddd", strict: true };
    expect(
      render({ type: "status", text: "Staging a.bst/dddddddd", task: "build", element: "a.bst", key: other, job }),
    ).toBe("[--:--:--][c0ffee00][   build:app.bst                       ] STATUS  Staging a.bst/dddddddd\n");
  });

  it("shows the log file in place of the text where a job starts or succeeds", () => {
    const message = { text: "Build", task: "build", element: "app.bst", key, job, scheduler: true } as const;
    const settings = { logDirectory: "/cache/logs" };
    const logFile = "/cache/logs/demo/app/c0ffee00-build.20261121-105125.log";
    expect(render({ ...message, type: "start", logFile }, settings)).toBe(
      "[--:--:--][c0ffee00][   build:app.bst                       ] START   demo/app/c0ffee00-build.20261121-105125.log\n",
    );
    expect(render({ ...message, type: "skipped", text: "Nothing to do", logFile, elapsedMs: 1 }, settings)).toBe(
      "[00:00:00][c0ffee00][   build:app.bst                       ] SKIPPED Nothing to do\n",
    );
  });

  it("pads the action column to seven characters and says WARNING", () => {
    expect(render({ type: "warn", text: "[overlaps]: x", element: "a.bst" })).toContain("] WARNING [overlaps]: x");
    expect(render({ type: "info", text: "Pushed artifact", element: "a.bst" })).toContain("] INFO    Pushed artifact");
    expect(render({ type: "bug", text: "x" })).toContain("] BUG     x");
  });

  it("follows the user's format", () => {
    const messageFormat =
      "%{elapsed},%{elapsed-us},%{wallclock},%{wallclock-us},%{key},%{element},%{action},%{message} %%";
    const now = new Date(2026, 10, 21, 9, 8, 7, 654);
    expect(render({ type: "success", text: "Query cache", elapsedMs: 1234.5678 }, { messageFormat }, now)).toBe(
      "00:00:01,00:00:01.234567,09:08:07,09:08:07.654000,        ,    main:core activity                 ,SUCCESS,Query cache %\n",
    );
    expect(render({ type: "start", text: "x" }, { messageFormat: "%{elapsed-us}" })).toBe("--:--:--.------\n");
  });

  it("refuses a format with an unknown variable or a single percent sign", () => {
    for (const messageFormat of ["%{time}", "100%"]) {
      expect(() => render({ type: "info", text: "x" }, { messageFormat })).toThrow(
        expect.objectContaining({ domain: "load", reason: "invalid-data" }),
      );
    }
  });

  it("has no column for keys of length 0", () => {
    expect(render({ type: "info", text: "x", element: "a.bst", key }, { keyLength: 0 })).toContain("][][");
  });

  it("differs in colours only when there are some", () => {
    const message: Message = { type: "failure", text: "It failed", element: "a.bst", key, detail: "one\ntwo\n", job };
    const colored = new LineRenderer(DEFAULT_LOG_SETTINGS, true).render(message);
    expect(colored).toContain("\x1b[31m");
    expect(stripVTControlCharacters(colored)).toBe(render(message));
  });
});

describe("a message's detail", () => {
  const lines = Array.from({ length: 5 }, (_, index) => `line ${index}`).join("\n");

  it("is indented below the line, between blank lines", () => {
    expect(render({ type: "start", text: "Running command", element: "a.bst", detail: "ls\nls -l\n" })).toBe(
      "[--:--:--][        ][    main:a.bst                         ] START   Running command\n\n    ls\n    ls -l\n\n",
    );
  });

  it("is cut after message-lines lines", () => {
    const text = render({ type: "info", text: "x", element: "a.bst", detail: lines }, { messageLines: 2 });
    expect(text).toMatch(/\n\n {4}line 0\n {4}line 1\n {4}Message contains 3 additional lines\n\n$/);
    expect(render({ type: "info", text: "x", element: "a.bst", detail: lines }, { messageLines: 0 })).toMatch(/ x\n$/);
  });

  it("is not cut for failures, nor without an element", () => {
    expect(render({ type: "error", text: "x", element: "a.bst", detail: lines }, { messageLines: 2 })).toContain(
      "line 4",
    );
    expect(render({ type: "info", text: "x", detail: lines }, { messageLines: 2 })).toContain("line 4");
  });
});

describe("the failure of a job", () => {
  const logFile = join(tempDir("line"), "log");
  writeFileSync(logFile, "one\ntwo\n\nthree\n    four\n\n");
  const failure: Message = {
    type: "failure",
    text: "It failed",
    element: "app.bst",
    key,
    job,
    scheduler: true,
    logFile,
  };
  const rule = `    ${"=".repeat(70)}\n`;

  it("is followed by the end of the log", () => {
    expect(render(failure, { errorLines: 4 })).toBe(
      "[--:--:--][c0ffee00][   build:app.bst                       ] FAILURE It failed\n\n" +
        "    Printing the last 4 lines from log file:\n" +
        `    ${logFile}\n${rule}    two\n\n    three\n        four\n${rule}\n`,
    );
  });

  it("is followed by the log file's name only, when not verbose", () => {
    expect(render(failure, { verbose: false })).toMatch(/FAILURE It failed\n\n {4}Log file: {5}\/.*\/log\n\n$/);
  });

  it("is followed by no log for 0 lines", () => {
    expect(render(failure, { errorLines: 0 })).not.toContain("log file");
  });

  it("is shown as well where the log file is missing", () => {
    expect(render({ ...failure, logFile: "/nonexistent/log" })).toContain("FAILURE It failed");
  });
});
