/** `artifact checkout`: copies an artifact, with what it needs, to a folder or an archive. */
import path from "node:path";
import { checkoutDirectory, checkoutTar, prepareDirectory, prepareFile, writeTar } from "../../artifact/checkout.ts";
import type { Compression } from "../../artifact/compress.ts";
import { activity } from "../../base/activity.ts";
import { BstError } from "../../base/errors.ts";
import type { Cas } from "../../cas/store.ts";
import type { Tree } from "../../cas/tree.ts";
import type { CommandContext, Run } from "../app.ts";
import { nameOf, openArtifacts, type Subject } from "../artifacts.ts";
import { EXIT } from "../failure.ts";
import { STANDARD_OUTPUT, writeOutput } from "../output.ts";
import { artifactServers } from "../servers.ts";
import type { OptionsOf } from "../spec/commands.ts";
import { integrateSubjects, requireCached, stageSubjects } from "../staging.ts";
import { pullMissing, refreshed } from "../transfers.ts";
import { findProject } from "../workbench.ts";

type Options = OptionsOf<"artifact checkout">;

/** Where the files go. */
type Destination =
  | { readonly kind: "directory"; readonly location: string; readonly hardlinks: boolean }
  | { readonly kind: "tar"; readonly location: string; readonly compression: Compression | undefined };

export const run: Run<"artifact checkout"> = async (context, options) => {
  const conflict = conflictOf(options);
  if (conflict !== undefined) {
    context.printError(`ERROR: ${conflict}`);
    return EXIT.failure;
  }
  const word = options.target ?? findProject(context.directory).workspaceElement;
  if (word === undefined) throw new BstError("app", 'Missing argument "ELEMENT".');
  const destination = destinationOf(context, options, word);

  const bench = await openArtifacts(context, [word], {
    selection: options.deps,
    servers: artifactServers(options),
    pullsNamed: true,
  });
  const { caches, targets } = bench;
  const [named, ...others] = targets;
  if (named === undefined || others.length > 0) {
    throw new BstError("stream", `One artifact can be checked out at a time, and '${word}' names ${targets.length}`);
  }
  if (destination.kind === "directory") prepareDirectory(destination.location, options.force);
  else if (destination.location !== STANDARD_OUTPUT) prepareFile(destination.location, options.force);
  const subjects = await pullMissing(bench, bench.subjects);
  const target = refreshed(bench, named);
  try {
    const root = await stage(context, caches.cas, target, subjects, options.integrate ?? true);
    await write(context, target, root, destination);
  } catch (error) {
    if (!(error instanceof BstError)) throw error;
    const { message, reason, detail } = error;
    throw new BstError("stream", `Checkout failed: ${message}`, { reason, detail, cause: error });
  }
  return undefined;
};

/** What is wrong with the options, if anything is. */
function conflictOf({ hardlinks, tar, directory, compression }: Options): string | undefined {
  if (tar === undefined) {
    return compression === undefined ? undefined : "--compression can only be provided if --tar is provided";
  }
  if (hardlinks) return "options --hardlinks and --tar conflict";
  if (directory !== undefined) return "options --directory and --tar conflict";
  const { name, ext } = path.parse(tar);
  if (ext !== "" && !EXTENSIONS.has(ext) && path.extname(name) === ".tar") {
    const known = [...EXTENSIONS.keys()].map((each) => `('${each}')`).join(", ");
    const problem = `Expected compression with unknown file extension ('${ext}'), supported extensions are ${known}`;
    return `Invalid file extension given with '--tar': ${problem}`;
  }
  return undefined;
}

const EXTENSIONS = new Map<string, Compression | undefined>([
  [".tar", undefined],
  [".gz", "gz"],
  [".xz", "xz"],
  [".bz2", "bz2"],
]);

function destinationOf(context: CommandContext, options: Options, target: string): Destination {
  const { tar, directory, hardlinks } = options;
  if (tar === undefined) {
    const location = directory ?? path.resolve(context.cwd, target.replace(/\.bst$/, ""));
    return { kind: "directory", location, hardlinks };
  }
  const inferred = EXTENSIONS.get(path.extname(tar));
  const compression = options.compression ?? inferred;
  if (inferred !== undefined && inferred !== compression) {
    context.printError(`WARNING: '${tar}' is compressed as ${compression}, as --compression says`);
  }
  return { kind: "tar", location: tar, compression };
}

async function stage(
  context: CommandContext,
  cas: Cas,
  target: Subject,
  subjects: readonly Subject[],
  integrate: boolean,
): Promise<Tree> {
  const { reporter } = context;
  if (target.element === undefined && target.record === undefined) {
    throw new BstError("element", `The artifact ${nameOf(target)} is not in the cache`, {
      reason: "missing-sandbox-config",
    });
  }
  const { about } = target;
  const cached = requireCached(subjects);
  const root = activity(reporter, "Staging dependencies", () => stageSubjects(context, cas, target, cached), about);
  if (!integrate) return root;
  return activity(reporter, "Integrating sandbox", () => integrateSubjects(context, root, target, cached), about);
}

function write(context: CommandContext, target: Subject, root: Tree, destination: Destination): Promise<void> {
  const { reporter, signal } = context;
  const { cas } = root;
  const { location } = destination;
  const text = destination.kind === "tar" ? "Creating tarball" : `Checking out files in '${location}'`;
  const step = async () => {
    const tree = root.digest();
    if (destination.kind === "directory") checkoutDirectory(cas, tree, location, destination.hardlinks);
    else {
      const options = { compression: destination.compression, signal };
      if (location === STANDARD_OUTPUT) await writeTar(cas, tree, writeOutput, options);
      else await checkoutTar(cas, tree, location, options);
    }
  };
  return activity(reporter, text, step, target.about);
}
