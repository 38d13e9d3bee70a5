/** Kind `cargo`: builds and installs a Rust package, from crates that a source has downloaded. */
import { buildElement } from "./build-element.ts";

export const cargo = buildElement("cargo", {
  variables: {
    cargo: "cargo",
    "cargo-install-global": "",
    "cargo-install-local": "",
    "cargo-install-flags":
      "%{cargo-install-global} %{cargo-install-local} --frozen --path . --root '%{install-root}%{prefix}'",
    "cargo-install": '%{cargo} install --jobs "${MAXJOBS}" %{cargo-install-flags}',
  },
  commands: { "install-commands": ["%{cargo-install}", "rm '%{install-root}%{prefix}'/.crates*"] },
  environment: { MAXJOBS: "%{max-jobs}" },
  nocache: ["MAXJOBS"],
});
