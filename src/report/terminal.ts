/** Writes reports to a descriptor: log lines that stay, and on a terminal status lines that are drawn anew below them. */
import { BstError, systemErrorCode } from "../base/errors.ts";
import { writeAll } from "../base/output-file.ts";

/** Status lines are drawn at most this often. */
const FRAME_MS = 100;
/** As many writes go out at once in a frame, without status lines below them; the rest is put together. */
const WRITES_PER_FRAME = 32;

export interface StatusLines {
  /** What to show now; each line must fit in the given number of columns. */
  lines(columns: number, rows: number): string[];
}

export class Terminal {
  readonly #fd: number;
  /** None where the output is no terminal. */
  readonly #status: StatusLines | undefined;
  #pending = "";
  #drawn: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #frameEnds = 0;
  #writes = 0;
  #suspended = false;
  #held = false;
  #failure: BstError | undefined;

  /** Why some of the reports could not be written, if nobody stopped reading them. */
  get failure(): BstError | undefined {
    return this.#failure;
  }

  constructor(fd: number, status?: StatusLines) {
    this.#fd = fd;
    this.#status = status;
  }

  /** Adds whole lines. */
  write(text: string): void {
    this.#pending += text;
    if (this.#held) return;
    const free = performance.now() >= this.#frameEnds;
    if (free || this.#writes < (this.#drawn.length > 0 ? 1 : WRITES_PER_FRAME)) this.#draw();
    else this.#drawLater();
  }

  /** Draws the status lines again within a frame's time: something about them changed. */
  refresh(): void {
    if (this.#status) this.#drawLater();
  }

  /** Writes what is pending and takes the status lines away, until the next write or refresh. */
  flush(): void {
    this.#stopTimer();
    if (!this.#held) this.#put([]);
  }

  /** Takes the status lines away while the terminal is somebody else's: a prompt, a shell. Lines may wait, too. */
  suspend(holdLines = false): void {
    this.flush();
    this.#suspended = true;
    this.#held = holdLines;
  }

  resume(): void {
    this.#suspended = false;
    this.#held = false;
    this.#drawLater();
  }

  #drawLater(): void {
    this.#timer ??= setTimeout(() => this.#draw(), this.#frameEnds - performance.now()).unref();
  }

  #draw(): void {
    this.#stopTimer();
    const now = performance.now();
    if (now >= this.#frameEnds) {
      this.#frameEnds = now + FRAME_MS;
      this.#writes = 0;
    }
    this.#writes += 1;
    this.#put(this.#suspended ? [] : this.#statusLines());
  }

  #statusLines(): string[] {
    if (!this.#status) return [];
    // Nobody may have said how large it is: then it has no columns.
    return this.#status.lines(process.stderr.columns || 80, process.stderr.rows || 24);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #put(lines: string[]): void {
    const same = lines.length === this.#drawn.length && lines.every((line, index) => line === this.#drawn[index]);
    if (this.#pending === "" && same) return;
    // Up to the first status line, and erase from there to the end of the screen.
    const erase = this.#drawn.length > 0 ? `\x1b[${this.#drawn.length}F\x1b[J` : "";
    const text = erase + this.#pending + lines.map((line) => `${line}\n`).join("");
    this.#pending = "";
    this.#drawn = lines;
    try {
      writeAll(this.#fd, Buffer.from(text));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      // Where nobody reads the reports, and where there is no room for them, the work itself goes on.
      if (code !== "EPIPE") this.#failure ??= unwritten(error);
    }
  }
}

function unwritten(cause: unknown): BstError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BstError("app", `The log cannot be written: ${why}`, { reason: "output-not-written", cause });
}
