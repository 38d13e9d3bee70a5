/** The command line of bubblewrap. */
import { posix } from "node:path";
import type { Isolation } from "./isolation.ts";

/** Shells that start it put these into the environment by themselves. */
const OF_SHELLS = ["PATH", "PWD", "OLDPWD", "SHLVL", "_"];

export function bubblewrapCommand(bwrap: string, isolation: Isolation): string[] {
  const { root, rootReadOnly, writableDirectories, hostMounts, socket, served, network, userNamespace, uid, gid } =
    isolation;
  const options = ["--unshare-pid", "--die-with-parent", "--cap-drop", "ALL", "--json-status-fd", "3"];
  if (userNamespace) options.push("--unshare-user", "--uid", String(uid), "--gid", String(gid));
  if (!network) options.push("--unshare-net", "--unshare-ipc", "--unshare-uts", "--hostname", isolation.hostname);
  options.push(rootReadOnly ? "--ro-bind" : "--bind", root, "/");
  if (rootReadOnly) for (const path of writableDirectories) options.push("--bind", root + path, path);
  options.push("--proc", "/proc");
  // For the real root the kernel's settings are files like others.
  options.push("--ro-bind", "/proc/sys", "/proc/sys");
  options.push("--tmpfs", "/tmp", "--dev", "/dev");
  if (isolation.interactive) options.push("--dev-bind", "/dev", "/dev");
  if (served !== undefined) options.push("--bind", served.hostPath, served.path);
  for (const { hostPath, path } of hostMounts) options.push("--dev-bind", hostPath, path);
  if (socket !== undefined) {
    // By itself it would make a folder that others can't enter.
    if (socket.path.startsWith("/tmp/")) options.push("--dir", posix.dirname(socket.path));
    options.push("--bind", socket.hostPath, socket.path);
  }
  options.push("--chdir", isolation.cwd);
  for (const name of OF_SHELLS) options.push("--unsetenv", name);
  for (const [name, value] of Object.entries(isolation.env)) options.push("--setenv", name, value);
  return [bwrap, ...options, "--", ...isolation.argv];
}
