/** Measures making images side by side with the programs that do parts of it: tar, openssl, pigz, zstd, buildah, umoci. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Contender, Measurement } from "./measure.ts";

export interface ImageOptions {
  readonly scratch: string;
  readonly repeat: number;
  readonly files: number;
  readonly megabytes: number;
}

interface Row {
  readonly what: string;
  readonly peer: string;
  /** Undefined where the peer is not installed. */
  readonly theirs: readonly Measurement[] | undefined;
  readonly ours: readonly Measurement[];
  /** How many times their time ours may be at most. */
  readonly limit: number;
}

// Seen from the bundle in bench/dist.
const measurePy = join(import.meta.dirname, "../measure.py");

/** An image that was never made, by its date. */
const image = (date: number, compression: string, layer: string, parent?: string) =>
  [
    "kind: oci",
    `build-depends: [${layer}.bst${parent === undefined ? "" : `, ${parent}.bst`}]`,
    "config:",
    `  compression: ${compression}`,
    `  images: [{architecture: amd64, os: linux, layer: [${layer}.bst], source-date-epoch: ${date}`,
    `    ${parent === undefined ? "" : `, parent: {element: ${parent}.bst}`}}]`,
    "",
  ].join("\n");

/** What the images are: a compression, what they hold, and the image that they are built on. */
const kinds = {
  plain: ["none", "root"],
  gzip: ["gzip", "root"],
  zstd: ["zstd", "root"],
  plainAgain: ["none", "root"],
  gzipAgain: ["gzip", "root"],
  zstdAgain: ["zstd", "root"],
  second: ["gzip", "changed", "base"],
  secondAgain: ["gzip", "changed", "base"],
  local: ["gzip", "local-changed", "base"],
} as const;

export function measureImages(ours: Contender, options: ImageOptions): string {
  const { scratch, repeat } = options;
  const project = join(scratch, "images");
  const folder = join(project, "local-root");
  const { count, bytes } = copyFiles(folder, options.files, options.megabytes << 20);
  const changed = join(project, "local-changed");
  cpSync(folder, changed, { recursive: true });
  const change = changeThree(changed);
  write(project, "project.conf", "name: images\nmin-version: 2.0\nelement-path: elements\n");
  for (const name of ["root", "changed"]) {
    const ref = archive(join(project, `local-${name}`), join(scratch, `${name}.tar`));
    const source = `{kind: tar, url: "file://${scratch}/${name}.tar", ref: ${ref}, base-dir: ""}`;
    write(project, `elements/${name}.bst`, `kind: import\nsources: [${source}]\n`);
  }
  write(project, "elements/local-changed.bst", "kind: import\nsources: [{kind: local, path: local-changed}]\n");
  write(project, "elements/base.bst", image(0, "gzip", "root"));
  for (const [i, [name, [compression, layer, parent]]] of Object.entries(kinds).entries())
    for (let round = 0; round < repeat; round++)
      write(project, `elements/${name}${round}.bst`, image(1000 * (i + 1) + round, compression, layer, parent));
  ours.measure(project, ["build", "root.bst", "changed.bst", "local-changed.bst", "base.bst"]);

  const build = (name: keyof typeof kinds) => (round: number) =>
    ours.measure(project, ["build", `${name}${round}.bst`]);
  const shell = (line: string) => () => command(scratch, ["bash", "-c", line], folder);
  const buildah = new Buildah(scratch, folder);
  const umoci = new Umoci(scratch, folder, change);
  const rows: Row[] = [];
  const compare = (
    what: string,
    peer: string,
    limit: number,
    isThere: boolean,
    them: (round: number) => Measurement,
    us: (round: number) => Measurement,
  ) => {
    const theirs: Measurement[] = [];
    const mine: Measurement[] = [];
    for (let round = 0; round < repeat; round++) {
      if (isThere) theirs.push(them(round));
      mine.push(us(round));
    }
    const row = { what, peer, limit, theirs: isThere ? theirs : undefined, ours: mine };
    rows.push(row);
    process.stderr.write(`${line(row)}\n`);
  };
  const tar = "tar -c --sort=name .";
  const floor = shell(`${tar} | openssl dgst -sha256`);
  compare("one layer, uncompressed", "tar to openssl dgst", 2, has("openssl"), floor, build("plain"));
  for (const [name, program] of [
    ["gzip", "pigz -6"],
    ["zstd", "zstd -q -3 -T0"],
  ] as const) {
    const file = join(scratch, `peer.${name}`);
    const alone = shell(`${tar} | ${program} > ${file}`);
    compare(`one layer, ${name}`, `tar to ${program}`, 1, has(name === "gzip" ? "pigz" : name), alone, build(name));
    const digests = `${tar} | tee >(openssl dgst -sha256 > ${file}.id) | ${program} | tee ${file} | openssl dgst -sha256`;
    const again = build(`${name}Again`);
    compare(`one layer, ${name}`, "the same, both digests", 1, has("openssl"), shell(digests), again);
  }
  const whole = (round: number) => buildah.whole(round);
  compare("one layer, uncompressed", "buildah copy, commit", 0.1, has("buildah"), whole, build("plainAgain"));
  const base = basesOf(ours, project, scratch, "base.bst");
  const repacked = (round: number) => umoci.second(round);
  const three = "a second layer, three files changed";
  compare(three, "umoci unpack, repack", 0.05, has("umoci"), repacked, build("second"));
  const committed = (round: number) => buildah.second(round, change);
  compare(three, "buildah from, commit", 0.05, has("buildah"), committed, build("secondAgain"));
  const second = basesOf(ours, project, scratch, "second0.bst");
  if (!base.every((blob) => second.includes(blob))) throw new Error("the second image has other layers than its base");
  compare(`${three}, in a local folder`, "buildah from, commit", 0.05, has("buildah"), committed, build("local"));
  const start = () => ours.measure(project, ["--version"]);
  compare("build, nothing changed", "bst-ts --version", 2, true, start, () => build("second")(0));
  const where = statfsSync(scratch).type === TMPFS ? "in memory" : "on disk";
  return [
    `Images of ${count} files, ${Math.round(bytes / 1e6)} MB, copied from this machine's /usr; all files are ${where}.`,
    "",
    "A busy machine stretches seconds of wall time; those of processors say what it would be otherwise.",
    "",
    "| | by | their s | bst-ts s | ratio | at most | their CPU s | bst-ts CPU s | their MB | bst-ts MB |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(line),
    "",
  ].join("\n");
}

