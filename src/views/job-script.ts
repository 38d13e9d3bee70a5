/** What a job would run, as a shell script to be read. */
import { quote } from "../base/quote.ts";
import type { PlannedJob } from "./plan.ts";
import { type RecordedCommand, type RecordTools, recordBuild, type Step } from "./recorded-build.ts";

/** How many names of staged elements are written out. */
const LISTED = 8;

/** Lines without indentation; none for jobs that only move what is in caches. */
export async function jobScript({ action, element }: PlannedJob, tools: RecordTools): Promise<string[]> {
  if (action === "fetch") {
    return element
      .sourceInfo()
      .map(({ kind, medium, url, version }) => `# ${kind}: ${url}${medium === "local" ? "" : ` ${version}`}`);
  }
  if (action !== "build") return [];
  const lines: string[] = [];
  let before: RecordedCommand | undefined;
  for (const step of await recordBuild(element, tools)) {
    lines.push(...describe(step));
    if (step.type !== "run") continue;
    for (const command of step.commands) {
      if (command.text.trim() === "") continue;
      lines.push(...surroundings(before, command), `sh -e -c ${quote(command.text)}`);
      before = command;
    }
  }
  const { buildUid, buildGid, remoteApisSocket } = element.sandbox;
  if (before !== undefined) {
    const user = `# as user ${buildUid ?? 0}, group ${buildGid ?? 0}, without network`;
    const socket = remoteApisSocket === undefined ? [] : [`# mount ${remoteApisSocket.path}: a socket of the cache`];
    lines.unshift(user, ...socket);
  }
  return lines;
}

function describe(step: Step): string[] {
  switch (step.type) {
    case "stage": {
      const names = step.elements.map(({ fullName }) => fullName);
      const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : "";
      const { include, exclude, orphans } = step.selection;
      const parts = [
        ...(include === undefined ? [] : [`only ${include.join(", ")}`]),
        ...(exclude === undefined ? [] : [`without ${exclude.join(", ")}`]),
        ...(orphans === false ? ["nothing of no domain"] : []),
      ];
      const selection = parts.length === 0 ? "" : ` (${parts.join("; ")})`;
      return [`# mount ${step.path}: ${names.slice(0, LISTED).join(", ") || "nothing"}${more}${selection}`];
    }
    case "sources":
      return [`# mount ${step.path}: the sources`];
    case "run": {
      const others = step.writable.join(", ") || "nothing";
      const root = step.readOnlyRoot ? `# all is read-only but ${others}` : "# all is writable";
      const served = step.served === undefined ? [] : [`# ${step.served} is carried out by this program, from outside`];
      return [...(step.isIntegration ? ["# integration commands of what is staged"] : []), root, ...served];
    }
    case "unknown":
      return ["# what follows depends on files that are not there yet"];
  }
}

/** What differs between two commands' surroundings. */
function surroundings(before: RecordedCommand | undefined, after: RecordedCommand): string[] {
  const old = before?.environment ?? {};
  const lines: string[] = [];
  if (before?.directory !== after.directory) lines.push(`cd ${quote(after.directory)}`);
  for (const name of Object.keys(old)) if (!(name in after.environment)) lines.push(`unset ${name}`);
  for (const [name, value] of Object.entries(after.environment)) {
    if (old[name] !== value) lines.push(`export ${name}=${quote(value)}`);
  }
  return lines;
}
