/** The user configuration's `message-format`: columns that each render a part of a message. */
import { LoadError } from "../base/errors.ts";
import type { Message, MessageType } from "../base/messages.ts";
import type { LogSettings } from "./settings.ts";
import type { Format, Styles } from "./style.ts";
import { clockFields, durationFields, pad } from "./time.ts";

export type Column = (message: Message, now: Date) => string;

const ACTION_NAMES: Partial<Record<MessageType, string>> = { warn: "WARNING" };

const ACTION_COLORS: Record<MessageType, Format> = {
  debug: "cyan",
  status: "cyan",
  info: "magenta",
  warn: "yellow",
  log: "yellow",
  start: "blue",
  success: "green",
  failure: "red",
  skipped: "yellow",
  error: "red",
  bug: "red",
};

/** Whether the message tells of something that went wrong. */
export function isFailure(type: MessageType): boolean {
  return type === "failure" || type === "error" || type === "bug";
}

/** Whether the settings want it on the terminal and in the main log. */
export function isShown({ type, silenced }: Message, settings: LogSettings): boolean {
  if (type === "log") return false;
  if (type === "debug" && !settings.debug) return false;
  if (type === "status" && !settings.verbose) return false;
  return !silenced || type === "info" || type === "warn" || isFailure(type);
}

/** The action column: `START  `, `WARNING`, … */
export function actionName(type: MessageType): string {
  return (ACTION_NAMES[type] ?? type.toUpperCase()).padEnd(7);
}

/** The path of a log file as shown: below the folder of log files, where it is there. */
export function abbreviateLogFile(path: string, logDirectory: string): string {
  return logDirectory !== "" && path.startsWith(logDirectory)
    ? path.slice(logDirectory.length).replace(/^\/+/, "")
    : path;
}

/**
 * @param format text with `%{elapsed}`, `%{elapsed-us}`, `%{wallclock}`, `%{wallclock-us}`, `%{key}`, `%{element}`,
 * `%{action}` and `%{message}`; `%%` is a percent sign
 * @throws LoadError invalid-data
 */
export function parseMessageFormat(format: string, settings: LogSettings, styles: Styles): Column[] {
  const variables = createColumns(settings, styles);
  const columns: Column[] = [];
  for (const [token, name, literal] of format.matchAll(/%\{([^}]+)\}|%%|([^%]+)|%/g)) {
    if (name !== undefined) {
      const column = variables[name];
      if (column === undefined) {
        throw new LoadError("invalid-data", `message-format has '%{${name}}'; there are ${list(variables)}`);
      }
      columns.push(column);
    } else if (token === "%") {
      throw new LoadError("invalid-data", `message-format has a single '%': write '%%' for a percent sign: ${format}`);
    } else {
      const text = styles.frame(literal ?? "%");
      columns.push(() => text);
    }
  }
  return columns;
}

function list(variables: Record<string, Column>): string {
  return Object.keys(variables)
    .map((name) => `%{${name}}`)
    .join(" ");
}

function createColumns({ keyLength, logDirectory }: LogSettings, styles: Styles): Record<string, Column> {
  const { content, frame, paint } = styles;
  const clock = (fields: string[]) => fields.map(content).join(frame(":"));
  const duration = (milliseconds: number | undefined) => clock(durationFields(milliseconds));
  const microseconds = (milliseconds: number) => `.${pad(Math.floor((milliseconds % 1000) * 1000), 6)}`;
  const noKey = " ".repeat(keyLength);

  return {
    elapsed: ({ elapsedMs }) => duration(elapsedMs),
    "elapsed-us": ({ elapsedMs }) =>
      duration(elapsedMs) + content(elapsedMs === undefined ? ".------" : microseconds(elapsedMs)),
    wallclock: (_, now) => clock(clockFields(now)),
    "wallclock-us": (_, now) => clock(clockFields(now)) + content(microseconds(now.getMilliseconds())),
    key: ({ type, key: own, job }) => {
      const key = job?.key ?? own;
      if (key === undefined || keyLength === 0) return noKey;
      if (isFailure(type)) return styles.error(key.brief);
      return key.strict ? content(key.brief) : paint(["yellow", "dim"], key.brief);
    },
    element: ({ task, element, job }) =>
      content((task ?? job?.action ?? "main").padStart(8)) +
      frame(":") +
      content((job?.element ?? element ?? "core activity").padEnd(30)),
    action: ({ type }) => {
      const color = ACTION_COLORS[type];
      return paint([...(Array.isArray(color) ? color : [color]), "bold", "dim"], actionName(type));
    },
    message: ({ type, text, scheduler, logFile }) =>
      scheduler && logFile !== undefined && (type === "start" || type === "success")
        ? paint(["yellow", "dim"], abbreviateLogFile(logFile, logDirectory))
        : text,
  };
}
