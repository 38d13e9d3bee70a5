/** Released versions of BuildStream's plugin packages: downloaded by pip once, and kept beside the reference. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import pLimit from "p-limit";
import { installation, python as interpreter } from "./python.ts";

/** Of releases between which nothing differs that keys or source information show, the last; the newest have other tests. */
const VERSIONS = {
  buildstream_plugins: ["2.0.0", "2.2.0", "2.4.0", "2.5.0", "2.7.0"],
  buildstream_plugins_community: ["2.0.2", "2.0.3", "2.0.4", "2.1.1", "2.2.0", "2.3.1", "2.3.3"],
} as const;

export type PackageName = keyof typeof VERSIONS;

export interface Release {
  readonly name: PackageName;
  readonly version: string;
  /** Absolute path of the package, which has folders `elements` and `sources`. */
  readonly directory: string;
}

/** @throws Error what pip says, where a release can't be had */
export async function pluginReleases(): Promise<Release[]> {
  const kept = join(installation, "plugin-releases");
  mkdirSync(kept, { recursive: true });
  const limit = pLimit(3);
  const wanted = Object.entries(VERSIONS) as [PackageName, readonly string[]][];
  const found = wanted.flatMap(([name, versions]) =>
    versions.map((version) =>
      limit(async () => ({ name, version, directory: await directoryOf(kept, name, version) })),
    ),
  );
  return Promise.all(found);
}

async function directoryOf(kept: string, name: PackageName, version: string): Promise<string> {
  const path = join(kept, `${name}-${version}`);
  if (!existsSync(path)) {
    const temporary = mkdtempSync(join(kept, "new-"));
    try {
      await python(
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--prefer-binary",
        "--retries=1",
      )(...["--dest", temporary, `${name}==${version}`]);
      const [archive = ""] = readdirSync(temporary);
      const unpacked = join(temporary, "unpacked");
      await python("-m", archive.endsWith(".whl") ? "zipfile" : "tarfile")("-e", join(temporary, archive), unpacked);
      renameSync(unpacked, path);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  // A wheel has the package itself, a source archive a folder with `src`.
  const places = ["", ...readdirSync(path).map((entry) => join(entry, "src"))].map((place) => join(path, place, name));
  const directory = places.find((place) => existsSync(join(place, "sources")));
  if (directory === undefined) throw new Error(`no plugins in ${path}`);
  return directory;
}

function python(...start: readonly string[]) {
  return (...rest: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(interpreter, [...start, ...rest], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.on("data", (chunk) => (said += chunk));
      child.on("error", reject);
      child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(said.trim().split("\n").at(-1)))));
    });
}