/** As statfs tells it. */
const TMPFS = 0x01021994;

/** @returns the hash of the archive */
function archive(folder: string, file: string): string {
  command(folder, ["tar", "-c", "--sort=name", "-f", file, "."], folder);
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function median(all: readonly Measurement[], of: "seconds" | "processorSeconds" | "megabytes"): number {
  const sorted = all.map((each) => each[of]).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

function line({ what, peer, theirs, ours, limit }: Row): string {
  const number = (value: number, digits: number) => (Number.isNaN(value) ? "–" : value.toFixed(digits));
  const ratio = median(ours, "seconds") / median(theirs ?? [], "seconds");
  return `| ${[
    what,
    theirs === undefined ? `${peer} (not installed)` : peer,
    number(median(theirs ?? [], "seconds"), 2),
    number(median(ours, "seconds"), 2),
    `${number(ratio, 2)}${ratio > limit ? " ✗" : ""}`,
    limit,
    number(median(theirs ?? [], "processorSeconds"), 2),
    number(median(ours, "processorSeconds"), 2),
    number(median(theirs ?? [], "megabytes"), 0),
    number(median(ours, "megabytes"), 0),
  ].join(" | ")} |`;
}

function has(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** @throws Error where it fails, since a failure is fast */
function command(scratch: string, words: readonly string[], cwd: string): Measurement {
  const files = ["result", "stdout", "stderr"].map((name) => join(scratch, `peer-${name}`));
  const [result = "", , stderr = ""] = files;
  spawnSync("python3", [measurePy, ...files, ...words], { cwd, stdio: "inherit" });
  const measured: Measurement = JSON.parse(readFileSync(result, "utf8"));
  if (measured.code !== 0) throw new Error(`${words.join(" ")}: ${readFileSync(stderr, "utf8").slice(-2000)}`);
  return measured;
}

function write(dir: string, path: string, content: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), content);
}

/** So many files of this machine, chosen by the hash of their names, up to a number of bytes. */
function copyFiles(to: string, files: number, bytes: number): { readonly count: number; readonly bytes: number } {
  const found: string[] = [];
  for (const top of ["bin", "sbin", "lib", "libexec", "share"]) {
    const folder = join("/usr", top);
    if (!existsSync(folder)) continue;
    for (const each of readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" }))
      if (each.isFile()) found.push(join(each.parentPath, each.name));
  }
  const rank = new Map(found.map((path) => [path, createHash("sha256").update(path).digest("hex")]));
  found.sort((a, b) => ((rank.get(a) ?? "") < (rank.get(b) ?? "") ? -1 : 1));
  let count = 0;
  let total = 0;
  for (const path of found) {
    const { size } = lstatSync(path);
    // None may be so large that the rest would be tiny.
    if (count >= files || size > bytes / 10 || total + size > bytes) continue;
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(path, target);
    count++;
    total += size;
  }
  return { count, bytes: total };
}

interface Change {
  readonly added: string;
  readonly appended: string;
  readonly removed: string;
}

/** Adds a file, changes one and removes one, of the first that there are. @returns their paths below the folder */
function changeThree(folder: string): Change {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(folder.length + 1))
    .sort();
  const change = { added: "usr/added", appended: all[10] ?? "", removed: all[1000] ?? all[0] ?? "" };
  applyChange(folder, change, "x");
  return change;
}

function applyChange(folder: string, { added, appended, removed }: Change, text: string): void {
  writeFileSync(join(folder, added), text);
  appendFileSync(join(folder, appended), text);
  rmSync(join(folder, removed), { force: true });
}

/** The layers of an image's first entry. */
function basesOf(ours: Contender, project: string, scratch: string, name: string): string[] {
  const to = join(scratch, `checkout-${name}`);
  ours.measure(project, ["artifact", "checkout", "--directory", to, name]);
  const [{ Layers } = { Layers: [] }] = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8")) as {
    Layers: string[];
  }[];
  rmSync(to, { recursive: true });
  return Layers;
}

