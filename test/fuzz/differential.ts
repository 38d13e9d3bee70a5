/** Random questions to both programs, and the answers that differ. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { askEach } from "../oracle/python.ts";
import { composition } from "./composition.ts";
import { compose, type Outcome, parse, type Question } from "./ours.ts";
import { yamlText } from "./yaml.ts";

export interface Difference {
  readonly seed: number;
  /** What was asked about: the text of a file, or of each file. */
  readonly files: Readonly<Record<string, string>>;
  readonly asked: string;
  readonly theirs: Outcome;
  readonly ours: Outcome;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** How many answers both gave as a value, and how many as the same error. */
  readonly values: number;
  readonly errors: number;
}

/** Of an error everything but the wording: domain, reason, and the first place that the message names. */
function told({ value, error }: Outcome): unknown {
  if (error === undefined) return value;
  const [domain, reason, message] = error;
  return [domain, reason, /(\S+) \[line \d+ column \d+\]/.exec(message)?.[0]];
}

function isSame(theirs: Outcome, ours: Outcome): boolean {
  if (theirs.error === undefined || ours.error === undefined) {
    return theirs.error === ours.error && JSON.stringify(theirs.value) === JSON.stringify(ours.value);
  }
  const [domain, reason, place] = told(theirs) as (string | null | undefined)[];
  const [ourDomain, ourReason, ourPlace] = told(ours) as (string | null | undefined)[];
  // Where BuildStream breaks down, ours is a proper error.
  if (domain === null) return ourDomain !== null;
  return domain === ourDomain && reason === ourReason && (place === undefined || place === ourPlace);
}

type Asked = Pick<Difference, "seed" | "files" | "asked">;

function compareAll(asked: readonly Asked[], theirs: readonly Outcome[], ours: readonly Outcome[]): Comparison {
  const differences: Difference[] = [];
  const count = { values: 0, errors: 0 };
  for (const [index, question] of asked.entries()) {
    const missing: Outcome = { error: [null, null, "no answer"] };
    const answers = { theirs: theirs[index] ?? missing, ours: ours[index] ?? missing };
    if (!isSame(answers.theirs, answers.ours)) differences.push({ ...question, ...answers });
    else count[answers.ours.error === undefined ? "values" : "errors"]++;
  }
  return { differences, ...count };
}

/** Calls a function of reference.py for each question. */
function askReference<T>(reference: string, name: string, questions: readonly unknown[]): T[] {
  const script = `
sys.path.insert(0, ${JSON.stringify(reference)})
sys.setrecursionlimit(100000)
from reference import ${name}
answer = ${name}
`;
  return askEach<T>(script, questions).map(({ value, error }) => {
    if (value === undefined) throw new Error(`reference.py failed: ${error?.join(" ")}`);
    return value;
  });
}

function inScratch<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "bst-ts-fuzz-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** @param reference the folder with reference.py */
export function compareYaml(seeds: readonly number[], reference: string): Comparison {
  return compareTexts(seeds.map(yamlText), reference, seeds);
}

/** @param seeds what the texts are called */
export function compareTexts(
  texts: readonly string[],
  reference: string,
  seeds: readonly number[] = [...texts.keys()],
): Comparison {
  return inScratch((directory) => {
    const paths = texts.map((text, index) => {
      const path = join(directory, `${index}.yml`);
      writeFileSync(path, text);
      return path;
    });
    const asked = texts.map((text, index): Asked => ({ seed: seeds[index] ?? index, files: { x: text }, asked: "x" }));
    return compareAll(asked, askReference<Outcome>(reference, "parse", paths), texts.map(parse));
  });
}

/** @param reference the folder with reference.py */
export function compareCompositions(seeds: readonly number[], reference: string): Comparison {
  return inScratch((directory) => {
    const config = join(directory, "user.conf");
    writeFileSync(config, `cachedir: ${directory}/cache\nbuild: { max-jobs: 4 }\n`);
    const projects = seeds.map((seed) => ({ seed, ...composition(seed) }));
    const questions = projects.map(({ seed, files, options, targets }): Question => {
      const project = join(directory, String(seed));
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(project, path)), { recursive: true });
        writeFileSync(join(project, path), text);
      }
      return { directory: project, config, options, targets };
    });
    const asked = projects.flatMap(({ seed, files, options, targets }) =>
      targets.map((target): Asked => ({ seed, files, asked: [...options.flat(), target].join(" ") })),
    );
    const theirs = askReference<Outcome[]>(reference, "compose", questions).flat();
    return compareAll(asked, theirs, questions.flatMap(compose));
  });
}
