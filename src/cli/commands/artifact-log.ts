/** `artifact log`: the logs of the builds that made artifacts. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { isatty } from "node:tty";
import { parseRef } from "../../artifact/refs.ts";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import type { Cas } from "../../cas/store.ts";
import type { CommandContext, Run } from "../app.ts";
import { openArtifacts, type Subject, warnOfMissing } from "../artifacts.ts";
import { STDOUT } from "../output.ts";

const FOLDER_EXISTS = 1;

export const run: Run<"artifact log"> = async (context, { artifacts, out }) => {
  const { caches, subjects } = await openArtifacts(context, artifacts);
  const logged = subjects.filter((subject) => hasLogs(context, subject));
  if (out === undefined) {
    const logs = logged.flatMap(({ record }) => record?.logs ?? []);
    for (const { digest } of logs) show(context, caches.cas.read(digest).toString());
    return undefined;
  }
  try {
    fs.mkdirSync(out);
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") {
      context.printError(`Error: ${out} already exists`);
      return FOLDER_EXISTS;
    }
    throw new BstError("app", `Cannot make the folder ${out}: ${error instanceof Error ? error.message : error}`);
  }
  for (const subject of logged) copyLogs(caches.cas, subject, out);
  return undefined;
};

function hasLogs(context: CommandContext, subject: Subject): boolean {
  const { record, refs } = subject;
  if (record === undefined) warnOfMissing(context, subject);
  else if (record.logs.length === 0) {
    context.reporter.emit({ type: "warn", text: `${refs[0]} is cached without log files` });
  }
  return record !== undefined && record.logs.length > 0;
}

/** Page by page where somebody looks at it. */
function show(context: CommandContext, text: string): void {
  if (isatty(STDOUT)) {
    context.reporter.flush();
    const { PAGER = "less" } = process.env;
    const { status } = spawnSync(PAGER, { shell: true, input: text, stdio: ["pipe", "inherit", "inherit"] });
    if (status === 0) return;
  }
  context.print(text);
}

/** To a file named like the element, or like the log if there is one of that name. */
function copyLogs(cas: Cas, { element, refs: [ref = ""], record }: Subject, folder: string): void {
  const name = element?.name.replace(/\.bst$/, "") ?? parseRef(ref)?.normalName ?? ref;
  for (const log of record?.logs ?? []) {
    const file = path.join(folder, `${name}.log`);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(fs.existsSync(file) ? path.join(folder, `${name}.${log.name}`) : file, cas.read(log.digest));
  }
}
