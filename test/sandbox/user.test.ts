/** Ordinary users get the same from their sandboxes as root does. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import type { SandboxOptions } from "../../src/sandbox/host.ts";
import { askDriver } from "./driver-bundle.ts";
import { INSTALL_ROOT, temporaryDirectory } from "./rig.ts";

const UID = 65534;
const AS_USER = ["setpriv", `--reuid=${UID}`, `--regid=${UID}`, "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin"];

/** Why another user's sandboxes can't be tried here. */
const absent = ((): string | undefined => {
  if (process.geteuid?.() !== 0) return "only root can become another user";
  try {
    const [program = "", ...args] = AS_USER;
    execFileSync(program, [...args, process.execPath, "--version"], { stdio: "ignore" });
    execFileSync(program, [...args, "unshare", "--user", "--map-root-user", "true"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "another user can't run Node.js, or may not make user namespaces";
  }
})();
if (absent !== undefined) console.warn(`skipped: sandboxes of ordinary users: ${absent}`);

const WAYS: readonly SandboxOptions[] = [
  { backend: "bubblewrap" },
  { backend: "bubblewrap", overlay: false },
  { backend: "bubblewrap", overlay: false, namespaces: "none" },
  { backend: "unshare" },
  { backend: "unshare", overlay: false },
];

function userStore(): string {
  const folder = temporaryDirectory("user");
  fs.chownSync(folder, UID, UID);
  return `${folder}/cas`;
}

const BUILD = `
  rm -r /etc/deep; mkdir /etc/deep; echo new > /etc/deep/new; rm /etc/plain; mv /usr/bin/head /usr/bin/first
  cd ${INSTALL_ROOT}; mkdir sealed secret; echo x > sealed/file; echo x > secret/file; echo x > none; chmod 0 none sealed
  chmod 0333 secret; id -u > uid; id -g >> uid; stat -c '%u %g %a' / /usr/bin/cat . > stat; chmod 4755 uid
  ln none hard; mkfifo fifo; ln -s none link`;

describe.skipIf(absent !== undefined).each(WAYS)("as an ordinary user with %j", (options) => {
  it("has the same tree as root", async (context) => {
    const theirs = userStore();
    const [root, user] = await Promise.all([
      askDriver({ options, script: BUILD, rootReadOnly: false }),
      askDriver({ options, script: BUILD, rootReadOnly: false, cas: theirs }, AS_USER).catch((error: Error) => error),
    ]);
    if (user instanceof Error && user.message.includes("unavailable-local-sandbox")) return context.skip(user.message);
    expect(user).toEqual(root);
    expect(root.status).toBe(0);
    expect(fs.readdirSync(`${theirs}/sandboxes`)).toEqual([]);
  });

  it("is seen as it is while it runs, and stays so", async (context) => {
    const script = `${BUILD}; mkdir out; cd out; look < /dev/null; cd ..; stat -c '%n %a' * > modes`;
    const looks = { options, script, rootReadOnly: false, looks: true };
    const [root, user] = await Promise.all([
      askDriver(looks),
      askDriver({ ...looks, cas: userStore() }, AS_USER).catch((error: Error) => error),
    ]);
    if (user instanceof Error && user.message.includes("unavailable-local-sandbox")) return context.skip(user.message);
    expect(user).toEqual(root);
    expect(root).toMatchObject({ status: 0, output: "" });
  });

  it("has the user's own number where that is wanted, and no way to write to a read-only root", async () => {
    const script = "id -u; id -g; touch /etc/x 2>/dev/null || echo refused";
    const { output } = await askDriver({ options, script, inheritUid: true, cas: userStore() }, AS_USER);
    expect(output).toBe(`${UID}\n${UID}\nrefused\n`);
  });
});
