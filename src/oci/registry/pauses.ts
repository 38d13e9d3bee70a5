/** How long is waited before a request is made again: pauses that grow, or what the registry wishes for. */
import { setTimeout as sleep } from "node:timers/promises";
import { counted } from "../../base/counted.ts";

export interface PauseOptions {
  readonly signal: AbortSignal;
  /** The first pause, in milliseconds. */
  readonly pauseMs: number;
  /** Is told of waits that a user would wonder about. */
  readonly info?: ((text: string) => void) | undefined;
}

/** Whoever wishes for more is not waited for. */
export const MAX_PAUSE_MS = 60_000;
/** Waits of so long need a word. */
export const LONG_MS = 3000;

/** Milliseconds that an answer asks to be left alone, by its header `retry-after`: so many seconds, or until a date. */
export function retryAfter({ header }: { header(name: string): string | undefined }): number | undefined {
  const value = header("retry-after") ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** For messages: `90 seconds`, `28 hours`. */
export function wordsOf(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return counted(seconds, "second");
  const minutes = Math.ceil(seconds / 60);
  return minutes < 120 ? counted(minutes, "minute") : counted(Math.ceil(minutes / 60), "hour");
}

/**
 * Pauses grow, with some chance in them so that many do not come back at once.
 * @param attempt how often it was tried before, counted from 0
 */
export async function waitBefore(
  attempt: number,
  { pauseMs, signal, info }: PauseOptions,
  wish?: { readonly ms: number; readonly host: string },
): Promise<void> {
  const pause = pauseMs * 2 ** attempt * (0.75 + Math.random() / 2);
  const ms = Math.min(MAX_PAUSE_MS, Math.max(pause, wish?.ms ?? 0));
  if (wish !== undefined && ms >= LONG_MS) {
    info?.(`The registry ${wish.host} asks to be left alone for ${wordsOf(wish.ms)}: it is asked again then`);
  }
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
