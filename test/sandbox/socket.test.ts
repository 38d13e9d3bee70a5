/** A socket that is served from outside: commands connect to it, and no tree has it. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { describe, expect, it } from "vitest";
import type { SandboxSetup, SandboxSocket } from "../../src/sandbox/sandbox.ts";
import {
  cas,
  INSTALL_ROOT,
  listing,
  open,
  rareWays,
  root,
  run,
  runIn,
  shell,
  temporaryDirectory,
  workingWays,
} from "./rig.ts";

/** Says `name` to whoever connects. */
function greeter(path: string, name = "hello"): SandboxSocket & { readonly served: string[] } {
  const served: string[] = [];
  return {
    path,
    served,
    async serve(hostPath) {
      const server = net.createServer((socket) => socket.end(name));
      await new Promise<void>((resolve) => server.listen(hostPath, resolve));
      served.push(hostPath);
      return { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
    },
  };
}

/** Perl has sockets without any module. */
const connect = (path: string): string =>
  `perl -e 'socket(S, 1, 1, 0) && connect(S, pack("S a*", 1, "${path}")) || die "$!"; print <S>'`;

const within = (setup: Partial<SandboxSetup>, script: string, way: (typeof workingWays)[number], rootReadOnly = true) =>
  run(way.host, script, { rootReadOnly }, setup);

describe.each([...workingWays, ...rareWays])("$name", (way) => {
  it.each([
    ["/tmp/api.sock", "drwxr-xr-x"],
    ["/tmp/deep/er/api.sock", "drwxr-xr-x"],
    ["/run/deep/api.sock", "drwxr-xr-x"],
    ["relative.sock", "drwxr-xr-x"],
    [`${INSTALL_ROOT}/api.sock`, "drwxr-xr-x"],
    ["/etc/../etc/deep/api.sock", "drwxr-xr-x"],
  ])("shows it at %s", async (path, mode) => {
    const absolute = path.startsWith("/") ? path : `/${path}`;
    const script = `${connect(absolute)}; stat -c %A "$(d=${absolute}; echo "\${d%/*}/")"`;
    for (const rootReadOnly of path.startsWith("/run") ? [true, false] : [true]) {
      const socket = greeter(path);
      const { stdout, stderr, status, tree } = await within({ socket }, script, way, rootReadOnly);
      expect({ stdout, stderr, status }).toEqual({ stdout: `hello${mode}\n`, stderr: "", status: 0 });
      expect(listing(tree).filter((entry) => entry.includes("sock"))).toEqual([]);
      expect(socket.served.filter((hostPath) => fs.existsSync(hostPath))).toEqual([]);
    }
  });

  it("follows the root's symlinks, and never those of the machine", async () => {
    const outside = temporaryDirectory();
    const first = await within(
      {},
      `mkdir -p /var /run; ln -s /run /var/run; ln -s ../../../..${outside} /var/out`,
      way,
      false,
    );
    const links = { root: first.digest };
    expect((await within({ ...links, socket: greeter("/var/run/x") }, connect("/run/x"), way)).stdout).toBe("hello");
    expect((await within({ ...links, socket: greeter("/var/out/x") }, connect("/var/out/x"), way)).stdout).toBe(
      "hello",
    );
    expect(fs.readdirSync(outside)).toEqual([]);
  });
});

describe.each(workingWays)("$name", (way) => {
  it("has each sandbox connect to its own, in each of its commands", async () => {
    await Promise.all(
      ["one", "two", "three"].map(async (name) => {
        await using sandbox = await open(way.host, { socket: greeter("/run/api.sock", name) });
        for (let i = 0; i < 2; i++) {
          const { stdout } = await runIn(sandbox, shell(connect("/run/api.sock"), { rootReadOnly: i === 0 }));
          expect(stdout).toBe(name);
        }
      }),
    );
  });

  it("lets the user of the commands connect, and leaves the rest of the tree as without it", async () => {
    const script = `${connect("/etc/deep/api.sock")}; echo made > /etc/made`;
    const user = { uid: 1000, gid: 1000 };
    for (const mtimes of [false, true]) {
      const plain = await within({ ...user, mtimes }, "echo made > /etc/made; touch -d @5 /etc/made", way, false);
      const socket = greeter("/etc/deep/api.sock");
      const served = await within({ ...user, mtimes, socket }, `${script}; touch -d @5 /etc/made`, way, false);
      expect(served.stdout).toBe("hello");
      expect(listing(served.tree)).toEqual(listing(plain.tree));
      if (!mtimes) expect(served.digest).toEqual(plain.digest);
    }
  });

  it.each([
    ["/etc/plain", "is a file"],
    ["/etc/plain/x", "is a file"],
    ["/etc/deep", "folder is in its place"],
    ["/etc/link", "is a file"],
    ["/tmp", "folder is in its place"],
    ["/", "folder is in its place"],
    ["/run/\0", "NUL"],
    ["/dev/x", "the system's"],
    ["/proc/self/x", "the system's"],
  ])("refuses %s", async (path, message) => {
    const socket = greeter(path);
    await expect(within({ socket }, "true", way)).rejects.toMatchObject({
      domain: "virtual-fs",
      reason: "remote-apis-socket",
      message: expect.stringContaining(message),
    });
    expect(socket.served).toEqual([]);
  });

  it("leaves nothing when it is aborted", async () => {
    const controller = new AbortController();
    const socket = greeter("/run/api.sock");
    await using sandbox = await open(way.host, { socket });
    const ended = runIn(sandbox, shell("sleep 100"), controller.signal);
    while (socket.served.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error("enough"));
    await expect(ended).rejects.toThrow("enough");
    expect(fs.readdirSync(`${cas.root}/sandboxes`)).toEqual([]);
  });
});

it("has the tests' root as it was", () => {
  expect(execFileSync("find", [`${cas.root}/roots`, "-type", "s"], { encoding: "utf8" })).toBe("");
  expect(cas.has(root)).toBe(true);
});
