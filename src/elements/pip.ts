/** Kind `pip`: installs a Python package, and those that a source of kind `pip` has downloaded. */
import { buildElement } from "./build-element.ts";

export const pip = buildElement("pip", {
  variables: {
    pip: "pip",
    "pip-flags": "%{pip} install --no-deps --root=%{install-root} --prefix=%{prefix}",
    "pip-install-package": "%{pip-flags} %{conf-root}",
    "pip-download-dir": ".bst_pip_downloads",
    "pip-install-dependencies": "if [ -d %{pip-download-dir} ]; then %{pip-flags} %{pip-download-dir}/*; fi",
  },
  commands: { "install-commands": ["%{pip-install-package}", "%{pip-install-dependencies}"] },
});
