/** Kind `setuptools`: builds a Python package by its `setup.py`. */
import { buildElement } from "./build-element.ts";

export const setuptools = buildElement("setuptools", {
  variables: {
    python: "python3",
    "python-build": "%{python} %{conf-root}/setup.py build",
    "install-args": '--root "%{install-root}" --prefix "%{prefix}"',
    "python-install": "%{python} %{conf-root}/setup.py install %{install-args}",
  },
  commands: { "build-commands": ["%{python-build}"], "install-commands": ["%{python-install}"] },
});
