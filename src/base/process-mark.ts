/** Marks of processes on this machine: whether whoever left something is still at it. */
import { readFileSync } from "node:fs";

/** Of this process: digits and a `-`. */
export const OWN_MARK: string = markOf("self") ?? String(process.pid);

/** Whether the process of a mark still runs. */
export function isRunning(mark: string): boolean {
  return markOf(mark.split("-")[0] ?? "") === mark;
}

/** Its number, which others have later, and when it began. */
function markOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name before may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : `${Number.parseInt(stat, 10)}-${fields[19]}`;
  } catch {
    return undefined;
  }
}
