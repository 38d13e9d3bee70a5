/** The source kinds that are built in. */
import type { SourceKind } from "../project/source-kind.ts";
import { anitya } from "./anitya.ts";
import { bazelFile } from "./bazel-file.ts";
import { bazelSource } from "./bazel-source.ts";
import { bzr } from "./bzr.ts";
import { cargo } from "./cargo.ts";
import { cargo2 } from "./cargo2.ts";
import { cpan } from "./cpan.ts";
import { deb } from "./deb.ts";
import { docker } from "./docker.ts";
import { genCargoLock } from "./gen-cargo-lock.ts";
import { git } from "./git.ts";
import { gitModule } from "./git-module.ts";
import { gitRepo } from "./git-repo.ts";
import { gitTag } from "./git-tag.ts";
import { gnu } from "./gnu.ts";
import { goModule } from "./go-module.ts";
import { host } from "./host.ts";
import { local } from "./local.ts";
import { ociImage } from "./oci-image.ts";
import { ostree } from "./ostree.ts";
import { ostreeMirror } from "./ostree-mirror.ts";
import { patch } from "./patch.ts";
import { patchQueue } from "./patch-queue.ts";
import { pip } from "./pip.ts";
import { pypi } from "./pypi.ts";
import { quilt } from "./quilt.ts";
import { remote } from "./remote.ts";
import { tar } from "./tar.ts";
import { workspace } from "./workspace.ts";
import { zip } from "./zip.ts";

export const sourceKinds: ReadonlyMap<string, SourceKind> = new Map(
  [
    anitya,
    bazelFile,
    bazelSource,
    bzr,
    cargo,
    cargo2,
    cpan,
    deb,
    docker,
    genCargoLock,
    git,
    gitModule,
    gitRepo,
    gitTag,
    gnu,
    goModule,
    host,
    local,
    ociImage,
    ostree,
    ostreeMirror,
    patch,
    patchQueue,
    pip,
    pypi,
    quilt,
    remote,
    tar,
    workspace,
    zip,
  ].map((kind) => [kind.kind, kind]),
);
