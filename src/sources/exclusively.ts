/** Keeps steps that work on the same repository from running at once, where the program does not do so itself. */

const last = new Map<string, Promise<unknown>>();

/** Runs a step when all that were begun before it with the same path have ended, well or not. */
export async function exclusively<T>(path: string, step: () => Promise<T>): Promise<T> {
  const before = last.get(path) ?? Promise.resolve();
  const result = before.then(step);
  const ended = result.catch(() => {});
  last.set(path, ended);
  try {
    return await result;
  } finally {
    if (last.get(path) === ended) last.delete(path);
  }
}
