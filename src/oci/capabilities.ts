/** Capabilities of files: from the text that setcap takes to the bytes that the kernel keeps. */

/** In the order of their numbers, without `cap_`. */
const NAMES = [
  ..."chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable".split(" "),
  ..."net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio".split(" "),
  ..."sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time".split(" "),
  ..."sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog".split(" "),
  ..."wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore".split(" "),
];
const ALL = (1n << BigInt(NAMES.length)) - 1n;
const REVISION_2 = 0x02000000;
const REVISION_3 = 0x03000000;
const EFFECTIVE = 1;

/** The name of the extended attribute that holds them. */
export const CAPABILITY_XATTR = "security.capability";

type Flag = "e" | "i" | "p";

/**
 * The value of `security.capability`, as latin1.
 * @param text clauses such as `cap_net_raw,cap_net_admin=ep`, divided by spaces; `[rootid=N]` at the end names the user
 *   namespace in which they count by its root
 * @throws RangeError for text that says nothing of this kind, or what no file can have
 */
export function encodeCapabilities(text: string): string {
  const [, clauses = "", rootId] = /^(.*?)\s*(?:\[rootid=(\d+)\])?$/s.exec(text.trim()) ?? [];
  const sets: Record<Flag, bigint> = { e: 0n, i: 0n, p: 0n };
  for (const clause of clauses.split(/\s+/).filter((each) => each !== "")) apply(clause, sets);
  if (clauses.trim() === "") throw new RangeError("no capability is named");
  // The kernel has one bit that says whether all of them are effective.
  if (sets.e !== 0n && sets.e !== (sets.p | sets.i)) {
    throw new RangeError("of a file, either all or none of the capabilities are effective");
  }
  const words = [0n, 32n].flatMap((shift) => [
    Number((sets.p >> shift) & 0xffffffffn),
    Number((sets.i >> shift) & 0xffffffffn),
  ]);
  const revision = rootId === undefined ? REVISION_2 : REVISION_3;
  const all = [revision | (sets.e === 0n ? 0 : EFFECTIVE), ...words, ...(rootId === undefined ? [] : [Number(rootId)])];
  const bytes = Buffer.alloc(all.length * 4);
  for (const [i, word] of all.entries()) bytes.writeUInt32LE(word >>> 0, i * 4);
  return bytes.toString("latin1");
}

function apply(clause: string, sets: Record<Flag, bigint>): void {
  const [, names = "", actions = ""] = /^([\w,]*)((?:[=+-][eip]*)+)$/.exec(clause) ?? [];
  if (actions === "" || (names === "" && !actions.startsWith("=")))
    throw new RangeError(`'${clause}' is no capability`);
  const chosen = names === "" ? ALL : names.split(",").reduce((sum, name) => sum | maskOf(name), 0n);
  for (const [, operator, flags = ""] of actions.matchAll(/([=+-])([eip]*)/g)) {
    if (operator === "=") for (const flag of ["e", "i", "p"] as const) sets[flag] &= ~chosen;
    for (const flag of flags as Iterable<Flag>) {
      sets[flag] = operator === "-" ? sets[flag] & ~chosen : sets[flag] | chosen;
    }
  }
}

function maskOf(name: string): bigint {
  const plain = name.toLowerCase();
  if (plain === "all") return ALL;
  const index = plain.startsWith("cap_") ? NAMES.indexOf(plain.slice(4)) : -1;
  if (index < 0) throw new RangeError(`there is no capability '${name}'`);
  return 1n << BigInt(index);
}
