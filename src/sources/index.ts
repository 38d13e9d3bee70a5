/** The source kinds that are built in. */
import type { SourceKind } from "../project/source-kind.ts";
import { cargo } from "./cargo.ts";
import { cargo2 } from "./cargo2.ts";
import { cpan } from "./cpan.ts";
import { docker } from "./docker.ts";
import { genCargoLock } from "./gen-cargo-lock.ts";
import { git } from "./git.ts";
import { gitModule } from "./git-module.ts";
import { gitRepo } from "./git-repo.ts";
import { gitTag } from "./git-tag.ts";
import { goModule } from "./go-module.ts";
import { host } from "./host.ts";
import { local } from "./local.ts";
import { ostree } from "./ostree.ts";
import { patch } from "./patch.ts";
import { patchQueue } from "./patch-queue.ts";
import { pypi } from "./pypi.ts";
import { remote } from "./remote.ts";
import { tar } from "./tar.ts";
import { workspace } from "./workspace.ts";
import { zip } from "./zip.ts";

export const sourceKinds: ReadonlyMap<string, SourceKind> = new Map(
  [
    cargo,
    cargo2,
    cpan,
    docker,
    genCargoLock,
    git,
    gitModule,
    gitRepo,
    gitTag,
    goModule,
    host,
    local,
    ostree,
    patch,
    patchQueue,
    pypi,
    remote,
    tar,
    workspace,
    zip,
  ].map((kind) => [kind.kind, kind]),
);
