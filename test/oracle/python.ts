/** Questions to single functions of the reference implementation, many at a time in one Python process. */
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { BstError } from "../../src/base/errors.ts";

const { BST_ORACLE } = process.env;
/** Folder of a reference installation: `$BST_ORACLE`, or else one in the user's cache folder. */
export const installation = BST_ORACLE ?? join(homedir(), ".cache/bst-ts-oracle");
export const python = join(installation, "venv/bin/python");

/**
 * Runs `answer(question)`, which `script` defines, for each question.
 * An answer is `{ "value": … }`, or `{ "error": [type, reason, message, detail] }` where the function raised.
 */
export function askEach<T>(script: string, questions: readonly unknown[]): Answer<T>[] {
  const program = `
import json, sys
${script}
def outcome(question):
    try:
        return {"value": answer(question)}
    except Exception as error:
        reason = getattr(error, "reason", None)
        reason = getattr(reason, "name", reason)
        return {"error": [type(error).__name__, reason and reason.lower().replace("_", "-"), str(error), getattr(error, "detail", None)]}
print(json.dumps([outcome(question) for question in json.load(sys.stdin)]))
`;
  const { status, stdout, stderr, error } = spawnSync(python, ["-c", program], {
    input: JSON.stringify(questions),
    encoding: "utf8",
    maxBuffer: 1 << 30,
    env: { ...process.env, PYTHONUTF8: "1", PYTHONDONTWRITEBYTECODE: "1", PYTHONPATH: import.meta.dirname },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`python failed: ${stderr}`);
  return JSON.parse(stdout);
}

export type Answer<T> =
  | { readonly value: T; readonly error?: undefined }
  | {
      readonly value?: undefined;
      readonly error: readonly [type: string, reason: string | null, message: string, detail: string | null];
    };

/** What ours gives, in the same form; the type of an error is left out. */
export function answered<T>(work: () => T): Answer<T> {
  try {
    return { value: work() };
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    return { error: ["", error.reason, error.message, error.detail ?? null] };
  }
}
