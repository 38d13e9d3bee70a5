/** Every command of the program, by name. */
import { RULE_IDS } from "../../views/lint/rule-ids.ts";
import { artifact } from "./artifact.ts";
import {
  ARTIFACT,
  artifactRemotes,
  DEPS,
  ELEMENT,
  ignoreProjectArtifactRemotes,
  ignoreProjectSourceRemotes,
  NEW_FILE,
  sourceRemotes,
  TEXT,
  targets,
} from "./common.ts";
import { image } from "./image.ts";
import { source } from "./source.ts";
import {
  any,
  type Command,
  choice,
  choiceOr,
  choices,
  command,
  elementNames,
  flag,
  type Group,
  integer,
  one,
  optional,
  ownFlag,
  pairs,
  path,
  pathOr,
  single,
  text,
  textOr,
  type ValuesOf,
} from "./types.ts";
import { workspace } from "./workspace.ts";

const DEPS_CHOICES = ["none", "run", "build", "all"] as const;

const tree = {
  artifact,
  build: command({
    summary: "Build elements",
    description: ["Builds elements, and whatever is needed for that.", ...targets("built"), ...DEPS],
    options: {
      deps: choice("-d --deps", ["none", "build", "run", "all"], "Dependencies to build as well"),
      artifactRemotes: artifactRemotes.both,
      sourceRemotes: sourceRemotes.both,
      ignoreProjectArtifactRemotes,
      ignoreProjectSourceRemotes,
      retryFailed: flag("-r --retry-failed", "Build elements again whose build has failed before"),
      dryRun: ownFlag("--dry-run", "Show which jobs would be run, and why; fetch, build and write nothing"),
      showCommands: ownFlag("--show-commands", "With --dry-run: show what each job would run as well"),
      json: ownFlag("--json", "With --dry-run: print all as JSON"),
    },
    arguments: { elements: any("ELEMENTS", ELEMENT) },
  }),
  completion: command({
    summary: "Print a script for shell completion",
    description: [
      "Prints a script that lets a shell complete the arguments of this program, to be read where the shell starts:",
      ' bash  eval "$(bst-ts completion bash)"\n' +
        ' zsh   eval "$(bst-ts completion zsh)"\n' +
        " fish  bst-ts completion fish | source",
    ],
    options: {},
    arguments: { shell: one("SHELL", ["bash", "zsh", "fish"]) },
    own: true,
  }),
  graph: command({
    summary: "Show the graph of elements",
    description: [
      "Writes elements and what each depends on: for Graphviz (dot), Mermaid, other programs (json), or as a web page " +
        "(html) with search, that needs no network.",
      ...targets("shown with all that they depend on"),
      "--deps says which dependencies of the targets are meant:",
      " all    all\n" +
        " build  what is needed to build the targets, without these\n" +
        " run    the targets and what they need at run time\n" +
        " plan   what a build would do something for",
    ],
    options: {
      format: choiceOr("-f --format", ["dot", "mermaid", "json", "html"], "dot", "What to write"),
      deps: choiceOr("-d --deps", ["all", "build", "run", "plan"], "all", "Dependencies to show as well"),
      output: path("--output", NEW_FILE, "Write to this file, and not to the standard output", { metavar: "FILE" }),
    },
    arguments: { elements: any("ELEMENTS", ELEMENT) },
    own: true,
  }),
  help: command({
    summary: "Show how a command is used",
    description: ["Shows how a command is used."],
    options: { json: ownFlag("--json", "Describe the command, with all below it, as JSON") },
    arguments: { command: any("COMMAND", { kind: "command" }) },
  }),
  image,
  init: command({
    summary: "Begin a new project",
    description: [
      "Writes a project.conf to the current folder or TARGET_DIRECTORY, and makes a folder for elements beside it.",
      "Without --project-name it asks.",
    ],
    options: {
      projectName: text("--project-name", "Name of the project"),
      minVersion: textOr("--min-version", "2.8", "Oldest version of BuildStream that can load the project"),
      elementPath: pathOr("--element-path", NEW_FILE, "elements", "Folder for elements, below the project's", true),
      force: flag("-f --force", "Overwrite a project.conf that exists"),
    },
    arguments: {
      targetDirectory: optional("TARGET_DIRECTORY", {
        kind: "path",
        path: { type: "directory", readable: true, writable: true },
      }),
    },
  }),
  lint: command({
    summary: "Find mistakes in how images are put together",
    description: [
      "Checks elements for mistakes that no build complains of, such as a stack where a layer should be, ldconfig after " +
        "build-oci, or a package that reaches no image. Nothing is built for that. Rules that look into artifacts use " +
        "those that are in the cache, and it is told what they could not check.",
      "Without arguments all elements of the project are checked, otherwise those named and what they depend on in the same project.",
      "An element that means it so says it in its public data:",
      " public:\n   lint:\n     ignore: [stack-as-layer]",
      "The exit status is 1 where there are errors or warnings.",
    ],
    options: {
      rule: choices("--rule", RULE_IDS, "Check this rule only"),
      listRules: ownFlag("--list-rules", "Show which rules there are"),
      json: ownFlag("--json", "Print all as JSON"),
    },
    arguments: { elements: any("ELEMENTS", ELEMENT) },
    own: true,
  }),
  schema: command({
    summary: "Print the JSON schema of a file",
    description: [
      "Prints a JSON schema for editors: of project.conf, of elements by their kinds, of junctions, or of the user " +
        "configuration.",
      "docs/editors.md says how yaml-language-server takes it.",
    ],
    options: {},
    arguments: { name: one("NAME", ["project", "element", "junction", "user"]) },
    own: true,
  }),
  shell: command({
    summary: "Run a command where an element would run",
    description: [
      "Runs COMMAND, or the project's shell, in a sandbox with an element and what it needs at run time, all of which " +
        "must be in the cache. In the folder of a workspace, the workspace's element is the default.",
      "With --build the sandbox is that of the element's build.",
      "What follows '--' belongs to the command:",
      " bst-ts shell example.bst -- df -h",
    ],
    options: {
      build: flag("-b --build", "Use the sandbox of the element's build, with its sources"),
      mount: pairs(
        "--mount",
        [{ kind: "path", path: { type: "any", mustExist: true, readable: true } }, TEXT],
        "HOSTPATH PATH",
        "Show a file or folder of this machine in the sandbox",
      ),
      isolate: flag("--isolate", "Isolate the sandbox as that of a build"),
      useBuildtree: flag("-t --use-buildtree", "Use the build tree that is in the cache, or fail without one"),
      artifactRemotes: artifactRemotes.both,
      sourceRemotes: sourceRemotes.both,
      ignoreProjectArtifactRemotes,
      ignoreProjectSourceRemotes,
    },
    arguments: { target: optional("TARGET", ARTIFACT), command: any("COMMAND", TEXT) },
  }),
  show: command({
    summary: "Show elements",
    description: [
      "Shows the elements of a pipeline, without building any.",
      ...targets("shown"),
      ...DEPS,
      "--format says what is shown of an element; it may contain:",
      " %{name}                 name\n" +
        " %{kind}                 kind\n" +
        " %{description}          description, on one line\n" +
        " %{state}                cached, failed, buildable, fetch needed, waiting, no reference or junction\n" +
        " %{key}                  first digits of the cache key\n" +
        " %{full-key}             cache key\n" +
        " %{artifact-cas-digest}  digest of the artifact's files\n" +
        " %{config} %{vars} %{env} %{public}\n" +
        "                         configuration, variables, environment, public data\n" +
        " %{deps} %{build-deps} %{runtime-deps}\n" +
        "                         direct dependencies\n" +
        " %{source-info}          where the sources come from\n" +
        " %{workspaced}           whether it has a workspace\n" +
        " %{workspace-dirs}       folder of the workspace",
      "Text is aligned as Python's format() does it: '%{name: ^20}' centres in 20 columns, '%{state: >12}' aligns to " +
        "the right.",
    ],
    options: {
      except: elementNames("--except", "Leave out this element and what only it depends on"),
      deps: choiceOr("-d --deps", DEPS_CHOICES, "all", "Dependencies to show as well"),
      order: choiceOr("--order", ["stage", "alpha"], "stage", "In the order of staging, or by name"),
      format: text("-f --format", "What to show of each element", { metavar: "FORMAT" }),
    },
    arguments: { elements: any("ELEMENTS", ELEMENT) },
  }),
  source,
  why: command({
    summary: "Show how a file came into an image, or why it did not",
    description: [
      "Follows a file from the element that installs it through composes, filters and scripts into IMAGE, or to the step " +
        "that left it out, removed it, or put another one over it. FILE is a path in the image, a folder, or a pattern: " +
        "'*' stays within a folder, '**' does not.",
      "IMAGE is an element: an image of kind oci, a script that makes one, or anything that such are made of. What is in " +
        "the cache is looked into, and it is told what was missing.",
      " bst-ts why /usr/include/zlib.h oci/app.bst",
      "The exit status is 1 where nothing is known of such a file.",
    ],
    options: {
      index: integer("--index", "Which image is meant, where an element has several: counted from 0"),
      json: ownFlag("--json", "Print all as JSON"),
    },
    arguments: { file: single("FILE", TEXT), image: single("IMAGE", ELEMENT) },
    own: true,
  }),
  "why-key": command({
    summary: "Show why an element's key is another than it was",
    description: [
      "Compares what goes into the key of an element now with what went into that of the last artifact with another key: " +
        "configuration, environment, public data, sources, and what it is built from, down to where the change began.",
      "Of artifacts that were built elsewhere, only a part of that is known.",
    ],
    options: {
      against: text("--against", "Compare with the artifact of this key", { metavar: "KEY" }),
      json: ownFlag("--json", "Print all as JSON"),
    },
    arguments: { element: single("ELEMENT", ELEMENT) },
    own: true,
  }),
  workspace,
};

export const commands: Readonly<Record<string, Command | Group>> = tree;

type Tree = typeof tree;

type NamesOf<T> = {
  [Name in keyof T & string]: T[Name] extends { readonly commands: infer C } ? `${Name} ${keyof C & string}` : Name;
}[keyof T & string];

/** `build`, `artifact checkout`, … */
export type CommandName = NamesOf<Tree>;

type Find<Name extends string> = Name extends `${infer G} ${infer C}`
  ? G extends keyof Tree
    ? Tree[G] extends { readonly commands: infer Commands }
      ? C extends keyof Commands
        ? Commands[C]
        : never
      : never
    : never
  : Name extends keyof Tree
    ? Tree[Name]
    : never;

/** The parsed options and arguments of a command. */
export type OptionsOf<Name extends CommandName> = Find<Name> extends infer C extends Command ? ValuesOf<C> : never;
