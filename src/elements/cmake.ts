/** Kind `cmake`: builds by CMake. */
import { buildElement } from "./build-element.ts";

export const cmake = buildElement("cmake", {
  variables: {
    "build-dir": "_builddir",
    "cmake-global": "",
    "cmake-local": "",
    generator: "Ninja",
    "cmake-args": [
      '-DCMAKE_INSTALL_PREFIX:PATH="%{prefix}"',
      '-DCMAKE_INSTALL_LIBDIR:PATH="%{lib}"',
      "-DCMAKE_VERBOSE_MAKEFILE=ON",
      "%{cmake-global}",
      "%{cmake-local}",
    ].join(" "),
    cmake: 'cmake -S "%{conf-root}" -B "%{build-dir}" -G "%{generator}" %{cmake-args}',
    make: 'cmake --build "%{build-dir}" -- ${JOBS}',
    "make-install": 'env DESTDIR="%{install-root}" cmake --install "%{build-dir}"',
  },
  commands: {
    "configure-commands": ["%{cmake}"],
    "build-commands": ["%{make}"],
    "install-commands": ["%{make-install}"],
  },
  environment: { JOBS: "-j%{max-jobs}" },
  nocache: ["JOBS"],
});
