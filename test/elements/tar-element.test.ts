/** Archives of kind `tar_element`, read by the machine's tar. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "../helpers.ts";
import { imported, pluginProject } from "./kinds.ts";

const suffixes = { none: ".tar", gzip: ".tar.gz", xz: ".tar.xz", bzip2: ".tar.bz2" };

it.each(Object.entries(suffixes))("holds the files of dependencies, compressed by %s", async (compression, suffix) => {
  const config = { filename: "files", compression };
  const cwd = pluginProject(
    ["tar_element"],
    {
      files: imported("files", { depends: ["more.bst"] }),
      more: imported("more"),
      archive: { kind: "tar_element", "build-depends": ["files.bst"], config },
    },
    {
      "files/bin/run": { executable: "#!/bin/sh\n" },
      "files/link": { symlink: "bin/run" },
      "files/empty/": "",
      "more/text": "text",
    },
  );
  const built = await runCli(["build", "archive.bst"], { cwd });
  expect(built.code, built.stderr).toBe(0);
  const checkout = await runCli(["artifact", "checkout", "--directory", "out", "archive.bst"], { cwd });
  expect(checkout.code, checkout.stderr).toBe(0);
  const archive = join(cwd, `out/files${suffix}`);
  const listed = execFileSync("tar", ["--list", "--verbose", "--full-time", "--utc", "--file", archive]).toString();
  const lines = listed.trim().split("\n");
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    "drwxr-xr-x 0/0 0 2011-11-11 11:11:11 bin/",
    "-rwxr-xr-x 0/0 10 2011-11-11 11:11:11 bin/run",
    "drwxr-xr-x 0/0 0 2011-11-11 11:11:11 empty/",
    "lrwxrwxrwx 0/0 0 2011-11-11 11:11:11 link -> bin/run",
    "-rw-r--r-- 0/0 4 2011-11-11 11:11:11 text",
  ]);
  expect(execFileSync("tar", ["--extract", "--to-stdout", "--file", archive, "text"]).toString()).toBe("text");
});
