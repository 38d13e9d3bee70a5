/** `artifact show`: whether artifacts are in the cache, or on a server. */
import pLimit from "p-limit";
import { parseRef } from "../../artifact/refs.ts";
import { activity } from "../../base/activity.ts";
import { BstError } from "../../base/errors.ts";
import { isPullable } from "../../remote/artifacts.ts";
import { createStyles, type Format } from "../../report/style.ts";
import type { CommandContext, Run } from "../app.ts";
import { type ArtifactBench, nameOf, openArtifacts, type Subject } from "../artifacts.ts";
import { artifactServers } from "../servers.ts";

const WIDTH = 12;

export const run: Run<"artifact show"> = async (context, options) => {
  const bench = await openArtifacts(context, options.artifacts, {
    selection: options.deps,
    servers: artifactServers(options),
  });
  const { subjects } = bench;
  const available = await findAvailable(context, bench);
  const { paint } = createStyles(context.colors);
  const lines = subjects.map((subject) => {
    const [color, state] = stateOf(subject, available.has(subject));
    return `${paint(color, state.padStart(WIDTH))} ${paint("yellow", nameOf(subject))}\n`;
  });
  context.print(lines.join(""));
  return undefined;
};

/** Of what is not in the cache, that which could be pulled. */
async function findAvailable(
  { reporter, signal }: CommandContext,
  { tools, subjects }: ArtifactBench,
): Promise<ReadonlySet<Subject>> {
  const available = new Set<Subject>();
  if (!tools.remotes?.artifacts.canPull) return available;
  const limit = pLimit(tools.config.scheduler.fetchers);
  const ask = async (subject: Subject) => {
    const name = parseRef(subject.refs[0] ?? "");
    const servers = name && tools.remotes?.artifacts.forPulling(name.project);
    if (name === undefined || servers === undefined) return;
    if (await isPullable({ servers, signal }, name)) available.add(subject);
  };
  const missing = subjects.filter(({ record }) => record === undefined);
  try {
    await activity(reporter, "Asking servers", () => Promise.all(missing.map((subject) => limit(() => ask(subject)))));
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    throw new BstError("artifact", `A server cannot be asked: ${error.message}`, { cause: error });
  }
  return available;
}

function stateOf({ record }: Subject, isAvailable: boolean): [color: Format, state: string] {
  if (record === undefined) return isAvailable ? ["green", "available"] : ["redBright", "not cached"];
  return record.buildSuccess ? ["magenta", "cached"] : ["red", "failed"];
}
