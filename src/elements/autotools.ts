/** Kind `autotools`: builds by a `configure` script, made first where the sources have none, and `make`. */
import { buildElement } from "./build-element.ts";
import { INSTALL_FOLDERS } from "./install-folders.ts";

const FOLDERS = [...INSTALL_FOLDERS, "--exec-prefix=%{exec_prefix}"];

const AUTOGEN = `export NOCONFIGURE=1
if [ ! -x %{conf-cmd} ]; then
  for script in autogen autogen.sh bootstrap bootstrap.sh; do
    if [ -x %{conf-root}/$script ]; then %{conf-root}/$script; exit; fi
  done
  autoreconf --force --install --verbose %{conf-root}
fi`;

const DELETE_ARCHIVES = `find "%{install-root}" -name '*.la' -type f | while read -r file; do
  remove=%{remove-libtool-libraries}
  if grep -q '^shouldnotlink=yes$' "$file"; then remove=%{remove-libtool-modules}; fi
  if $remove; then rm -v "$file"; fi
done`;

export const autotools = buildElement("autotools", {
  variables: {
    autogen: AUTOGEN,
    "conf-cmd": "%{conf-root}/configure",
    "conf-global": "",
    "conf-local": "",
    "conf-args": [...FOLDERS, "%{conf-global}", "%{conf-local}"].join(" "),
    configure: "%{conf-cmd} %{conf-args}",
    "make-args": "",
    "make-install-args": '%{make-args} DESTDIR="%{install-root}" install',
    make: "make %{make-args}",
    "make-install": "make -j1 %{make-install-args}",
    "remove-libtool-modules": "false",
    "remove-libtool-libraries": "false",
    "delete-libtool-archives": DELETE_ARCHIVES,
  },
  commands: {
    "configure-commands": ["%{autogen}", "%{configure}"],
    "build-commands": ["%{make}"],
    "install-commands": ["%{make-install}", "%{delete-libtool-archives}"],
  },
  environment: { MAKEFLAGS: "-j%{max-jobs}", V: "1" },
  nocache: ["MAKEFLAGS", "V"],
});
