/** One shell script for the commands of a batch, so that they share a sandbox and its temporary files. */

export interface BatchCommand {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workDirectory: string;
  /** What messages call the command. */
  readonly label: string;
}

/** The script for `sh -e -c`, to be started with the folder and the environment of the first command. */
export function batchScript(commands: readonly BatchCommand[]): string {
  let script = "";
  let before: BatchCommand | undefined;
  for (const command of commands) {
    if (before !== undefined) script += changes(before, command);
    before = command;
    // Traced, in a shell of its own, so that neither folder nor variables leak into the next command.
    const complaint = `Command ${quote(`'${command.label}'`)} failed with exitcode`;
    script += `(set -ex; ${command.argv.map(quote).join(" ")}) || (echo ${complaint} $? >&2; exit 1)\n`;
  }
  return script;
}

/** What differs between the surroundings of two commands. */
function changes(before: BatchCommand, after: BatchCommand): string {
  let script = "";
  if (after.workDirectory !== before.workDirectory) {
    const directory = quote(after.workDirectory);
    script += `mkdir -p ${directory}\ncd ${directory}\n`;
  }
  for (const name of Object.keys(before.environment)) {
    if (!(name in after.environment)) script += `unset ${name}\n`;
  }
  for (const [name, value] of Object.entries(after.environment)) {
    if (before.environment[name] !== value) script += `export ${name}=${quote(value)}\n`;
  }
  return script;
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
