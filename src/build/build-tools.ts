/** What the build of one element has at hand. */
import type { JobMessenger } from "../base/messages.ts";
import type { Digest } from "../cas/digest.ts";
import type { KeyRing } from "../graph/keys.ts";
import type { Element } from "../project/element.ts";
import type { Workspaces } from "../project/workspaces.ts";
import type { SandboxHost } from "../sandbox/sandbox.ts";
import type { MappingNode } from "../yaml/node.ts";
import type { Caches } from "./session.ts";
import type { ElementStates } from "./states.ts";

export interface BuildTools {
  readonly caches: Caches;
  readonly states: ElementStates;
  readonly keys: KeyRing;
  readonly workspaces: Workspaces;
  readonly messenger: JobMessenger;
  readonly signal: AbortSignal;
  /** What runs commands on this machine; found when it is first needed. @throws BstError domain platform */
  sandboxHost(): SandboxHost;
  /** The files of an element's artifact. @throws BstError where it has none */
  artifactTree(element: Element): Digest;
  /** An element's public data as its build left it. */
  publicData(element: Element): MappingNode;
}
