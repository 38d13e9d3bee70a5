/** Plugins of Python packages: where their files lie, as python3 says of what is installed, or else from the package index. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { BstError } from "../base/errors.ts";
import { keyOfText } from "../base/json.ts";
import { rememberedBy } from "../base/remember.ts";
import { inDirectory, type PluginLocation } from "./plugin-directory.ts";
import type { PluginOrigin, PluginOrigins } from "./plugins.ts";
import type { Project } from "./project.ts";
import type { LoadSession } from "./session.ts";

/** What is known of a package. */
interface Package {
  readonly name: string;
  readonly version: string;
  /** Whether the version is one that was asked for. */
  readonly satisfies: boolean;
  /** Paths of the plugins' Python files by entry point group and kind. */
  readonly plugins: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

type Answer = Package | "malformed" | "missing";

const GROUPS: Readonly<Record<keyof PluginOrigins, string>> = {
  elements: "buildstream.plugins.elements",
  sources: "buildstream.plugins.sources",
  mirrors: "buildstream.plugins.sourcemirrors",
};

/**
 * Undefined, with a warning, where the package is neither installed nor in the package index.
 * @throws BstError domain plugin, reasons package-malformed-requirement, package-version-conflict and plugin-not-found
 */
export function pipPlugin(
  project: Project,
  { requirement, node }: PluginOrigin & { origin: "pip" },
  type: keyof PluginOrigins,
  kind: string,
): PluginLocation | undefined {
  const where = node.provenance;
  const found = packages(project.session)(requirement);
  if (found === "malformed") {
    throw new BstError("plugin", `${where}: '${requirement}' does not name a package`, {
      reason: "package-malformed-requirement",
    });
  }
  if (found === "missing") return undefined;
  if (!found.satisfies) {
    throw new BstError("plugin", `${where}: The installed version of the package is not one of '${requirement}'`, {
      reason: "package-version-conflict",
      detail: `${found.name} ${found.version} is installed.`,
    });
  }
  const module = found.plugins[GROUPS[type]]?.[kind];
  if (module === undefined) {
    throw new BstError("plugin", `${where}: The package ${found.name} ${found.version} has no plugin '${kind}'`, {
      reason: "plugin-not-found",
    });
  }
  return inDirectory(dirname(module), kind);
}

/** Asks for each package once in a session. */
const packages = rememberedBy((session: LoadSession) => {
  const answers = new Map<string, Answer>();
  return (requirement: string): Answer => {
    const answer = answers.get(requirement) ?? locate(session, requirement);
    answers.set(requirement, answer);
    return answer;
  };
});

function locate(session: LoadSession, requirement: string): Answer {
  for (const python of interpreters()) {
    const answer = ask(python, INSTALLED, [requirement]);
    if (answer !== undefined && answer !== "missing") return answer;
  }
  const kept = join(session.config.cacheDirectory, "bst-ts", "packages", keyOfText(requirement).slice(0, 32));
  const answer =
    existsSync(kept) || download(requirement, kept) ? ask("python3", UNPACKED, [requirement, kept]) : "missing";
  if (answer !== undefined && answer !== "missing") return answer;
  session.messenger.emit({
    type: "warn",
    text: `The Python package '${requirement}' is neither installed nor in the package index`,
    detail: "Its kinds have the defaults of this program: cache keys differ from those of BuildStream.",
  });
  return "missing";
}

/** The Python that the user has, and that of an installed BuildStream, which may be in an environment of its own. */
function interpreters(): string[] {
  const result = ["python3"];
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const bst = join(directory, "bst");
    if (directory === "" || !existsSync(bst)) continue;
    const interpreter = /^#!\s*(\/\S*python\S*)/.exec(readFileSync(bst, "latin1"))?.[1];
    if (interpreter !== undefined) result.push(interpreter);
    break;
  }
  return result;
}

/** Unpacks the archive that pip chooses, as pip is configured. Nothing is installed. */
function download(requirement: string, to: string): boolean {
  const temporary = `${to}.${process.pid}`;
  mkdirSync(temporary, { recursive: true });
  const pip = ["-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check", "--dest", temporary];
  try {
    if (run("python3", [...pip, requirement]).status !== 0) return false;
    if (run("python3", ["-c", UNPACK, temporary]).status !== 0) return false;
    renameSync(temporary, to);
    return true;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Undefined where there is no such Python, or one that can't answer. */
function ask(python: string, program: string, args: readonly string[]): Answer | undefined {
  const { status, stdout } = run(python, ["-c", `${COMMON}${program}`, ...args]);
  return status === 0 ? (JSON.parse(stdout) as Answer) : undefined;
}

/** Python looks for modules in the current folder first, and a project's are not to be executed. */
function run(python: string, args: readonly string[]) {
  return spawnSync(python, args, { encoding: "utf8", cwd: "/", stdio: ["ignore", "pipe", "ignore"] });
}

const COMMON = `
import json, os, sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
try:
    from packaging.requirements import InvalidRequirement, Requirement
except ImportError:
    from pip._vendor.packaging.requirements import InvalidRequirement, Requirement

def answer(what):
    print(json.dumps(what))
    sys.exit()

try:
    wanted = Requirement(sys.argv[1])
except InvalidRequirement:
    answer("malformed")

def describe(dist, path_of):
    plugins = {}
    for point in dist.entry_points:
        if point.group.startswith("buildstream.plugins."):
            plugins.setdefault(point.group, {})[point.name] = path_of(point.value.split(":")[0].split("."))
    answer({
        "name": dist.metadata["Name"],
        "version": dist.version,
        "satisfies": wanted.specifier.contains(dist.version, prereleases=True),
        "plugins": plugins,
    })
`;

// Looking for the top-level package executes nothing of it; looking for its modules would.
const INSTALLED = `
from importlib.util import find_spec
try:
    dist = distribution(wanted.name)
except PackageNotFoundError:
    answer("missing")
roots = {}
def path_of(parts):
    if parts[0] not in roots:
        spec = find_spec(parts[0])
        roots[parts[0]] = list(spec.submodule_search_locations or []) if spec else []
    paths = [os.path.join(root, *parts[1:]) + ".py" for root in roots[parts[0]]]
    return next((path for path in paths if os.path.exists(path)), "")
describe(dist, path_of)
`;

const UNPACKED = `
for folder, folders, files in os.walk(sys.argv[2]):
    if "entry_points.txt" in files:
        tops = [os.path.dirname(folder)]
        def path_of(parts):
            return os.path.join(tops[0], *parts) + ".py"
        describe(Distribution.at(folder), path_of)
answer("missing")
`;

const UNPACK = `
import os, shutil, sys
folder = sys.argv[1]
for name in os.listdir(folder):
    path = os.path.join(folder, name)
    if name.endswith(".whl"):
        shutil.unpack_archive(path, folder, "zip")
    else:
        shutil.unpack_archive(path, folder)
    os.remove(path)
`;
