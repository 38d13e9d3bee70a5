/** The folders that build systems are told to install to, each by an option and a variable of the same name. */

/** As options, by the names of `%{prefix}` and its like. */
export const INSTALL_FOLDERS: readonly string[] = [
  "prefix",
  "bindir",
  "sbindir",
  "sysconfdir",
  "datadir",
  "includedir",
  "libdir",
  "libexecdir",
  "localstatedir",
  "sharedstatedir",
  "mandir",
  "infodir",
].map((name) => `--${name}=%{${name}}`);
