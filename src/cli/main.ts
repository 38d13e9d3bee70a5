/** The program: finds the command to run, runs it, and ends as BuildStream does. */
import { BstError } from "../base/errors.ts";
import { BUILDSTREAM_VERSION, VERSION } from "../base/version.ts";
import type { CommandContext } from "./app.ts";
import { describeBug, EXIT, writeErrorRecord } from "./failure.ts";
import { formatHelp, formatUsage, PROGRAM } from "./help.ts";
import { Interruption } from "./interruption.ts";
import { isClosedOutput, writeError, writeOutput } from "./output.ts";
import { type Parsed, parseCommandLine } from "./parse.ts";
import { UsageError } from "./usage.ts";

type CommandModule = {
  readonly run: (context: CommandContext, options: object) => Promise<number | undefined> | number | undefined;
};

async function main(words: readonly string[]): Promise<number> {
  const { _BST_COMPLETION } = process.env;
  if (_BST_COMPLETION !== undefined) {
    const { printCompletions } = await import("./completion/complete.ts");
    await printCompletions(words, process.env);
    return EXIT.success;
  }
  let parsed: Parsed;
  try {
    parsed = parseCommandLine(words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const help = [PROGRAM, ...error.path, "--help"].join(" ");
    writeError(`${formatUsage(error.path)}\nTry '${help}' for help.\n\nError: ${error.message}\n`);
    return EXIT.usage;
  }
  switch (parsed.kind) {
    case "version":
      // The first part is what projects compare `min-version` with.
      writeOutput(`${BUILDSTREAM_VERSION}+bst-ts.${VERSION}\n`);
      return EXIT.success;
    case "help": {
      if (parsed.json) {
        const { describeCommands } = await import("./help-json.ts");
        writeOutput(`${describeCommands(parsed.path)}\n`);
        return EXIT.success;
      }
      const page = formatHelp(parsed.path) ?? "";
      if (parsed.asked) writeOutput(page);
      else writeError(page);
      return parsed.asked ? EXIT.success : EXIT.usage;
    }
    case "run":
      return runCommand(parsed);
  }
}

async function runCommand({ globals, path, options }: Extract<Parsed, { kind: "run" }>): Promise<number> {
  const { createContext } = await import("./app.ts");
  const interruption = new Interruption();
  const context = createContext(globals, interruption);
  const { reporter } = context;
  try {
    const { run } = await loadCommand(path);
    const status = await run(context, options);
    reporter.finish();
    if (reporter.failure !== undefined) throw reporter.failure;
    return status ?? EXIT.success;
  } catch (thrown) {
    reporter.flush();
    if (isClosedOutput(thrown)) return EXIT.closed;
    const error = interruption.signal.aborted && !(thrown instanceof BstError) ? interruptedError(thrown) : thrown;
    if (!(error instanceof BstError)) throw error;
    const { domain, reason, message: text, detail, stack } = error;
    reporter.emit({
      type: "command-failed",
      domain,
      reason,
      text,
      ...(detail !== undefined && { detail }),
      ...(reporter.settings.debug && stack !== undefined && { stack }),
    });
    reporter.finish();
    writeErrorRecord(error, reporter.lastTaskError);
    return EXIT.failure;
  } finally {
    context.end();
  }
}

/** Each command is a bundle of its own, read when it is run. */
async function loadCommand(path: readonly string[]): Promise<CommandModule> {
  const name = path.join("-");
  try {
    return await import(`./commands/${name}.ts`);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("Module not found in bundle")) {
      throw new BstError("app", `'${path.join(" ")}' is not implemented yet`);
    }
    throw error;
  }
}

function interruptedError(cause: unknown): BstError {
  return new BstError("stream", "Interrupted", { cause });
}

function endUnprepared(error: unknown): never {
  if (isClosedOutput(error)) process.exit(EXIT.closed);
  writeError(error instanceof BstError ? `Error: ${error.message}\n` : describeBug(error));
  writeErrorRecord(error);
  process.exit(EXIT.failure);
}

process.on("uncaughtException", endUnprepared);
main(process.argv.slice(2)).then((status) => process.exit(status), endUnprepared);
