/** Times as reports show them, in the local time zone. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

export function pad(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}

/** Hours, minutes and seconds of a duration in milliseconds, or dashes where there is none. */
export function durationFields(milliseconds: number | undefined): string[] {
  if (milliseconds === undefined) return ["--", "--", "--"];
  const seconds = Math.floor(milliseconds / 1000);
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((field) => pad(field));
}

/** `HH:MM:SS`, or `--:--:--`. */
export function formatDuration(milliseconds: number | undefined): string {
  return durationFields(milliseconds).join(":");
}

export function clockFields(time: Date): string[] {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((field) => pad(field));
}

/** `Saturday, 21-11-2026 at 10:52:00`. */
export function formatDate(time: Date): string {
  const date = `${pad(time.getDate())}-${pad(time.getMonth() + 1)}-${time.getFullYear()}`;
  return `${DAYS[time.getDay()]}, ${date} at ${clockFields(time).join(":")}`;
}

/** `20261121-105200`, as in names of log files. */
export function formatTimestamp(time: Date): string {
  return `${time.getFullYear()}${pad(time.getMonth() + 1)}${pad(time.getDate())}-${clockFields(time).join("")}`;
}
