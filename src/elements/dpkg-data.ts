/** Debian packages in public data: `dpkg_build` splits its files into them, and `dpkg_deploy` makes package files of them. */

/** What `<PACKAGES>` in commands stands for: the names of all packages. */
const PLACEHOLDER = "<PACKAGES>";

/** Scripts that a package manager runs. */
export const MAINTAINER_SCRIPTS = ["preinst", "postinst", "prerm", "postrm"] as const;

/** The folder with a package's control file and scripts. */
export const CONTROL_DIRECTORY = "DEBIAN";

export function withPackages(names: readonly string[]): (command: string) => string {
  const list = names.join(" ");
  return (command) => command.replaceAll(PLACEHOLDER, () => list);
}
