/** What this machine is, in the terms of `arch` and `os` options and of sandboxes. */
import { machine, platform, type } from "node:os";
import { BstError } from "../base/errors.ts";

interface Uname {
  readonly system: string;
  readonly machine: string;
}

/** `BST_TS_UNAME=SYSTEM|MACHINE` is believed before the machine itself. */
function uname(): Uname {
  const { BST_TS_UNAME } = process.env;
  if (BST_TS_UNAME === undefined || BST_TS_UNAME === "") return { system: type(), machine: machine() };
  const [system = "", hardware = ""] = BST_TS_UNAME.split("|");
  return { system, machine: hardware };
}

const CANONICAL: ReadonlyMap<string, string> = new Map([
  ["aarch32", "aarch32"],
  ["aarch64", "aarch64"],
  ["aarch64-be", "aarch64-be"],
  ["amd64", "x86-64"],
  ["arm", "aarch32"],
  ["armv8b", "aarch64-be"],
  ["armv8l", "aarch64"],
  ["i386", "x86-32"],
  ["i486", "x86-32"],
  ["i586", "x86-32"],
  ["i686", "x86-32"],
  ["la64v100", "la64v100"],
  ["loong64", "la64v100"],
  ["loongarch64", "la64v100"],
  ["power-isa-be", "power-isa-be"],
  ["power-isa-le", "power-isa-le"],
  ["powerpc", "power-isa-be"],
  ["powerpc64", "power-isa-be"],
  ["powerpc64le", "power-isa-le"],
  ["ppc64", "power-isa-be"],
  ["ppc64le", "power-isa-le"],
  ["riscv32", "rv32g"],
  ["riscv64", "rv64g"],
  ["rv32g", "rv32g"],
  ["rv64g", "rv64g"],
  ["sparc", "sparc-v9"],
  ["sparc-v9", "sparc-v9"],
  ["sparc64", "sparc-v9"],
  ["sun4v", "sparc-v9"],
  ["x86-32", "x86-32"],
  ["x86-64", "x86-64"],
]);

/**
 * The one name of an architecture that has several.
 * @throws BstError in domain platform for a name that is not known
 */
export function canonicalArch(name: string): string {
  const canonical = CANONICAL.get(name.replaceAll("_", "-").toLowerCase());
  if (canonical === undefined) throw new BstError("platform", `'${name}' is no known architecture`);
  return canonical;
}

/** The machine's architecture, as {@link canonicalArch} names it. */
export function hostArch(): string {
  return canonicalArch(uname().machine);
}

/** The operating system in lower case: `linux`. */
export function hostOs(): string {
  const system = hostSystem().toLowerCase();
  return system === "darwin" && platform() === "darwin" ? "macos" : system;
}

/** The operating system as it calls itself: `Linux`. */
export function hostSystem(): string {
  return uname().system;
}
