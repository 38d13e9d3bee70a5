/** Trees of what builds leave on disk: what counts, what does not, and what builds may try. */
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { Tree } from "../../src/cas/tree.ts";
import { capture } from "../../src/sandbox/capture.ts";
import { cas, content, INSTALL_ROOT, listing, root, run, temporaryDirectory, workingWays } from "./rig.ts";

const hasPerl = fs.existsSync("/usr/bin/perl");
const INSTALLED = "buildstream-install";

describe.each(workingWays)("$name", ({ host }) => {
  const install = (script: string, setup = {}) => run(host, `cd ${INSTALL_ROOT}\n${script}`, {}, setup);
  const change = (script: string) => run(host, script, { cwd: "/", rootReadOnly: false }, { writableDirectories: [] });

  it("is of two runs of the same build the same, and of a run that changes nothing the root's", async () => {
    const script = "mkdir -p a/b; echo 1 > a/b/c; ln -s c a/b/d; chmod 755 a/b/c; date +%N > /tmp/x; sleep 0.01";
    const [first, second] = [await install(script), await install(`umask 077; ${script}`)];
    expect(first.digest).toEqual(second.digest);
    const nothing = await run(host, "cat /etc/plain", { cwd: "/", rootReadOnly: false }, { writableDirectories: [] });
    expect(new Tree(cas, nothing.digest).openDirectory("etc").digest()).toEqual(
      new Tree(cas, root).openDirectory("etc").digest(),
    );
  });

  it("keeps names, contents, targets and the owner's right to execute", async () => {
    const { tree } = await install(`
      echo plain > plain; ln plain hard; : > empty; mkdir -p dir/sub none
      for mode in 0744 0654 0645 4755 0100 0000; do echo $mode > m$mode; chmod $mode m$mode; done
      mkdir sealed; echo x > sealed/file; chmod 0 sealed; mkdir writable; echo x > writable/file; chmod 0333 writable
      ln -s /etc/passwd absolute; ln -s nowhere dangling; ln -s . loop; ln -s ../../../../../../etc parents
      printf x > "$(printf 'new\\nline')"; printf x > ' "quoted" \\'; printf x > -rf; printf x > é; printf x > $(printf '\\357\\277\\275')
    `);
    expect(listing(tree, INSTALLED)).toEqual([
      ' "quoted" \\',
      "-rf",
      "absolute -> /etc/passwd",
      "dangling -> nowhere",
      "dir/",
      "dir/sub/",
      "empty",
      "hard",
      "loop -> .",
      "m0000",
      "m0100*",
      "m0645",
      "m0654",
      "m0744*",
      "m4755*",
      "new\nline",
      "none/",
      "parents -> ../../../../../../etc",
      "plain",
      "sealed/",
      "sealed/file",
      "writable/",
      "writable/file",
      "é",
      "\ufffd",
    ]);
    expect(content(tree, `${INSTALLED}/m0000`)).toBe("0000\n");
    expect(content(tree, `${INSTALLED}/hard`)).toBe("plain\n");
  });

  it("leaves out what is no file, also where it took the place of one", async () => {
    const { tree } = await change("rm /etc/plain; mkfifo /etc/plain /fifo; echo x > /etc/new");
    expect(listing(tree, "etc")).toEqual(["deep/", "deep/er/", "deep/er/file", "link -> plain", "new"]);
    expect(tree.exists("fifo")).toBe(false);
  });

  it.runIf(hasPerl)("leaves out sockets", async () => {
    const { tree } = await install(
      `perl -e 'socket(my $s, 1, 1, 0); bind($s, pack("S a*", 1, "socket")) or die'; ls > list`,
    );
    expect(listing(tree, INSTALLED)).toEqual(["list"]);
    expect(content(tree, `${INSTALLED}/list`)).toContain("socket");
  });

  it("has what was removed, replaced, renamed and made anew as the build last saw it", async () => {
    const { tree, stdout } = await change(`
      mkdir -p /t/one/two /t/three; echo a > /t/one/a; echo b > /t/one/two/b
      rm -r /etc/deep; mkdir /etc/deep; echo new > /etc/deep/new
      rm /etc/link; mkdir /etc/link; echo inside > /etc/link/plain
      rm /usr/bin/tail; mv /usr/bin/head /usr/bin/tail; chmod -x /usr/bin/tail
      find /etc /t /usr/bin/head /usr/bin/tail 2>/dev/null | sort || true
    `);
    expect(listing(tree, "etc")).toEqual(["deep/", "deep/new", "link/", "link/plain", "plain"]);
    expect(tree.exists("usr/bin/head")).toBe(false);
    expect(tree.lookup("usr/bin/tail")).toMatchObject({ kind: "file", executable: false });
    expect(tree.exists("usr/bin/cat")).toBe(true);
    expect(stdout).not.toContain("er/file");
  });

  it("has a directory in the place of a file, a file in that of a directory, and empty ones", async () => {
    const { tree } = await change(`
      rm -r /etc/deep; echo file > /etc/deep
      rm /etc/plain; mkdir -p /etc/plain/sub
      mkdir /again; rmdir /again; mkdir /again
    `);
    expect(listing(tree, "etc")).toEqual(["deep", "link -> plain", "plain/", "plain/sub/"]);
    expect(tree.lookup("again")).toMatchObject({ kind: "directory" });
  });

  it("has a directory that was removed and made anew with some of what it had", async () => {
    const { tree } = await change(`
      cp -r /etc/deep /tmp/kept; rm -r /etc; mkdir -p /etc/deep; cp -r /tmp/kept/er /etc/deep/other
    `);
    expect(listing(tree, "etc")).toEqual(["deep/", "deep/other/", "deep/other/file"]);
  });

  it("has paths as long as the system allows", async () => {
    const { tree } = await install(`
      name=dddddddddddddddddddddddddddddddddddddddd; i=0
      while [ $i -lt 90 ]; do mkdir $name; cd -P $name; i=$((i + 1)); done; echo deep > file
    `);
    const paths = [...tree.openDirectory(INSTALLED).entries()].map(({ path }) => path);
    expect(paths).toHaveLength(91);
    expect(paths.at(-1)).toHaveLength(90 * 41 + 4);
  });

  it.runIf(hasPerl)("refuses directories deeper than any path, and removes them", async () => {
    const script = `perl -e 'for (1 .. 2100) { mkdir "d" or die; chdir "d" or die }'`;
    await expect(install(script)).rejects.toMatchObject({ domain: "sandbox", message: /too deep/ });
  });

  it("refuses names and targets that are not UTF-8", async () => {
    await expect(install("echo x > $(printf 'caf\\351')")).rejects.toMatchObject({ domain: "sandbox" });
    await expect(install("ln -s $(printf 'caf\\351') link")).rejects.toMatchObject({ domain: "sandbox" });
  });

  it("keeps times to the microsecond for workspaces, and gives them back", async () => {
    const script = `echo a > a; touch -d '2020-02-02 02:02:02.123456789' a; mkdir d; touch -d @1600000000 d`;
    const { tree, digest } = await install(script, { mtimes: true });
    expect(tree.lookup(`${INSTALLED}/a`)).toMatchObject({ mtime: { seconds: 1580608922, nanos: 123456000 } });
    const directory = tree.lookup(`${INSTALLED}/d`);
    expect(directory?.kind === "directory" && cas.readDirectory(directory.digest).mtime).toEqual({
      seconds: 1600000000,
      nanos: 0,
    });
    for (const path of ["", "buildstream", INSTALLED]) {
      expect(cas.readDirectory(tree.openDirectory(path).digest()).mtime).toBeUndefined();
    }
    const again = await install("stat -c '%y' a; stat -c %Y d; : > b", { root: digest, mtimes: true });
    expect(again.stdout).toMatch(/^2020-02-02 02:02:02.123456\d* \+0000\n1600000000\n$/);
    expect(again.tree.lookup(`${INSTALLED}/a`)).toEqual(tree.lookup(`${INSTALLED}/a`));
  });
});

describe("capture", () => {
  it("does not take a staged file for unchanged that was written to in the same moment", () => {
    const directory = temporaryDirectory();
    fs.writeFileSync(`${directory}/f`, "new");
    const { ino, size, mtimeMs, ctimeMs } = fs.statSync(`${directory}/f`);
    const old = cas.write("old");
    const staged = new Map([[ino, { digest: old, size, mtimeMs, ctimeMs }]]);
    const options = {
      directory,
      lower: undefined,
      opaque: new Set<string>(),
      staged,
      mtimes: false,
      writableDirectories: [],
    };
    const contentAfter = (began: number) => content(new Tree(cas, capture(cas, { ...options, began }).digest), "f");
    expect(contentAfter(ctimeMs + 1)).toBe("new");
    expect(contentAfter(ctimeMs + 1000)).toBe("old");
  });
});
