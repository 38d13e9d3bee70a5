/** `init`: writes the project.conf of a new project, asking for what it must say where there is somebody to ask. */
import { existsSync, writeFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { BstError, LoadError } from "../../base/errors.ts";
import { makeFolders } from "../../base/folders.ts";
import { BUILDSTREAM_VERSION } from "../../base/version.ts";
import { createStyles } from "../../report/style.ts";
import type { CommandContext, Run } from "../app.ts";
import { PROGRAM } from "../help.ts";
import { Prompter } from "../prompt.ts";

interface Choices {
  readonly name: string;
  readonly minVersion: string;
  readonly elementPath: string;
}

export const run: Run<"init"> = async (context, options) => {
  const directory = resolve(options.targetDirectory ?? context.cwd);
  if (context.globals.directory !== undefined) {
    throw new BstError("app", "init does not take the project's folder from -C or --directory", {
      reason: "init-with-set-directory",
      detail: `Name it behind the command: ${PROGRAM} init ${context.directory}`,
    });
  }
  const projectConf = join(directory, "project.conf");
  if (!options.force && existsSync(projectConf)) {
    throw new BstError("app", `There is a project already: ${projectConf}`, { reason: "project-exists" });
  }
  const { projectName: name, minVersion, elementPath } = options;
  const choices =
    name === undefined
      ? await askChoices(context, minVersion, elementPath)
      : checkChoices({ name, minVersion, elementPath });
  writeProject(directory, projectConf, choices);
  context.printError(`\nCreated project.conf at: ${projectConf}`);
  return undefined;
};

function checkChoices({ name, minVersion, elementPath }: Choices): Choices {
  return {
    name: checkName(name),
    minVersion: checkMinVersion(minVersion),
    elementPath: checkElementPath(elementPath),
  };
}

async function askChoices(context: CommandContext, minVersion: string, elementPath: string): Promise<Choices> {
  if (!context.interactive) {
    throw new BstError("app", "A new project needs a name: give it by --project-name", {
      reason: "unspecified-project-name",
    });
  }
  const { content, frame, detail } = createStyles(context.colors);
  const prompter = new Prompter(context.signal);
  const introduce = (title: string, lines: readonly string[]) =>
    prompter.say(`\n${content(title)}\n${frame("-".repeat(title.length))}\n\n${detail(lines.join("\n"))}\n`);
  try {
    introduce("The project's name", [
      "  It tells the project from others: in user configurations, in names of artifacts",
      "  on servers that several projects use, and in projects that include this one.",
      "",
      "  Letters, digits, dashes and underscores, not beginning with a digit.",
    ]);
    const name = await prompter.ask({ text: content("Project name"), accept: checkName });
    introduce("The oldest version of BuildStream that can load the project", [
      "  Older ones then say so, instead of failing over what they do not know.",
      "",
      `  From ${MAJOR}.0 to ${MAJOR}.${MINOR}.`,
    ]);
    const version = await prompter.ask({
      text: content("Minimum version"),
      defaultAnswer: minVersion,
      accept: checkMinVersion,
    });
    introduce("The folder for elements", [
      "  Names of elements are paths relative to this folder, which is in the project's.",
    ]);
    const path = await prompter.ask({
      text: content("Element path"),
      defaultAnswer: elementPath,
      accept: checkElementPath,
    });
    return { name, minVersion: version, elementPath: path };
  } finally {
    prompter.close();
  }
}

function checkName(name: string): string {
  if (!/^[A-Za-z_-][\w-]*$/.test(name)) {
    throw new LoadError("invalid-symbol-name", `Invalid symbol name for project name: '${name}'`, {
      detail: "It may have letters, digits, dashes and underscores, and must not begin with a digit.",
    });
  }
  return name;
}

const [MAJOR = 0, MINOR = 0] = BUILDSTREAM_VERSION.split(".").map(Number);

function checkMinVersion(version: string): string {
  const [major, minor] = version.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : undefined));
  if (major !== MAJOR || minor === undefined || minor > MINOR) {
    throw new BstError("app", `'${version}' is no version from ${MAJOR}.0 to ${MAJOR}.${MINOR}`, {
      reason: "invalid-min-version",
    });
  }
  return version;
}

function checkElementPath(path: string): string {
  if (isAbsolute(path) || path.split("/").includes("..")) {
    throw new BstError("app", `The element path '${path}' must be relative, and must not leave the project's folder`, {
      reason: "invalid-element-path",
    });
  }
  return path;
}

function writeProject(directory: string, projectConf: string, { name, minVersion, elementPath }: Choices): void {
  const text = [
    "# The name that tells the project from others.",
    `name: ${name}`,
    "",
    "# The oldest version of BuildStream that can load it.",
    `min-version: ${minVersion}`,
    "",
    "# Where its elements are.",
    `element-path: ${elementPath}`,
    "",
  ];
  try {
    makeFolders(join(directory, elementPath));
    writeFileSync(projectConf, text.join("\n"));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new BstError("app", `Cannot create the project in ${directory}`, { detail, cause: error });
  }
}
