import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Job, ReportEvent } from "../../src/base/messages.ts";
import { QueueState } from "../../src/report/queues.ts";
import { Status } from "../../src/report/status.ts";
import { createStyles } from "../../src/report/style.ts";
import { Terminal } from "../../src/report/terminal.ts";
import { tempDir } from "../helpers.ts";

/** What somebody sees who looks at a terminal that got the bytes. */
function screen(bytes: string): string[] {
  const lines = [""];
  let row = 0;
  for (const [token, up, erase] of bytes.replaceAll("\x1b", "␛").matchAll(/␛\[(\d+)F|(␛\[J)|\n|[^␛\n]+/g)) {
    if (up !== undefined) row -= Number(up);
    else if (erase !== undefined) lines.splice(row, lines.length, "");
    else if (token === "\n") lines[++row] ??= "";
    else lines[row] += token;
    expect(row).toBeGreaterThanOrEqual(0);
  }
  return lines.slice(0, -1);
}

let path: string;
let fd: number;
const written = () => readFileSync(path, "utf8");

beforeEach(() => {
  path = join(tempDir("terminal"), "output");
  fd = openSync(path, "w");
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  closeSync(fd);
});

describe("a terminal", () => {
  it("keeps log lines and draws status lines below them", () => {
    let status = ["job 1", "job 2"];
    const terminal = new Terminal(fd, { lines: () => status });
    terminal.write("one\n");
    expect(screen(written())).toEqual(["one", "job 1", "job 2"]);
    status = ["job 2"];
    terminal.write("two\nthree\n");
    vi.advanceTimersByTime(100);
    expect(screen(written())).toEqual(["one", "two", "three", "job 2"]);
    status = [];
    terminal.refresh();
    vi.advanceTimersByTime(100);
    expect(screen(written())).toEqual(["one", "two", "three"]);
  });

  it("draws status lines at most ten times a second", () => {
    let drawn = 0;
    const terminal = new Terminal(fd, { lines: () => [`drawing ${++drawn}`] });
    for (let millisecond = 0; millisecond < 1000; millisecond += 1) {
      terminal.write(`${millisecond}\n`);
      terminal.refresh();
      vi.advanceTimersByTime(1);
    }
    terminal.flush();
    expect(drawn).toBeGreaterThan(5);
    expect(drawn).toBeLessThanOrEqual(12);
    expect(screen(written())).toEqual(Array.from({ length: 1000 }, (_, index) => `${index}`));
  });

  it("writes nothing where nothing has changed", () => {
    const terminal = new Terminal(fd, { lines: () => ["same"] });
    terminal.write("one\n");
    const before = written();
    for (let index = 0; index < 10; index += 1) {
      terminal.refresh();
      vi.advanceTimersByTime(100);
    }
    expect(written()).toBe(before);
  });

  it("leaves the screen to others while suspended", () => {
    const terminal = new Terminal(fd, { lines: () => ["status"] });
    terminal.write("one\n");
    terminal.suspend();
    terminal.write("two\n");
    terminal.refresh();
    vi.advanceTimersByTime(1000);
    expect(screen(written())).toEqual(["one", "two"]);
    terminal.resume();
    vi.advanceTimersByTime(100);
    expect(screen(written())).toEqual(["one", "two", "status"]);
  });

  it("writes plain lines, soon, where it is none", () => {
    const terminal = new Terminal(fd);
    for (let index = 0; index < 1000; index += 1) terminal.write(`${index}\n`);
    expect(written().startsWith("0\n1\n")).toBe(true);
    vi.advanceTimersByTime(100);
    expect(written()).toBe(Array.from({ length: 1000 }, (_, index) => `${index}\n`).join(""));
  });
});

describe("status lines", () => {
  const job = (id: number, element: string): Job => ({ id, action: "build", element });

  function setup() {
    const state = new QueueState();
    const status = new Status(state, createStyles(false));
    const handle = (event: ReportEvent) => {
      state.handle(event);
      status.handle(event);
    };
    return { status, handle };
  }

  it("show each running job with its time and progress", () => {
    const { status, handle } = setup();
    expect(status.lines(80, 24)).toEqual([]);
    handle({ type: "job-started", job: job(1, "a.bst") });
    vi.advanceTimersByTime(61_000);
    handle({ type: "job-started", job: job(2, "b.bst") });
    handle({ type: "job-progress", job: job(1, "a.bst"), current: 3, maximum: 7 });
    expect(status.lines(80, 24).slice(1)).toEqual(["[00:01:01][build:a.bst:3/7]", "[00:00:00][build:b.bst]"]);
    handle({ type: "job-ended", job: job(1, "a.bst"), outcome: "processed", elapsedMs: 1 });
    expect(status.lines(80, 24)).toEqual(["=== 00:01:01 (Build:1 0 0)", "[00:00:00][build:b.bst]"]);
  });

  it("tell of bytes, and how many there are in a second", () => {
    const { status, handle } = setup();
    const about = job(1, "registry.example/a");
    const bytes = (current: number) =>
      handle({ type: "job-progress", job: about, current, maximum: 400_000_000, unit: "bytes" });
    handle({ type: "job-started", job: about });
    bytes(0);
    expect(status.lines(80, 24)[1]).toBe("[00:00:00][build:registry.example/a:0 bytes of 400.0 MB]");
    for (let second = 1; second <= 10; second += 1) {
      vi.advanceTimersByTime(1000);
      // The second half is faster.
      bytes(second <= 5 ? second * 1_000_000 : 5_000_000 + (second - 5) * 20_000_000);
    }
    expect(status.lines(80, 24)[1]).toBe("[00:00:10][build:registry.example/a:105.0 MB of 400.0 MB, 20.0 MB/s]");
    vi.advanceTimersByTime(5000);
    expect(status.lines(80, 24)[1]).toContain("105.0 MB of 400.0 MB, 10.0 MB/s");
    bytes(1_000_000);
    expect(status.lines(80, 24)[1]).toContain(":1.00 MB of 400.0 MB]");
    for (const columns of [20, 30, 40, 50, 60]) {
      expect(status.lines(columns, 24)[1]?.length).toBeLessThanOrEqual(columns);
    }
  });

  it("fit the terminal, whatever its size", () => {
    const { status, handle } = setup();
    handle({
      type: "pipeline-started",
      queues: ["pull", "fetch", "build", "push"],
      project: { name: "a-project-with-a-long-name", directory: "/" },
      targets: [],
      configuration: {},
      projects: [],
      elements: [],
    });
    for (let id = 0; id < 30; id += 1)
      handle({ type: "job-started", job: job(id, `a/very/long/name/of/an/element-${id}.bst`) });
    for (const columns of [20, 40, 80]) {
      const lines = status.lines(columns, 10);
      expect(lines).toHaveLength(9);
      expect(lines.at(-1)).toBe("… and 23 more");
      for (const line of lines) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(columns);
    }
    expect(status.lines(40, 10)[1]).toMatch(/^\[..:..:..\]\[build:….*-0\.bst\]$/);
  });
});
