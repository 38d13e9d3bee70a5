/** The set-up of a sandbox with what util-linux has: a shell script, run as root of new namespaces. */

import { posix } from "node:path";
import { quote } from "../base/quote.ts";
import type { SandboxTools } from "./host.ts";
import type { Isolation } from "./isolation.ts";

/** Without a note of it in a file that is the machine's. */
const MOUNT = "mount -n";
const DEVICES = "null zero full random urandom tty";
const DEVICE_LINKS =
  "ptmx:pts/ptmx fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2";

/**
 * Only a program of the machine can drop privileges, and only one that has privileges can enter the root, so the command
 * keeps the right to enter others. It leads nowhere: the sandbox's root lies over that of the machine, and what has more
 * rights is in another user namespace. But in a root that is entered no user namespace can be made, so the root is moved
 * when the command's is there: two pipes with names tell one from the other.
 */
export function unshareScript(isolation: Isolation, tools: SandboxTools, prefix: readonly string[]): string {
  const { unshare = "unshare", setpriv = "setpriv" } = tools;
  const { root, rootReadOnly, socket, served, network, uid, gid } = isolation;
  const at = (path: string): string => quote(root + path);
  const lines = ["set -e"];
  // A mount of its own, whatever it was.
  lines.push(`${MOUNT} --bind ${at("")} ${at("")}`);
  lines.push(`${MOUNT} -t proc -o nosuid,nodev,noexec proc ${at("/proc")}`);
  lines.push(`${MOUNT} --bind /proc/sys ${at("/proc/sys")}`, `${MOUNT} -o remount,bind,ro ${at("/proc/sys")}`);
  lines.push(`${MOUNT} -t tmpfs -o mode=755,nosuid,nodev tmpfs ${at("/tmp")}`);
  lines.push(...devices(isolation, at));
  if (served !== undefined) {
    lines.push(`mkdir ${at(served.path)}`, `${MOUNT} --bind ${quote(served.hostPath)} ${at(served.path)}`);
  }
  if (rootReadOnly) {
    for (const path of isolation.writableDirectories) lines.push(`${MOUNT} --bind ${at(path)} ${at(path)}`);
    lines.push(`${MOUNT} -o remount,bind,ro,nosuid,nodev ${at("")}`);
  }
  for (const { hostPath, path } of isolation.hostMounts) lines.push(`${MOUNT} --rbind ${quote(hostPath)} ${at(path)}`);
  if (socket !== undefined) {
    lines.push(`[ -e ${at(socket.path)} ] || { mkdir -p ${at(posix.dirname(socket.path))}; : > ${at(socket.path)}; }`);
    lines.push(`${MOUNT} --bind ${quote(socket.hostPath)} ${at(socket.path)}`);
  }
  if (!network) {
    lines.push(`hostname ${quote(isolation.hostname)}`);
    lines.push("ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null || true");
  }
  lines.push("mkfifo ready go", "exec 5<>ready 6<>go", `cd ${at("")}`);
  lines.push(
    `{ read -r _ <&5; ${MOUNT} --move . / && echo '{ "child-pid": 1 }' >&3 && echo go >&6 || echo stop >&6; } &`,
  );
  const environment = Object.entries(isolation.env).map(([name, value]) => quote(`${name}=${value}`));
  const command = [
    ...prefix.map(quote),
    ...["env", "-i", ...environment],
    ...[quote(setpriv), "--no-new-privs", "--securebits", "+noroot,+noroot_locked"],
    ...["--inh-caps=-all,+sys_chroot", "--ambient-caps=-all,+sys_chroot", "--bounding-set=-all,+sys_chroot", "--"],
    ...[quote(unshare), "--root=.", quote(`--wd=${isolation.cwd}`), "--", ...isolation.argv.map(quote)],
  ].join(" ");
  const inner = `echo >&5; read -r word <&6; [ "$word" = go ] || exit 1; exec 3>&- 5>&- 6>&- 8<&- 9<&-; exec ${command}`;
  const user = isolation.userNamespace
    ? `${quote(unshare)} --user --map-user=${uid} --map-group=${gid} --keep-caps -- `
    : "";
  lines.push("status=0", `${user}sh -c ${quote(inner)} || status=$?`);
  lines.push(`echo "{ \\"exit-code\\": $status }" >&3`);
  return lines.join("\n");
}

function devices({ interactive }: Isolation, at: (path: string) => string): string[] {
  if (interactive) return [`${MOUNT} --rbind /dev ${at("/dev")}`];
  return [
    `${MOUNT} -t tmpfs -o mode=755,nosuid,nodev tmpfs ${at("/dev")}`,
    `for name in ${DEVICES}; do : > ${at("/dev")}/$name; ${MOUNT} --bind /dev/$name ${at("/dev")}/$name; done`,
    `mkdir ${at("/dev/shm")} ${at("/dev/pts")}`,
    `${MOUNT} -t devpts -o newinstance,ptmxmode=0666,mode=620,nosuid,noexec devpts ${at("/dev/pts")}`,
    `for link in ${DEVICE_LINKS}; do ln -s "\${link#*:}" ${at("/dev")}/"\${link%%:*}"; done`,
    `ln -s /proc/kcore ${at("/dev/core")}`,
  ];
}
