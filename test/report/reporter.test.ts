import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import type { DisplayKey, ElementView, JobResult, PipelineStarted } from "../../src/base/messages.ts";
import { createReporter, type Reporter, type ReporterOptions } from "../../src/report/reporter.ts";
import { tempDir } from "../helpers.ts";

let folder: string;
let output: string;

beforeEach(() => {
  folder = tempDir("reporter");
  output = join(folder, "output");
});

function reporting(work: (reporter: Reporter) => void, options: Partial<ReporterOptions> = {}): string {
  const fd = openSync(output, "w");
  const reporter = createReporter({ fd, format: "text", colors: false, live: false, ...options });
  reporter.configure({ logDirectory: join(folder, "logs") });
  work(reporter);
  reporter.finish();
  closeSync(fd);
  return readFileSync(output, "utf8");
}

const key = (digit: string): DisplayKey => ({ full: digit.repeat(64), brief: digit.repeat(8), strict: true });

function view(name: string, state: string, digit: string): ElementView {
  const values: Record<string, string> = { name, state, "full-key": digit.repeat(64) };
  return { strictKey: true, value: (symbol) => values[symbol] ?? "" };
}

const pipeline: PipelineStarted = {
  type: "pipeline-started",
  queues: ["fetch", "build"],
  project: { name: "demo", directory: "/demo" },
  targets: ["s.bst"],
  configuration: { "Configuration File": "/demo/u.conf", "Maximum Build Tasks": 4 },
  projects: [
    {
      name: "demo",
      options: { debug: "True" },
      elementPlugins: { stack: "core plugin", import: "core plugin" },
      sourcePlugins: { local: "core plugin" },
    },
    { name: "sub", junction: "sub.bst", provenance: "a.bst [line 3 column 2]", internal: ["project.conf [line 9]"] },
  ],
  elements: [view("a.bst", "buildable", "8"), view("s.bst", "waiting", "9")],
};

function runJob(reporter: Reporter, action: string, name: string, result: JobResult): void {
  const log = { project: "demo", normalName: name };
  reporter.startJob({ action, element: `${name}.bst`, key: key("8"), log }).end(result);
}

const CORE = "[        ][    main:core activity                 ]";

