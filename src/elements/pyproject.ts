/** Kind `pyproject`: builds a wheel of a Python package by what its `pyproject.toml` says, and installs that. */
import { buildElement } from "./build-element.ts";

export const pyproject = buildElement("pyproject", {
  variables: {
    python: "python -P",
    "dist-dir": "%{build-root}/dist",
    "build-args-local": "",
    "build-args": "--wheel --no-isolation --outdir %{dist-dir} %{build-args-local}",
  },
  commands: {
    "build-commands": ["%{python} -m build %{build-args} ."],
    "install-commands": ["%{python} -m installer --destdir %{install-root} %{dist-dir}/*.whl"],
  },
});
