/** The frame around commands that build, fetch, track, pull or push. */
import { setFlagsFromString } from "node:v8";
import type { CommandContext } from "./app.ts";

/** Runs the work as a named session, whose end is reported whatever it is; returns or throws what the work does. */
export async function runSession<T>(
  { reporter, signal }: CommandContext,
  name: "Build" | "Fetch" | "Track" | "Pull" | "Push",
  work: () => Promise<T>,
): Promise<T> {
  // Jobs hold on to much at a time: a larger nursery for the garbage collector would be 30 MB on top of it.
  setFlagsFromString("--semi-space-growth-factor=1");
  const began = performance.now();
  const end = (outcome: "success" | "failure" | "terminated") =>
    reporter.emit({ type: "session-ended", name, outcome, elapsedMs: performance.now() - began });
  reporter.emit({ type: "session-started", name });
  try {
    const result = await work();
    end("success");
    return result;
  } catch (error) {
    end(signal.aborted ? "terminated" : "failure");
    throw error;
  }
}
