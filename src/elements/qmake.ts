/** Kind `qmake`: builds by Qt's QMake and `make`. */
import { buildElement } from "./build-element.ts";

export const qmake = buildElement("qmake", {
  variables: {
    qmake: "qmake -makefile %{conf-root}",
    make: "make",
    "make-install": 'make -j1 INSTALL_ROOT="%{install-root}" install',
  },
  commands: {
    "configure-commands": ["%{qmake}"],
    "build-commands": ["%{make}"],
    "install-commands": ["%{make-install}"],
  },
  environment: { MAKEFLAGS: "-j%{max-jobs}", V: "1" },
  nocache: ["MAKEFLAGS", "V"],
});
