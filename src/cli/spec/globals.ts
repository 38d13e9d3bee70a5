/** Options that come before the command. */
import { FOLDER, NEW_FILE, TEXT } from "./common.ts";
import {
  choice,
  choiceOr,
  command,
  flag,
  integer,
  pairs,
  path,
  paths,
  setting,
  text,
  toggle,
  type ValuesOf,
} from "./types.ts";

export const program = command({
  summary: "",
  description: [
    "Builds elements of BuildStream projects, and images of them.",
    "Most of these options go before what the user configuration says.",
  ],
  options: {
    version: flag("--version", "Print the version and exit"),
    config: path(
      "-c --config",
      { type: "file", mustExist: true, readable: true },
      "User configuration to use instead of the default one",
    ),
    directory: path("-C --directory", FOLDER, "Folder of the project, instead of the current one"),
    pluginPath: paths("--plugin-path", FOLDER, "Folder with plugins for this program, one file for each kind"),
    onError: choice("--on-error", ["continue", "quit", "terminate"], "What to do when a job fails"),
    fetchers: integer("--fetchers", "How many downloads may run at a time"),
    builders: integer("--builders", "How many builds may run at a time"),
    pushers: integer("--pushers", "How many uploads may run at a time"),
    maxJobs: integer("--max-jobs", "How many processes one build may run"),
    networkRetries: integer("--network-retries", "How often to try again what the network made fail"),
    noInteractive: flag("--no-interactive", "Never ask, even on a terminal"),
    verbose: toggle("verbose", "Show status messages and the logs of jobs that failed"),
    debug: toggle("debug", "Show debugging messages"),
    errorLines: integer("--error-lines", "How many lines to show of the log of a job that failed"),
    messageLines: integer("--message-lines", "How many lines to show of a message's detail"),
    logFile: path("--log-file", NEW_FILE, "Write the main log to this file as well", { metavar: "FILENAME" }),
    logFormat: choiceOr("--log-format", ["text", "json"], "text", "Write the log as text or as JSON lines", {
      own: true,
    }),
    colors: toggle("colors", "Use colours, or do not, whatever the output is"),
    strict: toggle("strict", "Rebuild elements whose dependencies have changed"),
    option: pairs("-o --option", [TEXT, TEXT], "OPTION VALUE", "Set an option of the project"),
    defaultMirror: text("--default-mirror", "Mirror to try first"),
    pullBuildtrees: setting("--pull-buildtrees", "Pull build trees together with artifacts"),
    cacheBuildtrees: choice(
      "--cache-buildtrees",
      ["always", "auto", "never"],
      "When to keep the build tree of a build",
    ),
  },
  arguments: {},
});

export type GlobalOptions = ValuesOf<typeof program>;
