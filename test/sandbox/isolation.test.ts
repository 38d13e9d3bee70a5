/** What commands see of the machine, and what they can't do to it. */
import fs from "node:fs";
import http from "node:http";
import { describe, expect, it } from "vitest";
import { BUILD_ROOT, INSTALL_ROOT, rareWays, run, temporaryDirectory, workingWays } from "./rig.ts";

const LOCAL = { rootReadOnly: false } as const;
const hasPerl = fs.existsSync("/usr/bin/perl");
if (!hasPerl) console.warn("skipped: escapes by system calls: this machine has no perl");

describe.each([...workingWays, ...rareWays])("$name", ({ host }) => {
  it("has only the declared environment, a fixed user, host name, umask and folder", async () => {
    process.env["LEAKED"] = "yes";
    const old = process.umask(0o077);
    const script = "env | sort; umask; pwd; id -u; id -g; uname -n; readlink /proc/self/fd/0";
    try {
      const { stdout } = await run(host, script, { env: { PATH: "/usr/bin:/bin", Odd: "a=b\nc'd\"$e" } });
      const lines = stdout.split("\n").filter((line) => !/^(_|OLDPWD|SHLVL)=/.test(line));
      expect(lines).toEqual([
        "Odd=a=b",
        "PATH=/usr/bin:/bin",
        `PWD=${BUILD_ROOT}`,
        "c'd\"$e",
        "0022",
        BUILD_ROOT,
        "0",
        "0",
        "buildbox",
        "/dev/null",
        "",
      ]);
    } finally {
      process.umask(old);
      delete process.env["LEAKED"];
    }
  });

  it("has the user and group that it is given", async () => {
    if (host.options.namespaces === "root") {
      const refused = run(host, "true", {}, { uid: 1000 });
      return expect(refused).rejects.toMatchObject({ reason: "unavailable-local-sandbox" });
    }
    const { stdout } = await run(host, "id -u; id -g; touch f; stat -c '%u %g' / f", {}, { uid: 1000, gid: 100 });
    expect(stdout).toBe("1000\n100\n1000 100\n1000 100\n");
  });

  it("has no privileges over files, and can't have other owners", async () => {
    const { stdout } = await run(host, "echo x > f; chmod 0 f; cat f || echo denied; chown 5 f || echo refused");
    expect(stdout).toBe("denied\nrefused\n");
  });

  it("has few devices, a process list of its own and an empty /tmp", async () => {
    const { stdout } = await run(host, "echo /dev/*; echo /tmp/*; echo /dev/shm/*; echo /proc/[0-9]*; stat -c %A /tmp");
    const [devices, tmp, shm, processes, mode] = stdout.split("\n");
    expect(devices).toBe(
      "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
        .split(" ")
        .map((name) => `/dev/${name}`)
        .join(" "),
    );
    expect([tmp, shm, mode]).toEqual(["/tmp/*", "/dev/shm/*", "drwxr-xr-x"]);
    expect(processes?.split(" ").length).toBeLessThanOrEqual(3);
  });

  it("reaches no network but its own, unless asked for", async () => {
    const interfaces = 'sed -n "s/^ *\\([^ ]*\\):.*/\\1/p" /proc/net/dev; uname -n';
    expect((await run(host, interfaces)).stdout).toBe("lo\nbuildbox\n");
    const { stdout } = await run(host, interfaces, {}, { network: true });
    expect(stdout.trim().split("\n")).toHaveLength(
      fs.readFileSync("/proc/net/dev", "utf8").trim().split("\n").length - 2 + 1,
    );
  });

  it.runIf(hasPerl)("can connect to its own loopback device, not to the machine's", async () => {
    const server = http.createServer((_, response) => response.end("outside")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const connect = (to: string) =>
      `perl -e 'socket(my $s, 2, 1, 6); print connect($s, pack("S n C4 x8", 2, ${to}, 127, 0, 0, 1)) ? "open" : "closed"'`;
    const listen = `perl -e 'socket(my $s, 2, 1, 6); bind($s, pack("S n C4 x8", 2, 7777, 127, 0, 0, 1)); listen($s, 1); print "up"; close STDOUT; sleep 9' > up &
      while [ ! -s up ]; do sleep 0.01; done`;
    try {
      expect((await run(host, connect(String(port)))).stdout).toBe("closed");
      expect((await run(host, connect(String(port)), {}, { network: true })).stdout).toBe("open");
      expect((await run(host, `${listen}; ${connect("7777")}`)).stdout).toBe("open");
    } finally {
      server.close();
    }
  });

  it("can write to no more than marked directories in a read-only root", async () => {
    const attempts = ["/new", "/etc/new", "/etc/plain", "/usr/bin/new", "/buildstream/new", "/proc/new"];
    const script = [
      ...attempts.map((path) => `(: >> ${path}) 2>/dev/null && echo ${path}`),
      "rm /etc/plain 2>/dev/null && echo removed",
      "chmod 777 /etc 2>/dev/null && echo changed",
      "mv /etc/deep /etc/moved 2>/dev/null && echo moved",
      `for path in ${BUILD_ROOT} ${INSTALL_ROOT} /tmp /dev/shm; do : > $path/new && echo $path; done`,
    ].join("\n");
    const { stdout, tree } = await run(host, script, { argv: ["sh", "-c", script] });
    expect(stdout.trim().split("\n")).toEqual([BUILD_ROOT, INSTALL_ROOT, "/tmp", "/dev/shm"]);
    expect(tree.exists("tmp/new")).toBe(false);
    expect(tree.exists("buildstream-install/new")).toBe(true);
  });

  it("shows staged files with the times and modes that BuildStream gives them", async () => {
    const script = "stat -c '%Y %a %N' / /etc /etc/plain /etc/link /usr/bin/cat /buildstream; stat -c %y /etc/plain";
    const { stdout } = await run(host, script, {}, { hostMounts: [] });
    expect(stdout.trim().split("\n")).toEqual([
      "1321009871 755 '/'",
      "1321009871 755 '/etc'",
      "1321009871 644 '/etc/plain'",
      "1321009871 777 '/etc/link' -> 'plain'",
      "1321009871 755 '/usr/bin/cat'",
      "1321009871 755 '/buildstream'",
      "2011-11-11 11:11:11.000000000 +0000",
    ]);
  });

  it("has what is mounted from the machine, writable, and nothing of it in the tree", async () => {
    const folder = temporaryDirectory();
    const file = `${folder}/file`;
    fs.writeFileSync(file, "of the machine");
    const { stdout, tree } = await run(
      host,
      "cat /etc/new/file /srv/file; echo written > /srv/out",
      {},
      {
        hostMounts: [
          { hostPath: file, path: "/etc/new/file" },
          { hostPath: folder, path: "/srv" },
        ],
      },
    );
    expect(stdout).toBe("of the machineof the machine");
    expect(fs.readFileSync(`${folder}/out`, "utf8")).toBe("written\n");
    expect(tree.lookup("srv")).toMatchObject({ kind: "directory" });
    expect(tree.openDirectory("srv").isEmpty()).toBe(true);
    expect(tree.lookup("etc/new/file")).toMatchObject({ digest: { size: 0 } });
  });

  it("can't open the kernel's settings for writing, nor other files of the machine", async () => {
    // Opened, never written to: where this fails, the machine must not suffer.
    const script = [
      "(: >> /proc/sys/kernel/panic_on_oops) 2>/dev/null && echo setting",
      "(: >> /proc/sys/kernel/core_pattern) 2>/dev/null && echo pattern",
      "(: >> /proc/sysrq-trigger) 2>/dev/null && echo trigger",
      "ls /proc/1/root/ 2>/dev/null | grep -x root && echo root",
      "ls -d /proc/1/cwd/ 2>/dev/null && echo cwd",
      `ls -d ${process.cwd()} 2>/dev/null && echo seen`,
      "true",
    ].join("\n");
    const { stdout } = await run(host, script, { argv: ["sh", "-c", script], ...LOCAL });
    expect(stdout.replace(/^cwd\n|^\/proc\/1\/cwd\/\n/gm, "")).toBe("");
  });

  it.runIf(hasPerl)("does not lead outside by a root in the root, by parents or by open folders", async () => {
    const marker = temporaryDirectory("outside");
    fs.writeFileSync(`${marker}/secret`, "");
    const script = `mkdir -p jail
      perl -e 'chroot "jail"; chdir ".." for 1 .. 50; chroot "."; print -e "${marker}/secret" ? "out" : "in", "\\n";
        opendir(my $d, "/"); print join(" ", sort grep { !/^\\./ } readdir $d), "\\n"'
      perl -e 'for (3 .. 20) { print "fd$_\\n" if -e "/proc/self/fd/$_" && readlink("/proc/self/fd/$_") !~ m{^/proc/} }'`;
    const { stdout } = await run(host, script, LOCAL);
    const [where, seen, ...descriptors] = stdout.trim().split("\n");
    expect(where).toBe("in");
    expect(seen?.split(" ")).not.toContain("work");
    expect(descriptors).toEqual([]);
  });

  it.runIf(hasPerl)("lets nobody uncover what is below its mounts, even as root of a new user namespace", async () => {
    const marker = temporaryDirectory("outside");
    // unshare(CLONE_NEWUSER | CLONE_NEWNS), then umount2(path, MNT_DETACH), where the kernel has these numbers.
    const numbers = { x64: [272, 166], arm64: [97, 39] }[process.arch as "x64" | "arm64"];
    const [unshare, umount] = numbers ?? [];
    const script = `perl -e 'print syscall(${unshare}, 0x10020000) == 0 ? "new\\n" : "none\\n";
      for my $path ("/", "/proc/sys", "/dev", "/tmp") { my $p = "$path\\0"; syscall(${umount}, $p, 2) == 0 and print "uncovered $path\\n" }
      print -e "${marker}" ? "out" : "in"'`;
    const { stdout } = await run(host, script, LOCAL);
    expect(stdout.split("\n").filter((line) => line !== "new" && line !== "none")).toEqual(["in"]);
  });
});
