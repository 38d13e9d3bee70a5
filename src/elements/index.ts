/** The element kinds that the program has. */
import type { ElementKind } from "../project/element-kind.ts";
import { autotools } from "./autotools.ts";
import { bazelBuild } from "./bazel-build.ts";
import { bazelize } from "./bazelize.ts";
import { cargo } from "./cargo.ts";
import { checkForbidden } from "./check-forbidden.ts";
import { cmake } from "./cmake.ts";
import { collectInitialScripts } from "./collect-initial-scripts.ts";
import { collectIntegration } from "./collect-integration.ts";
import { collectManifest } from "./collect-manifest.ts";
import { composeKind } from "./compose.ts";
import { dpkgBuild } from "./dpkg-build.ts";
import { dpkgDeploy } from "./dpkg-deploy.ts";
import { fastbootBootimg } from "./fastboot-bootimg.ts";
import { fastbootExt4 } from "./fastboot-ext4.ts";
import { filter } from "./filter.ts";
import { flatpakImage } from "./flatpak-image.ts";
import { flatpakRepo } from "./flatpak-repo.ts";
import { importKind } from "./import.ts";
import { junction } from "./junction.ts";
import { link } from "./link.ts";
import { make } from "./make.ts";
import { makemaker } from "./makemaker.ts";
import { manual } from "./manual.ts";
import { meson } from "./meson.ts";
import { modulebuild } from "./modulebuild.ts";
import { oci } from "./oci.ts";
import { ostree } from "./ostree.ts";
import { pip } from "./pip.ts";
import { pyproject } from "./pyproject.ts";
import { qmake } from "./qmake.ts";
import { script } from "./script.ts";
import { setuptools } from "./setuptools.ts";
import { snapImage } from "./snap-image.ts";
import { stack } from "./stack.ts";
import { tarElement } from "./tar-element.ts";
import { x86image } from "./x86image.ts";

const all: readonly ElementKind[] = [
  autotools,
  bazelBuild,
  bazelize,
  cargo,
  checkForbidden,
  cmake,
  collectInitialScripts,
  collectIntegration,
  collectManifest,
  composeKind,
  dpkgBuild,
  dpkgDeploy,
  fastbootBootimg,
  fastbootExt4,
  filter,
  flatpakImage,
  flatpakRepo,
  importKind,
  junction,
  link,
  make,
  makemaker,
  manual,
  meson,
  modulebuild,
  oci,
  ostree,
  pip,
  pyproject,
  qmake,
  script,
  setuptools,
  snapImage,
  stack,
  tarElement,
  x86image,
];

export const elementKinds: ReadonlyMap<string, ElementKind> = new Map(all.map((kind) => [kind.kind, kind]));