describe("the text of a session", () => {
  it("is laid out as BuildStream's", () => {
    const text = reporting((reporter) => {
      reporter.emit({ type: "session-started", name: "Build" });
      reporter.emit(pipeline);
      reporter.emit({ type: "job-not-needed", action: "fetch", element: "a.bst" });
      runJob(reporter, "build", "a", { outcome: "processed" });
      reporter.emit({ type: "pipeline-ended", total: 2, session: 2, changed: [view("s.bst", "cached", "a")] });
      reporter.emit({ type: "session-ended", name: "Build", outcome: "success", elapsedMs: 61_000 });
    });
    const masked = text
      .replace(/\w+day, [\d-]+ at [\d:]+/, "NOW")
      .replaceAll(/\d{8}-\d{6}/g, "TIME")
      .split("\n");
    expect(masked).toEqual([
      `[--:--:--]${CORE} START   Build`,
      "",
      "BuildStream Version 2.8.1",
      "    Session Start: NOW",
      "    Project:       demo (/demo)",
      "    Targets:       s.bst",
      "",
      "User Configuration",
      "    Configuration File:  /demo/u.conf",
      "    Maximum Build Tasks: 4",
      "",
      "Project: demo",
      "",
      "    Project Options",
      "        debug: True",
      "",
      "    Element Plugins",
      "        stack:  core plugin",
      "        import: core plugin",
      "",
      "    Source Plugins",
      "        local: core plugin",
      "",
      "Project: sub",
      "    Junction path: sub.bst",
      "    Loaded by:     a.bst [line 3 column 2]",
      "    Declared internal by:",
      "        project.conf [line 9]",
      "",
      "Pipeline",
      `   buildable ${"8".repeat(64)} a.bst `,
      `     waiting ${"9".repeat(64)} s.bst `,
      "=".repeat(79),
      "[--:--:--][88888888][   build:a.bst                         ] START   demo/a/88888888-build.TIME.log",
      "[00:00:00][88888888][   build:a.bst                         ] SUCCESS demo/a/88888888-build.TIME.log",
      `[00:01:01]${CORE} SUCCESS Build`,
      "",
      "Resolved key Summary",
      `      cached ${"a".repeat(64)} s.bst `,
      "",
      "Pipeline Summary",
      "    Total:       2",
      "    Session:     2",
      "    Fetch Queue: processed 0, skipped 1, failed 0 ",
      "    Build Queue: processed 1, skipped 0, failed 0 ",
      "",
    ]);
  });

  it("lists failures by element, each once, with its last message", () => {
    const text = reporting((reporter) => {
      reporter.emit(pipeline);
      for (const name of ["z", "b"]) {
        const error = new BstError("element", `No luck with ${name}`);
        runJob(reporter, "build", name, { outcome: "retried", attempt: 1, error: new BstError("element", "Early") });
        runJob(reporter, "build", name, { outcome: "failed", error });
      }
      runJob(reporter, "build", "retried", { outcome: "failed", error: new BstError("element", "First") });
      runJob(reporter, "build", "retried", { outcome: "processed" });
      for (let index = 0; index < 10; index += 1) runJob(reporter, "fetch", "x", { outcome: "processed" });
      reporter.emit({ type: "pipeline-ended", total: 4, session: 4, changed: [] });
      reporter.emit({ type: "session-ended", name: "Build", outcome: "failure", elapsedMs: 1 });
    });
    const summary = text.slice(text.indexOf("Failure Summary"));
    expect(summary.match(/^ {4}\S+\.bst:$/gm)).toEqual(["    b.bst:", "    z.bst:"]);
    expect(summary).toMatch(/^ {4}\[..:..:..\]\[8{8}\]\[ {3}build:b.bst {25}\] FAILURE No luck with b$/m);
    expect(text.slice(0, text.indexOf("Failure Summary"))).toContain(`${CORE} FAILURE Build\n\n`);
    expect(summary).toContain("    Fetch Queue: processed 10, skipped 0, failed 0 \n");
    expect(summary).toContain("    Build Queue: processed 1,  skipped 0, failed 2 \n");
  });

  it("warns of a session that was terminated", () => {
    const text = reporting((reporter) =>
      reporter.emit({ type: "session-ended", name: "Fetch", outcome: "terminated", elapsedMs: 0 }),
    );
    expect(text).toBe(`[00:00:00]${CORE} WARNING Fetch Terminated\n`);
  });

  it("ends with the error, its detail indented", () => {
    const text = reporting((reporter) =>
      reporter.emit({
        type: "command-failed",
        domain: "load",
        reason: null,
        text: "Bad\nline\x1b[2J",
        detail: "one\ntwo\x1b[2J",
      }),
    );
    expect(text).toBe("\nBad\nline?[2J\n\n    one\n    two?[2J\n");
  });
});

describe("which messages are shown", () => {
  const shown = (overrides: ReporterOptions["overrides"] = {}) =>
    reporting(
      (reporter) => {
        for (const type of ["debug", "status", "log", "info", "start"] as const) reporter.emit({ type, text: type });
        for (const type of ["status", "start", "warn", "error", "info"] as const) {
          reporter.emit({ type, text: `nested ${type}`, silenced: true });
        }
      },
      { overrides },
    )
      .split("\n")
      .filter(Boolean)
      .map((line) => line.replace(/^.*\] \w+ +/, ""));
  const always = ["nested warn", "nested error", "nested info"];

  it("are all but debugging ones by default", () => {
    expect(shown()).toEqual(["status", "info", "start", ...always]);
  });

  it("are no status messages when not verbose", () => {
    expect(shown({ verbose: false })).toEqual(["info", "start", ...always]);
  });

  it("include debugging ones where these are wanted", () => {
    expect(shown({ debug: true })).toEqual(["debug", "status", "info", "start", ...always]);
  });

  it("are decided by the command line before the user configuration", () => {
    const text = reporting(
      (reporter) => {
        reporter.configure({ verbose: true, messageFormat: "%{message}" });
        reporter.emit({ type: "status", text: "hidden" });
        reporter.emit({ type: "info", text: "there" });
      },
      { overrides: { verbose: false } },
    );
    expect(text).toBe("there\n");
  });
});

