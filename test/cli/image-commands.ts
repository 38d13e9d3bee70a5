/** The commands of `bst-ts image`, run in a project. */
import { type RunOptions, type RunResult, runCli } from "../helpers.ts";

export interface ImageCommands {
  /** @param words those after `image`, separated by spaces if they are one text */
  run(words: string | readonly string[], options?: RunOptions): Promise<RunResult>;
  /** What a command prints that goes well. */
  output(words: string, options?: RunOptions): Promise<string>;
}

/** @param common where and with which configuration they run, unless other is said */
export function imageCommands(common: RunOptions): ImageCommands {
  const run = (words: string | readonly string[], options: RunOptions = {}) =>
    runCli(["image", ...(typeof words === "string" ? words.split(" ") : words)], { ...common, ...options });
  return {
    run,
    async output(words, options) {
      const { code, stdout, stderr } = await run(words, options);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },
  };
}

export function only<T>(values: Iterable<T>): T {
  const [value, ...others] = values;
  if (value === undefined || others.length > 0) throw new Error("There is not just one");
  return value;
}
