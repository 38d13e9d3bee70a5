/** Kind `makemaker`: builds a Perl package by its `Makefile.PL`. */
import { buildElement } from "./build-element.ts";

export const makemaker = buildElement("makemaker", {
  variables: {
    configure: "perl Makefile.PL PREFIX=%{prefix} DESTDIR=%{install-root}",
    make: "make",
    "make-install": "make pure_install",
  },
  commands: {
    "configure-commands": ["%{configure}"],
    "build-commands": ["%{make}"],
    "install-commands": ["%{make-install}"],
  },
});
