import { spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { materialise } from "../../src/cas/materialise.ts";
import { host } from "../../src/sources/host.ts";
import { mappingFrom } from "../../src/yaml/node.ts";
import { parseYaml } from "../../src/yaml/parse.ts";
import { tempDir, writeFiles } from "../helpers.ts";
import { elf } from "./elf-writer.ts";
import { bench, listing } from "./helpers.ts";

/** A folder whose own path has no links. */
function folder(): string {
  return realpathSync(tempDir("host"));
}

async function staged(config: Record<string, string[]>, below: string): Promise<string[]> {
  const on = bench();
  const tree = await on.stage(on.configure(host, config));
  const prefix = `${below.slice(1)}/`;
  return listing(on.cas, tree)
    .filter((line) => line.startsWith(prefix) && line !== prefix)
    .map((line) => line.slice(prefix.length));
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("host", () => {
  test("stages files and folders under their own paths, with the links that lead to them", async () => {
    const root = folder();
    writeFiles(root, {
      "real/data/file": "1",
      "real/data/inner": { symlink: "../outside" },
      "real/data/empty/": "",
      "real/other": "2",
      link: { symlink: "real" },
      current: { symlink: `${root}/link/data` },
    });
    expect(await staged({ files: [`${root}/current`] }, root)).toEqual([
      `current -> ${root}/link/data`,
      "link -> real",
      "real/",
      "real/data/",
      "real/data/empty/",
      "real/data/file = 1",
      "real/data/inner -> ../outside",
    ]);
    expect(await staged({ files: [`${root}/link/../real/other`] }, root)).toEqual([
      "link -> real",
      "real/",
      "real/other = 2",
    ]);
  });

  test("leaves out what is excluded", async () => {
    const root = folder();
    writeFiles(root, { "a/keep.txt": "1", "a/drop.log": "2", "a/doc/x": "3" });
    const config = { files: [`${root}/a`], exclude: [`${root}/**.log`, `${root}/*/doc`] };
    expect(await staged(config, root)).toEqual(["a/", "a/keep.txt = 1"]);
  });

  test("stages what programs need, and what that needs", async () => {
    const root = folder();
    writeFiles(root, {
      "bin/program": elf({ needed: ["libone.so"], runpath: "$ORIGIN/../lib", interpreter: `${root}/lib/loader` }),
      "lib/libone.so": { symlink: "libone.so.1" },
      "lib/libone.so.1": elf({ needed: ["libtwo.so"], runpath: `${root}/lib` }),
      "lib/libtwo.so": elf({}),
      "lib/unused.so": elf({}),
      "lib/loader": elf({}),
      "bin/script": { executable: `#! ${root}/bin/program -x\n` },
    });
    const names = (lines: string[]) => lines.map((line) => line.replace(/ = .*/s, ""));
    expect(names(await staged({ files: [`${root}/bin/script`] }, root))).toEqual([
      "bin/",
      "bin/program",
      "bin/script*",
      "lib/",
      "lib/libone.so -> libone.so.1",
      "lib/libone.so.1",
      "lib/libtwo.so",
      "lib/loader",
    ]);
  });

  test("finds programs in PATH, and makes them known where containers look", async () => {
    const root = folder();
    writeFiles(root, { "tools/bst-ts-test-tool": { executable: "tool" } });
    vi.stubEnv("PATH", `${root}/tools`);
    const on = bench();
    const tree = await on.stage(on.configure(host, { programs: ["bst-ts-test-tool"] }));
    expect(tree.lookup("usr/bin/bst-ts-test-tool")).toMatchObject({ target: `${root}/tools/bst-ts-test-tool` });
    expect(on.warnings).toEqual([expect.stringContaining("depends on the files of this machine")]);
  });

  test.each<[string, Record<string, string[]>, string]>([
    ["a missing program", { programs: ["bst-ts-no-such-program"] }, "is not on this machine"],
    ["a missing file", { files: ["/no/such/file"] }, "is not on this machine"],
    ["a relative path", { files: ["etc/passwd"] }, "no absolute path"],
    ["a device", { files: ["/dev/null"] }, "neither a file nor a folder"],
  ])("reports %s", async (_name, config, message) => {
    const on = bench();
    const source = on.configure(host, config);
    expect(() => source.uniqueKey()).toThrow(expect.objectContaining({ domain: "source", reason: "host-missing" }));
    await expect(on.stage(source)).rejects.toThrow(message);
  });

  test("reports what is missing where it is named", () => {
    const on = bench();
    const text = "programs: [sh]\nfiles:\n- /etc\n- /no/such/file\n";
    const config = parseYaml(text, { path: "x.bst", shortName: "x.bst", displayName: "x.bst" });
    const source = host.configure(config, on.context);
    expect(() => source.uniqueKey()).toThrow("x.bst [line 4 column 2]: '/no/such/file' is not on this machine");
  });

  test("reports a missing library, with what needs it", () => {
    const root = folder();
    writeFiles(root, { program: elf({ needed: ["libnowhere.so"] }) });
    const source = bench().configure(host, { files: [`${root}/program`] });
    expect(() => source.uniqueKey()).toThrow(`The library libnowhere.so, which ${root}/program needs`);
  });

  test("is keyed by what the files are", () => {
    const root = folder();
    mkdirSync(join(root, "a"));
    const key = () =>
      bench()
        .configure(host, { files: [`${root}/a`] })
        .uniqueKey();
    writeFileSync(join(root, "a/file"), "1");
    const first = key();
    writeFileSync(join(root, "a/file"), "1");
    expect(key()).toBe(first);
    writeFileSync(join(root, "a/file"), "2");
    expect(key()).not.toBe(first);
  });

  test("stages nothing under a key that was computed before a change", async () => {
    const root = folder();
    writeFileSync(join(root, "file"), "1");
    const on = bench();
    const before = on.context.localTree(join(root, "file"));
    const source = host.configure(mappingFrom({ files: [`${root}/file`] }), { ...on.context, localTree: () => before });
    writeFileSync(join(root, "file"), "2");
    await expect(on.stage(source)).rejects.toThrow("was changed after the build began");
  });

  const chroot = process.getuid?.() === 0 ? ["chroot"] : ["unshare", "--map-root-user", "chroot"];
  const usable = spawnSync(chroot[0] ?? "", [...chroot.slice(1), "/", "true"]).status === 0;
  test.skipIf(!usable)(
    `stages programs that run with nothing else${usable ? "" : " (skipped: no chroot here)"}`,
    async () => {
      const on = bench();
      const tree = await on.stage(on.configure(host, { programs: ["sh", "node", "cat"] }));
      const root = join(tempDir("chroot"), "root");
      materialise(on.cas, tree.digest(), root, { mode: "copy" });
      const script = "/bin/sh -c 'echo shell; cat /etc/none || node -p 1+1'";
      const run = spawnSync(chroot[0] ?? "", [...chroot.slice(1), root, "sh", "-c", script], {
        encoding: "utf8",
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      expect(run.stdout).toBe("shell\n2\n");
    },
  );
});
