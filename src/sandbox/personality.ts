/** Whether commands for some operating system and architecture can run here, and what they need for it. */
import os from "node:os";
import { BstError } from "../base/errors.ts";
import type { SandboxTools } from "./host.ts";

/** The architectures that programs may have, by that of the machine as Node.js calls it; its own first. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  x64: ["x86-64", "x86-32"],
  ia32: ["x86-32"],
  arm64: ["aarch64", "aarch32"],
  arm: ["aarch32"],
  loong64: ["la64v100"],
  ppc64: ["power-isa-le"],
  riscv64: ["rv64g"],
};

/**
 * The command in front of that which sets up the sandbox. Throws BstError in domain "sandbox" with reason
 * `unavailable-local-sandbox`.
 */
export function personality(
  { os: system = "linux", arch }: { readonly os?: string; readonly arch?: string },
  { setarch }: SandboxTools,
): readonly string[] {
  if (system !== "linux") throw unsupported(`operating system '${system}'`);
  const [own, ...others] = ARCHITECTURES[os.arch()] ?? [];
  if (arch === undefined || arch === own) return [];
  if (!others.includes(arch) || setarch === undefined) throw unsupported(`architecture '${arch}'`);
  // So that it calls itself by the name of the smaller machine.
  return [setarch, "linux32"];
}

function unsupported(what: string): BstError {
  return new BstError("sandbox", `Commands for the ${what} can't be run on this machine`, {
    reason: "unavailable-local-sandbox",
  });
}
