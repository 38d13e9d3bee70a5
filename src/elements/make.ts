/** Kind `make`: builds by a makefile that the sources have. */
import { buildElement } from "./build-element.ts";

export const make = buildElement("make", {
  variables: {
    "make-args": 'PREFIX="%{prefix}"',
    "make-install-args": '%{make-args} DESTDIR="%{install-root}" install',
    make: "make %{make-args}",
    "make-install": "make -j1 %{make-install-args}",
  },
  commands: { "build-commands": ["%{make}"], "install-commands": ["%{make-install}"] },
  environment: { MAKEFLAGS: "-j%{max-jobs}", V: "1" },
  nocache: ["MAKEFLAGS", "V"],
});
