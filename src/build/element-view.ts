/** An element as `show` and the heading of a pipeline print it. */
import type { ElementSymbol, ElementView } from "../base/messages.ts";
import { formatDigest } from "../cas/digest.ts";
import { dependencies, directDependencies } from "../graph/scopes.ts";
import type { Element } from "../project/element.ts";
import { warn } from "../project/sources.ts";
import { emitYaml } from "../yaml/emit.ts";
import { isFetched } from "./fetch.ts";
import type { Session } from "./session.ts";
import { areOriginalsCached } from "./source-io.ts";
import type { ElementStates } from "./states.ts";

export function elementView(session: Session, element: Element): ElementView {
  return {
    get strictKey() {
      return session.states.displayKey(element).strict;
    },
    value: (symbol) => VALUES[symbol](element, session),
  };
}

const VALUES: Readonly<Record<ElementSymbol, (element: Element, session: Session) => string>> = {
  name: (element) => element.fullName,
  kind: (element) => element.kind,
  key: (element, { states }) => states.displayKey(element).brief,
  "full-key": (element, { states }) => states.displayKey(element).full,
  description: (element) => element.description.split("\n").join(" "),
  state: elementState,
  config: (element) => emitYaml(element.config),
  vars: (element) => emitYaml(Object.fromEntries(element.variables)),
  env: (element) => emitYaml({ ...element.environment }),
  public: (element) => emitYaml(element.publicData),
  workspaced: (element) => (element.workspace === undefined ? "" : "(workspaced)"),
  "workspace-dirs": (element) => (element.workspace === undefined ? "" : `Workspace: ${element.workspace.path}`),
  deps: (element) => names(directDependencies(element, "all")),
  "build-deps": (element) => names(directDependencies(element, "build")),
  "runtime-deps": (element) => names(directDependencies(element, "run")),
  "source-info": (element) => emitYaml(element.toldSourceInfo()),
  "artifact-cas-digest": artifactDigest,
};

function names(elements: readonly Element[]): string {
  return emitYaml(elements.map(({ fullName }) => fullName)).replace(/\n+$/, "");
}

/** What would happen to the element in a build. */
function elementState(element: Element, session: Session): string {
  const { states } = session;
  if (!element.isResolved) return "no reference";
  if (element.kind === "junction") return "junction";
  if (states.hasFailed(element)) return "failed";
  if (states.isCached(element)) return "cached";
  if (!isFetched(session, element) && !areOriginalsCached(element)) return "fetch needed";
  return isBuildable(element, states) ? "buildable" : "waiting";
}

/** Whether everything that it is built from is in the cache. */
function isBuildable(element: Element, states: ElementStates): boolean {
  return dependencies(element, "build").every((dependency) => states.isCached(dependency));
}

function artifactDigest(element: Element, { states }: Session): string {
  const { artifact } = states.of(element);
  if (artifact?.files !== undefined) return formatDigest(artifact.files);
  warn(element, "There is no digest, since the artifact is not in the cache");
  return "";
}
