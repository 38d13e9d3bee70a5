/** Differences between what the two programs show, small enough to read. */
import { expect } from "vitest";
import type { ErrorRecord, RunResult } from "../helpers.ts";
import { type Answers, parseShown } from "./oracle.ts";

const shownDifferences = 8;

/** What has to agree of a command's end: exit status, and of its error everything but the wording. */
function ending(result: RunResult): object {
  return { code: result.code, error: result.error && outline(result.error) };
}

function outline(error: ErrorRecord): object {
  const { domain, reason, message, task } = error;
  const provenance = /(\S+) \[line \d+ column \d+\]/.exec(message)?.[0];
  return { domain, reason, provenance, task: task ?? null };
}

/** The text that helps to find out why: the reference's error, or the other's where that alone failed. */
function explanation({ theirs, ours }: Answers<RunResult>): string {
  const last = (text: string) => text.trimEnd().split("\n").slice(-12).join("\n");
  return `BuildStream: ${theirs.error?.message ?? "succeeded"}\nbst-ts: ${ours.error?.message ?? last(ours.stderr)}`;
}

/** Expects that both ended alike: both succeeded, or failed for the same reason at the same place. */
export function expectSameEnding(answers: Answers<RunResult>): void {
  expect(ending(answers.ours), explanation(answers)).toEqual(ending(answers.theirs));
}

/** Expects that both showed the same elements in the same order with the same values. */
export function expectSameElements(answers: Answers<RunResult>): void {
  expectSameEnding(answers);
  const theirs = parseShown(answers.theirs.stdout);
  const ours = parseShown(answers.ours.stdout);
  expect([...ours.keys()]).toEqual([...theirs.keys()]);
  const different: Answers<Record<string, string | undefined>> = { theirs: {}, ours: {} };
  let count = 0;
  for (const [element, fields] of theirs)
    for (const [field, value] of Object.entries(fields)) {
      const other = ours.get(element)?.[field];
      if (other === value || ++count > shownDifferences) continue;
      different.theirs[`${element} ${field}`] = value;
      different.ours[`${element} ${field}`] = other;
    }
  expect(different.ours, `${count} values differ`).toEqual(different.theirs);
}
