/** What every project starts from, before its own project.conf: part of the format, since it is part of the keys. */
import type { Plain } from "../yaml/node.ts";

/** BST_CORE_ARTIFACT_VERSION of the reference: part of every cache key. */
export const CORE_ARTIFACT_VERSION = 11;

/** The BuildStream API that projects and plugins can ask for with `min-version`. */
export const API_VERSION = { major: 2, minor: 8 } as const;

export const BUILTIN_PROJECT: { readonly [key: string]: Plain } = {
  "element-path": ".",
  "ref-storage": "inline",
  variables: {
    prefix: "/usr",
    exec_prefix: "%{prefix}",
    bindir: "%{exec_prefix}/bin",
    sbindir: "%{exec_prefix}/sbin",
    libexecdir: "%{exec_prefix}/libexec",
    datadir: "%{prefix}/share",
    sysconfdir: "/etc",
    sharedstatedir: "%{prefix}/com",
    localstatedir: "/var",
    lib: "lib",
    libdir: "%{prefix}/%{lib}",
    debugdir: "%{libdir}/debug",
    includedir: "%{prefix}/include",
    docdir: "%{datadir}/doc",
    infodir: "%{datadir}/info",
    mandir: "%{datadir}/man",
    "build-root": "/buildstream/%{project-name}/%{element-name}",
    "conf-root": ".",
    "install-root": "/buildstream-install",
    "strip-binaries": "",
  },
  environment: {
    PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
    SHELL: "/bin/sh",
    TERM: "dumb",
    USER: "tomjon",
    USERNAME: "tomjon",
    LOGNAME: "tomjon",
    LC_ALL: "C",
    HOME: "/tmp",
    TZ: "UTC",
    SOURCE_DATE_EPOCH: "1321009871",
  },
  "environment-nocache": [],
  sandbox: {},
  "split-rules": {
    runtime: [
      "%{bindir}",
      "%{bindir}/*",
      "%{sbindir}",
      "%{sbindir}/*",
      "%{libexecdir}",
      "%{libexecdir}/*",
      "%{libdir}/lib*.so*",
    ],
    devel: [
      "%{includedir}",
      "%{includedir}/**",
      "%{libdir}/lib*.a",
      "%{libdir}/lib*.la",
      "%{libdir}/pkgconfig/*.pc",
      "%{datadir}/pkgconfig/*.pc",
      "%{datadir}/aclocal/*.m4",
    ],
    debug: ["%{debugdir}", "%{debugdir}/**"],
    doc: ["%{docdir}", "%{docdir}/**", "%{infodir}", "%{infodir}/**", "%{mandir}", "%{mandir}/**"],
    locale: [
      "%{datadir}/locale",
      "%{datadir}/locale/**",
      "%{datadir}/i18n",
      "%{datadir}/i18n/**",
      "%{datadir}/zoneinfo",
      "%{datadir}/zoneinfo/**",
    ],
  },
  shell: { command: ["sh", "-i"] },
  "source-provenance-attributes": {
    homepage: "The project homepage URL",
    "issue-tracker": "The project's issue tracking URL",
  },
  defaults: { targets: [] },
};
