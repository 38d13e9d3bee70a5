/** Kind `meson`: builds by Meson and Ninja. */
import { buildElement } from "./build-element.ts";
import { INSTALL_FOLDERS } from "./install-folders.ts";

export const meson = buildElement("meson", {
  variables: {
    "build-dir": "_builddir",
    "meson-global": "",
    "meson-local": "",
    "meson-args": [...INSTALL_FOLDERS, "%{meson-global}", "%{meson-local}"].join(" "),
    meson: "meson setup %{conf-root} %{build-dir} %{meson-args}",
    "meson-build": "meson compile --verbose --jobs ${JOBS} -C %{build-dir}",
    "meson-install": 'meson install --no-rebuild --destdir "%{install-root}" -C %{build-dir}',
  },
  commands: {
    "configure-commands": ["%{meson}"],
    "build-commands": ["%{meson-build}"],
    "install-commands": ["%{meson-install}"],
  },
  environment: { JOBS: "%{max-jobs}" },
  nocache: ["JOBS"],
});
