/** Kind `modulebuild`: builds a Perl package by its `Build.PL`. */
import { buildElement } from "./build-element.ts";

export const modulebuild = buildElement("modulebuild", {
  variables: {
    configure: 'perl Build.PL --prefix "%{install-root}%{prefix}"',
    "perl-build": "./Build",
    "perl-install": "./Build pure_install",
  },
  commands: {
    "configure-commands": ["%{configure}"],
    "build-commands": ["%{perl-build}"],
    "install-commands": ["%{perl-install}"],
  },
});