describe("a job", () => {
  it("writes a log file as BuildStream does", () => {
    let logFile = "";
    reporting((reporter) => {
      const log = { project: "demo", normalName: "dir-app" };
      const job = reporter.startJob({ action: "build", element: "dir/app.bst", key: key("c"), log });
      logFile = job.job.logFile ?? "";
      job.emit({
        type: "log",
        text: "Build environment",
        element: "dir/app.bst",
        key: key("c"),
        detail: "A: 1\nB: 2\n",
      });
      job.emit({ type: "status", text: "Staging a.bst/88888888", element: "a.bst", key: key("8"), silenced: true });
      job.emit({ type: "start", text: "Running commands", element: "dir/app.bst" });
      writeSync(job.logFd ?? -1, "from a command\n");
      job.emit({ type: "success", text: "Running commands", element: "dir/app.bst", elapsedMs: 61_000 });
      job.end({ outcome: "failed", error: new BstError("sandbox", "It failed", { detail: "why" }) });
    });
    expect(logFile).toMatch(/\/logs\/demo\/dir-app\/c{8}-build\.\d{8}-\d{6}\.log$/);
    const [head, ...lines] = readFileSync(logFile, "utf8").split("\n");
    expect(head).toMatch(/^BuildStream 2\.8\.1 - \w+day, \d\d-\d\d-\d{4} at \d\d:\d\d:\d\d$/);
    expect(lines).toEqual([
      "[--:--:--] START   [cccccccc] dir/app.bst: Build",
      "[--:--:--] LOG     [cccccccc] dir/app.bst: Build environment",
      "",
      "    A: 1",
      "    B: 2",
      "[--:--:--] STATUS  [88888888] a.bst: Staging a.bst/88888888",
      "[--:--:--] START   dir/app.bst: Running commands",
      "from a command",
      "[00:01:01] SUCCESS dir/app.bst: Running commands",
      "[00:00:00] FAILURE [cccccccc] dir/app.bst: It failed",
      "",
      "    why",
      "",
    ]);
  });

  it("needs no log file", () => {
    const text = reporting((reporter) => {
      const job = reporter.startJob({ action: "cache-query", element: "a.bst", key: key("8") });
      expect(job.logFd).toBeUndefined();
      job.end({ outcome: "processed" });
    });
    expect(text).toMatch(/START {3}Cache-query\n.*SUCCESS Cache-query\n$/);
    expect(existsSync(join(folder, "logs"))).toBe(false);
  });

  it("says what kind of end it had", () => {
    const text = reporting((reporter) => {
      runJob(reporter, "fetch", "a", { outcome: "skipped", text: "Nothing to fetch" });
      runJob(reporter, "fetch", "a", { outcome: "terminated" });
      runJob(reporter, "fetch", "a", { outcome: "retried", attempt: 2, error: new BstError("source", "x") });
      runJob(reporter, "fetch", "a", { outcome: "failed", error: new TypeError("a mistake") });
    });
    expect(text).toContain("SKIPPED Nothing to fetch\n");
    expect(text).toContain("INFO    Job terminated\n");
    expect(text).toContain("FAILURE Try #2 failed, retrying\n");
    expect(text).toMatch(/BUG {5}Fetch\n[\s\S]*TypeError: a mistake\n {8}at /);
  });

  it("leaves domain and reason of the last failure to the error record", () => {
    reporting((reporter) => {
      expect(reporter.lastTaskError).toBeUndefined();
      const error = new BstError("sandbox", "x", { reason: "command-failed" });
      runJob(reporter, "build", "a", { outcome: "failed", error });
      runJob(reporter, "build", "b", { outcome: "processed" });
      expect(reporter.lastTaskError).toEqual({ domain: "sandbox", reason: "command-failed" });
    });
  });

  it("fails with a BstError where its log file cannot be written", () => {
    reporting((reporter) => {
      reporter.configure({ logDirectory: "/dev/null" });
      expect(() => runJob(reporter, "build", "a", { outcome: "processed" })).toThrow(BstError);
    });
  });
});

