/** What options say about servers, as those who connect to them want it. */
import type { RemoteChoice } from "../build/remotes.ts";
import type { RemoteSpec } from "./remotespec.ts";

interface ArtifactServerOptions {
  readonly artifactRemotes: readonly RemoteSpec[];
  readonly ignoreProjectArtifactRemotes: boolean;
}

interface SourceServerOptions {
  readonly sourceRemotes: readonly RemoteSpec[];
  readonly ignoreProjectSourceRemotes: boolean;
}

export function artifactServers(options: ArtifactServerOptions): RemoteChoice {
  return choice(options.artifactRemotes, options.ignoreProjectArtifactRemotes);
}

export function sourceServers(options: SourceServerOptions): RemoteChoice {
  return choice(options.sourceRemotes, options.ignoreProjectSourceRemotes);
}

function choice(specs: readonly RemoteSpec[], ignoreProjectServers: boolean): RemoteChoice {
  const servers = specs.map((spec) => ({ ...spec, connection: {}, provenance: "command line" }));
  return { servers, ignoreProjectServers };
}
