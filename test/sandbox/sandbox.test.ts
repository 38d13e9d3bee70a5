/** Runs, one after the other, and what ends them. */
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { importLocal } from "../../src/cas/import.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { detectSandbox, openSandbox } from "../../src/sandbox/sandbox.ts";
import {
  BUILD_ROOT,
  cas,
  content,
  INSTALL_ROOT,
  listing,
  open,
  root,
  rootFolder,
  run,
  runIn,
  shell,
  temporaryDirectory,
  workingWays,
} from "./rig.ts";

const stored = (name: string): string[] =>
  fs.existsSync(`${cas.root}/${name}`) ? fs.readdirSync(`${cas.root}/${name}`) : [];

describe.each(workingWays)("$name", ({ host }) => {
  it("passes on exit statuses, those of signals too", async () => {
    for (const [script, status] of [
      ["exit 0", 0],
      ["exit 3", 3],
      ["exit 255", 255],
      ["kill -9 $$", 137],
      ["kill -TERM $$", 143],
    ] as const) {
      expect((await run(host, script)).status).toBe(status);
    }
  });

  it("says which command is missing", async () => {
    await expect(run(host, "", { argv: ["nope"] })).rejects.toMatchObject({
      domain: "sandbox",
      reason: "missing-command",
      message: /nope/,
    });
    await expect(run(host, "", { argv: ["/etc/nope"] })).rejects.toMatchObject({ reason: "missing-command" });
    await expect(run(host, "", { argv: ["bin/cat"] })).rejects.toMatchObject({ reason: "missing-command" });
    await expect(run(host, "", { env: {} })).rejects.toMatchObject({ reason: "missing-command" });
    expect((await run(host, "", { argv: ["/bin/true"] })).status).toBe(0);
  });

  it("refuses what the machine can't run", async () => {
    const refusal = { domain: "sandbox", reason: "unavailable-local-sandbox" };
    await expect(run(host, "true", {}, { os: "aix" })).rejects.toMatchObject(refusal);
    await expect(run(host, "true", {}, { arch: "sparc-v9" })).rejects.toMatchObject(refusal);
  });

  it.runIf(process.arch === "x64")("calls itself by the name of the architecture that is asked for", async () => {
    expect((await run(host, "uname -m", {}, { arch: "x86-32" })).stdout).toBe("i686\n");
    expect((await run(host, "uname -m", {}, { arch: "x86-64" })).stdout).toBe("x86_64\n");
  });

  it("gives each command the files of the one before, as staged files, and nothing of its /tmp", async () => {
    await using sandbox = await open(host);
    const local = { rootReadOnly: false };
    const first = await runIn(
      sandbox,
      shell(
        "echo 1 > /etc/one; ln /etc/one /etc/two; chmod 600 /etc/one; rm /etc/plain; echo > /tmp/t; mkfifo f",
        local,
      ),
    );
    expect(first.status).toBe(0);
    const look = "stat -c '%n %Y %a %h' /etc/one /etc/two; ls /tmp /etc; ls";
    const second = await runIn(sandbox, shell(look));
    expect(second.stdout.split("\n")).toEqual([
      expect.stringMatching(/^\/etc\/one 1321009871 644/),
      expect.stringMatching(/^\/etc\/two 1321009871 644/),
      "/etc:",
      "deep",
      "link",
      "one",
      "two",
      "",
      "/tmp:",
      "",
    ]);
    await runIn(sandbox, shell("echo more >> /etc/one", local));
    const third = await runIn(sandbox, shell("cat /etc/two"));
    expect(third.stdout).toBe("1\n");
  });

  it("does not hand writes to staged files on to the store or to other sandboxes", async () => {
    const before = cas.read(cas.write("plain"));
    const { tree } = await run(host, "echo changed >> /etc/plain; chmod 777 /etc/deep/er/file", {
      rootReadOnly: false,
    });
    expect(content(tree, "etc/plain")).toBe("plainchanged\n");
    expect(cas.read(cas.write("plain"))).toEqual(before);
    expect((await run(host, "cat /etc/plain; stat -c %a /etc/deep/er/file")).stdout).toBe("plain644\n");
  });

  it("stages sources over dependencies, so that they can be changed, moved and removed", async () => {
    const sources = new Tree(cas, root);
    const folder = sources.makeDirectory(BUILD_ROOT.slice(1));
    folder.makeDirectory("src/inner");
    folder.addFile("src/a", cas.write("a"), { executable: false });
    folder.addFile("src/inner/b", cas.write("b"), { executable: true });
    folder.addFile("left", cas.write("left"), { executable: false });
    const script = `echo + >> src/a; perl -e 'rename "src", "moved" or die' 2>/dev/null || mv src moved; rm left
      find . | sort > ${INSTALL_ROOT}/list; ./moved/inner/b 2>/dev/null || true`;
    const { tree } = await run(host, script, {}, { root: sources.digest() });
    expect(listing(tree, BUILD_ROOT.slice(1))).toEqual(["moved/", "moved/a", "moved/inner/", "moved/inner/b*"]);
    expect(content(tree, `${BUILD_ROOT.slice(1)}/moved/a`)).toBe("a+\n");
    expect(content(tree, "buildstream-install/list")).toBe(".\n./moved\n./moved/a\n./moved/inner\n./moved/inner/b\n");
  });

  it("makes the folders that commands need, and leaves them in the tree", async () => {
    const empty = new Tree(cas);
    empty.importTree(root);
    const { tree, stdout } = await run(
      host,
      "pwd",
      { cwd: "/some/where", rootReadOnly: false },
      { writableDirectories: ["/made/here"] },
    );
    expect(stdout).toBe("/some/where\n");
    for (const path of ["some/where", "made/here", "dev", "proc", "tmp"]) {
      expect(tree.lookup(path)).toMatchObject({ kind: "directory" });
    }
  });

  it("keeps what the root has in places that are mounted over", async () => {
    const tree = new Tree(cas, root);
    tree.makeDirectory("tmp").addFile("kept", cas.write("kept"), { executable: false });
    const outcome = await run(host, "ls /tmp; echo > /tmp/gone", { rootReadOnly: false }, { root: tree.digest() });
    expect(outcome.stdout).toBe("");
    expect(listing(outcome.tree, "tmp")).toEqual(["kept"]);
  });

  it("will not make a directory over a link, nor mount over one", async () => {
    const tree = new Tree(cas, root);
    tree.addSymlink("buildstream-install", "/etc");
    await expect(run(host, "true", {}, { root: tree.digest() })).rejects.toMatchObject({ domain: "virtual-fs" });
    const hostMounts = [{ hostPath: "/etc/passwd", path: "/etc/link" }];
    await expect(run(host, "true", {}, { hostMounts })).rejects.toMatchObject({ domain: "sandbox" });
  });

  it("writes output to descriptors", async () => {
    const file = `${temporaryDirectory()}/log`;
    const descriptor = fs.openSync(file, "w");
    await using sandbox = await open(host);
    await sandbox.run(shell("echo out; echo err >&2"), { stdout: descriptor, stderr: descriptor });
    fs.closeSync(descriptor);
    expect(fs.readFileSync(file, "utf8")).toBe("out\nerr\n");
  });

  it("leaves nothing behind", async () => {
    const before = stored("sandboxes");
    await run(
      host,
      `mkdir sealed; touch sealed/f; chmod 0 sealed; for i in $(find /usr /etc); do : > ${INSTALL_ROOT}/f$((n = n + 1)); done`,
    );
    await expect(run(host, "", { argv: ["nope"] })).rejects.toThrow();
    expect(stored("sandboxes")).toEqual(before);
  });

  it("works in folders whatever their names", async () => {
    const folder = `${temporaryDirectory()}/a,b:c 'd' "e" \\$f\ng=é`;
    fs.mkdirSync(folder);
    const own = new Cas(`${folder}/cas`);
    const { backend, overlay } = host.options;
    const options = { ...(backend && { backend }), ...(overlay !== undefined && { overlay }) };
    await using sandbox = await openSandbox(detectSandbox(own, options), {
      root: importLocal(own, rootFolder),
      writableDirectories: [INSTALL_ROOT],
      network: false,
      hostMounts: [{ hostPath: folder, path: "/srv" }],
    });
    const script = `ls /srv > ${INSTALL_ROOT}/f; rm -r /etc/deep; mkdir /etc/deep`;
    const status = await sandbox.run(shell(script, { rootReadOnly: false }), { stdout: "ignore", stderr: "inherit" });
    expect(status).toBe(0);
    expect(listing(new Tree(own, sandbox.capture()), "etc")).toEqual(["deep/", "link -> plain", "plain"]);
  });

  it("runs several at once", async () => {
    const outcomes = await Promise.all([1, 2, 3, 4].map((n) => run(host, `echo ${n} > ${INSTALL_ROOT}/n; sleep 0.1`)));
    expect(outcomes.map(({ tree }) => content(tree, "buildstream-install/n"))).toEqual(["1\n", "2\n", "3\n", "4\n"]);
  });
});

