/** Differences between what the two programs show, small enough to read. */
import { expect } from "vitest";
import type { ErrorRecord, RunResult } from "../helpers.ts";
import { type Answers, parseShown } from "./oracle.ts";

const shownDifferences = 8;

/** What has to agree of a command's end: exit status, and of its error everything but the wording. */
interface Ending {
  readonly code: number | null;
  readonly domain?: string | null | undefined;
  readonly reason?: string | null | undefined;
  /** The first `file [line L column C]` of the message. */
  readonly place?: string | undefined;
  readonly task?: ErrorRecord["task"];
}

function ending({ code, error }: RunResult): Ending {
  if (error === undefined) return { code };
  const { domain, reason, message, task } = error;
  return { code, domain, reason, place: /(\S+) \[line \d+ column \d+\]/.exec(message)?.[0], task: task ?? null };
}

/** BuildStream ended by a fault of its own. */
function crashed({ code, error }: RunResult): boolean {
  return code !== 0 && (error === undefined ? code !== 2 : error.unhandled === true);
}

/** The text that helps to find out why: the reference's error, or the other's where that alone failed. */
function explanation({ theirs, ours }: Answers<RunResult>): string {
  const last = (text: string) => text.trimEnd().split("\n").slice(-12).join("\n");
  return `BuildStream: ${theirs.error?.message ?? "succeeded"}\nbst-ts: ${ours.error?.message ?? last(ours.stderr)}`;
}

/**
 * Expects that both ended alike: both succeeded, or failed for the same reason at the same place.
 * Where BuildStream names no place ours may, and where it crashes ours is a proper error of loading.
 */
export function expectSameEnding(answers: Answers<RunResult>): void {
  const theirs = ending(answers.theirs);
  const ours = ending(answers.ours);
  if (crashed(answers.theirs)) {
    expect(ours, explanation(answers)).toMatchObject({ code: 255, domain: "load" });
    return;
  }
  const place = theirs.place === undefined ? {} : { place: ours.place };
  expect({ ...ours, place: undefined, ...place }, explanation(answers)).toEqual({ place: undefined, ...theirs });
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