describe("JSON lines", () => {
  it("are one object for each event, with the message as it is", () => {
    const text = reporting(
      (reporter) => {
        reporter.emit({ type: "debug", text: "not wanted" });
        reporter.emit(pipeline);
        runJob(reporter, "build", "a", { outcome: "skipped", text: "Nothing to do" });
        reporter.emit({ type: "command-failed", domain: "load", reason: "missing-file", text: "x" });
      },
      { format: "json", live: true },
    );
    const events = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual([
      "pipeline-started",
      "job-started",
      "start",
      "skipped",
      "job-ended",
      "command-failed",
    ]);
    expect(events.every(({ time }) => new Date(time).getTime() > 0)).toBe(true);
    expect(events[0].elements[1]).toEqual({ name: "s.bst", key: "9".repeat(64), state: "waiting" });
    expect(events[3]).toMatchObject({
      text: "Nothing to do",
      task: "build",
      job: { element: "a.bst", action: "build" },
    });
  });
});

describe("the main log", () => {
  it("gets the text without colours", () => {
    const mainLog = join(folder, "main.log");
    const text = reporting((reporter) => reporter.emit({ type: "warn", text: "x" }), { mainLog, colors: true });
    expect(text).toContain("\x1b[");
    expect(readFileSync(mainLog, "utf8")).toBe(`[--:--:--]${CORE} WARNING x\n`);
  });

  it("is reported once where it cannot be written", () => {
    reporting(
      (reporter) => {
        expect(() => reporter.emit({ type: "info", text: "x" })).toThrow(BstError);
        reporter.emit({ type: "command-failed", domain: "app", reason: null, text: "x" });
      },
      { mainLog: "/nonexistent/log" },
    );
  });
});

describe("long transfers", () => {
  /** A minute of a job that does 10 MB in a second, as the given options show it. */
  function minute(options: Partial<ReporterOptions>): string[] {
    vi.useFakeTimers();
    try {
      const text = reporting((reporter) => {
        const job = reporter.startJob({ action: "push", element: "a.bst", key: key("8") });
        for (let second = 0; second < 60; second += 1) {
          for (let step = 0; step < 100; step += 1) job.progress(second * 10_000_000 + step, 600_000_000, "bytes");
          vi.advanceTimersByTime(1000);
        }
        job.end({ outcome: "processed" });
      }, options);
      return text.trimEnd().split("\n");
    } finally {
      vi.useRealTimers();
    }
  }

  it("have a line now and then where there is no terminal", () => {
    const [start, ...lines] = minute({}).map((line) => line.replace(/^.*\] /, ""));
    expect([start, lines.pop()]).toEqual(["START   Push", "SUCCESS Push"]);
    expect(lines).toHaveLength(5);
    expect(lines[0]).toBe("STATUS  Push: 100.0 MB of 600.0 MB, 10.0 MB/s");
  });

  it("have none where only what matters is wanted", () => {
    expect(minute({ overrides: { verbose: false } })).toHaveLength(2);
  });

  it("are told to programs once for all that comes at a time", () => {
    const events = minute({ format: "json" }).map((line) => JSON.parse(line));
    const progress = events.filter(({ type }) => type === "job-progress");
    expect(progress).toHaveLength(60);
    expect(progress[1]).toMatchObject({ current: 10_000_000, maximum: 600_000_000, unit: "bytes" });
    expect(events.some(({ type }) => type === "status")).toBe(false);
  });
});