class Buildah {
  readonly #scratch: string;
  readonly #folder: string;
  readonly #command: readonly string[];

  constructor(scratch: string, folder: string) {
    this.#scratch = scratch;
    this.#folder = folder;
    const storage = ["--root", join(scratch, "buildah"), "--runroot", join(scratch, "buildah-run")];
    // It was seen to go on for ever.
    this.#command = ["timeout", "300", "buildah", ...storage, "--storage-driver", "overlay"];
  }

  #output(...words: string[]): string {
    const [program = "", ...rest] = [...this.#command, ...words];
    return spawnSync(program, rest, { encoding: "utf8" }).stdout.trim();
  }

  whole(round: number): Measurement {
    const container = this.#output("from", "scratch");
    const run = [...this.#command, "copy", "-q", container, this.#folder, "/", "&&", ...this.#command];
    const words = [...run, "commit", "-q", "--disable-compression", container, this.#target()];
    const measured = command(this.#scratch, ["sh", "-c", words.join(" ")], this.#folder);
    if (round === 0) this.#output("commit", "-q", container, "whole");
    this.#output("rm", container);
    return measured;
  }

  /** Empty, as nothing is made where the layers are already. */
  #target(): string {
    const layout = join(this.#scratch, "buildah-layout");
    rmSync(layout, { recursive: true, force: true });
    return `oci:${layout}`;
  }

  /** What it takes to have the base's files, and the commit; not the changes. */
  second(round: number, change: Change): Measurement {
    const from = command(this.#scratch, [...this.#command, "from", "localhost/whole"], this.#folder);
    const container = readFileSync(join(this.#scratch, "peer-stdout"), "utf8").trim();
    applyChange(this.#output("mount", container), change, String(round));
    this.#output("umount", container);
    const words = [...this.#command, "commit", "-q", container, this.#target()];
    const measured = sum(from, command(this.#scratch, words, this.#folder));
    this.#output("rm", container);
    return measured;
  }
}

function sum(first: Measurement, second: Measurement): Measurement {
  return {
    code: 0,
    seconds: first.seconds + second.seconds,
    processorSeconds: first.processorSeconds + second.processorSeconds,
    megabytes: Math.max(first.megabytes, second.megabytes),
  };
}

class Umoci {
  readonly #scratch: string;
  readonly #layout: string;
  readonly #change: Change;
  #hasBase = false;

  constructor(scratch: string, folder: string, change: Change) {
    this.#scratch = scratch;
    this.#layout = join(scratch, "umoci");
    this.#change = change;
    this.#folder = folder;
  }

  readonly #folder: string;

  #run(...words: string[]): void {
    const { status, stderr } = spawnSync("umoci", words, { encoding: "utf8" });
    if (status !== 0) throw new Error(`umoci ${words.join(" ")}: ${stderr}`);
  }

  /** Unpacked first, since it tells what changed from what it unpacked. */
  second(round: number): Measurement {
    const from = `${this.#layout}:base`;
    if (!this.#hasBase) {
      this.#run("init", "--layout", this.#layout);
      this.#run("new", "--image", from);
      this.#run("insert", "--image", from, this.#folder, "/");
      this.#hasBase = true;
    }
    const bundle = join(this.#scratch, `bundle${round}`);
    const unpacked = command(this.#scratch, ["umoci", "unpack", "--image", from, bundle], "/");
    applyChange(join(bundle, "rootfs"), this.#change, String(round));
    const repacked = command(this.#scratch, ["umoci", "repack", "--image", `${this.#layout}:r${round}`, bundle], "/");
    rmSync(bundle, { recursive: true, force: true });
    return sum(unpacked, repacked);
  }
}