it("gives the same tree all ways", async () => {
  const script = `cp -r /etc ${INSTALL_ROOT}; rm ${INSTALL_ROOT}/etc/link; echo x > /etc/x; rm -r /etc/deep; mkdir -p /etc/deep/y`;
  const outcomes = await Promise.all(workingWays.map(({ host }) => run(host, script, { rootReadOnly: false })));
  expect(new Set(outcomes.map(({ digest }) => digest.hash)).size).toBe(1);
});

describe.each(workingWays.filter(({ name }) => name.includes("overlay")))("roots of $name", ({ host }) => {
  it("are one for elements with the same dependencies, and for their integrated files", async () => {
    const dependencies = new Tree(cas, root);
    dependencies.makeDirectory("unique").addFile(host.options.backend ?? "", cas.write(""), { executable: false });
    await run(host, "true", {}, { root: dependencies.digest() });
    const before = stored("roots");
    const setup = (name: string) => ({ writableDirectories: [`/buildstream/test/${name}`, INSTALL_ROOT] });
    for (const name of ["a", "b"]) {
      const integrated = await run(
        host,
        "echo x > /etc/cache",
        { cwd: "/", rootReadOnly: false },
        { root: dependencies.digest(), ...setup(name) },
      );
      const sources = new Tree(cas, integrated.digest);
      sources.makeDirectory(`buildstream/test/${name}`).addFile("source", cas.write(name), { executable: false });
      const built = await run(
        host,
        "cat /etc/cache source",
        { cwd: `/buildstream/test/${name}` },
        { root: sources.digest(), ...setup(name) },
      );
      expect(built.stdout).toBe(`x\n${name}`);
    }
    expect(stored("roots")).toEqual(before);
  });
});

it("says why where there is nothing to run commands with", async () => {
  const host = detectSandbox(cas);
  Object.defineProperty(host, "tools", { value: {} });
  await expect(run(host, "true")).rejects.toMatchObject({
    domain: "sandbox",
    reason: "unavailable-local-sandbox",
    detail: /bubblewrap/,
  });
  await expect(run(host, "", { argv: ["nope"] })).rejects.toMatchObject({ reason: "missing-command" });
});
