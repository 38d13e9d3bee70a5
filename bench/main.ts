/** Measures bst-ts side by side with BuildStream and prints how many times faster it is. */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { changedFile, writeGraph, writeImports, writeSysroot } from "./generate.ts";
import { measureImages } from "./images.ts";
import { Contender, type Measurement } from "./measure.ts";

// Seen from the bundle in bench/dist.
const root = dirname(dirname(import.meta.dirname));
const { BST_ORACLE, BST_TS } = process.env;
const number = (value: string) => ({ type: "string", default: value }) as const;
const { values } = parseArgs({
  options: {
    elements: number("1000"),
    repeat: number("3"),
    "sysroot-files": number("12000"),
    "sysroot-megabytes": number("360"),
    scale: { type: "string", default: "1000,10000,100000" },
    only: { type: "string", default: "imports,sysroot,real,scale,images" },
    "image-files": number("11400"),
    "image-megabytes": number("380"),
    write: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const repeat = Number(values.repeat);

interface Row {
  readonly what: string;
  readonly theirs: readonly Measurement[];
  readonly ours: readonly Measurement[];
  /** How many times faster it shall be. */
  readonly target: number;
}

/** How much more memory than BuildStream is allowed. */
const memoryTarget = 1.5;

const scratch = mkdtempSync(join(tmpdir(), "bst-ts-bench-"));
process.on("exit", () => values.keep || rmSync(scratch, { recursive: true, force: true }));

const oracle = BST_ORACLE ?? join(homedir(), ".cache/bst-ts-oracle");
const theirCommand = [join(oracle, "venv/bin/bst")];
const ourCommand = BST_TS?.split(" ") ?? [process.execPath, join(root, "dist/bst-ts.js")];
for (const program of [theirCommand[0], ourCommand.at(-1)])
  if (program === undefined || !existsSync(program)) throw new Error(`${program} is missing: see bench/README.md`);

function contenders(dir: string, settings?: Readonly<Record<string, unknown>>): readonly [Contender, Contender] {
  return [
    new Contender("BuildStream", theirCommand, dir, settings),
    new Contender("bst-ts", ourCommand, dir, settings),
  ];
}

type Step = (contender: Contender, round: number) => Measurement;

/** Each round measures both, one after the other, so that what else the machine does meets both. */
function compare(
  pair: readonly [theirs: Contender | undefined, ours: Contender],
  what: string,
  target: number,
  step: Step,
  rounds = repeat,
): Row {
  const theirs: Measurement[] = [];
  const ours: Measurement[] = [];
  for (let round = 0; round < rounds; round++) {
    if (pair[0] !== undefined) theirs.push(step(pair[0], round));
    ours.push(step(pair[1], round));
  }
  const row = { what, theirs, ours, target };
  process.stderr.write(`${line(row)}\n`);
  return row;
}

function measureImports(): Row[] {
  const project = join(scratch, "imports");
  writeImports(project, Number(values.elements));
  const pair = contenders(join(scratch, "imports-caches"));
  const run =
    (...args: string[]): Step =>
    (contender) =>
      contender.measure(project, args);
  const rows = [
    compare(pair, "first build", 2, (contender) => {
      contender.forget();
      return contender.measure(project, ["build", "composed.bst"]);
    }),
  ];
  // Once unmeasured: indexes of local files may be written by the first command that has time to.
  for (const contender of pair) contender.measure(project, ["show", "composed.bst"]);
  rows.push(
    compare(pair, "show, nothing changed", 10, run("show", "composed.bst")),
    compare(pair, "build, nothing changed", 10, run("build", "composed.bst")),
    compare(pair, "artifact list-contents", 10, run("artifact", "list-contents", "composed.bst")),
  );
  const [theirs, ours] = pair.map((contender) => contender.stdout.trim().split("\n").sort().join("\n"));
  if (theirs !== ours) throw new Error("the two composed different files");
  const checkout =
    (name: string, ...how: string[]): Step =>
    (contender, round) => {
      const to = contender.checkoutPath(`${name}${round}`);
      const result = contender.measure(project, ["artifact", "checkout", ...how, to, "composed.bst"]);
      rmSync(to, { recursive: true, force: true });
      return result;
    };
  rows.push(
    compare(pair, "artifact checkout --hardlinks", 4, checkout("linked", "--hardlinks", "--directory")),
    compare(pair, "artifact checkout --tar", 3, checkout("archive", "--tar")),
    compare(pair, "build after one file changed", 4, (contender, round) => {
      appendFileSync(join(project, changedFile), `${contender.name} ${round}\n`);
      return contender.measure(project, ["build", "composed.bst"]);
    }),
  );
  return rows;
}

function measureSysroot(): Row[] {
  const project = join(scratch, "sysroot");
  writeSysroot(project, Number(values["sysroot-files"]), Number(values["sysroot-megabytes"]), repeat + 1);
  const pair = contenders(join(scratch, "sysroot-caches"));
  const first = compare(
    pair,
    "sysroot imported, one command run in it",
    1,
    (contender) => contender.measure(project, ["build", `command${repeat}.bst`]),
    1,
  );
  const next = compare(pair, "another command in the same sysroot", 4, (contender, round) =>
    contender.measure(project, ["build", `command${round}.bst`]),
  );
  return [first, next];
}

function median(measurements: readonly Measurement[], of: "seconds" | "megabytes"): number {
  const sorted = measurements.map((measurement) => measurement[of]).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

function line({ what, theirs, ours, target }: Row): string {
  const ratio = median(theirs, "seconds") / median(ours, "seconds");
  const memory = median(ours, "megabytes") / median(theirs, "megabytes");
  const met = (is: boolean) => (is ? "" : " ✗");
  // Of what was not measured there is no number.
  const number = (value: number, digits: number, unit = "") =>
    Number.isNaN(value) ? "–" : `${value.toFixed(digits)}${unit}`;
  return `| ${[
    what,
    number(median(theirs, "seconds"), 2),
    number(median(ours, "seconds"), 2),
    `${number(ratio, 1, "×")}${met(target === 1 || ratio >= target)}`,
    target === 1 ? "" : `${target}×`,
    number(median(theirs, "megabytes"), 0),
    number(median(ours, "megabytes"), 0),
    `${number(memory, 2, "×")}${met(!(memory > memoryTarget))}`,
  ].join(" | ")} |`;
}

/** A large public project, where the reference installation has one. */
function measureReal(): Row[] {
  const project = join(oracle, "projects/gbm");
  const settings = existsSync(join(oracle, "bst.conf")) ? parse(readFileSync(join(oracle, "bst.conf"), "utf8")) : {};
  if (!existsSync(project)) throw new Error(`${project} is missing: see bench/README.md`);
  const pair = contenders(join(scratch, "real-caches"), settings);
  const elements = join(project, "elements");
  const targets = readdirSync(elements, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".bst") && !/^kind: junction/m.test(readFileSync(join(elements, path), "utf8")),
  );
  const args = ["show", "--deps", "all", "--format", "%{name} %{full-key}", ...targets.sort()];
  const show: Step = (contender) => contender.measure(project, args);
  // Once unmeasured: the sources of junctions are fetched.
  for (const contender of pair) show(contender, 0);
  const [theirs, ours] = pair.map((contender) => contender.stdout.trim().split("\n").sort().join("\n"));
  if (theirs !== ours) throw new Error("the two show different keys");
  return [
    compare(pair, "show of gnome-build-meta, nothing changed", 8, show),
    compare(pair, "show of gnome-build-meta, nothing known", 2.5, (contender, round) => {
      contender.forgetIndexes();
      return show(contender, round);
    }),
  ];
}

/** How time and memory grow with the number of elements. */
function measureScale(): Row[] {
  const rows: Row[] = [];
  for (const elements of values.scale.split(",").map(Number)) {
    const project = join(scratch, `graph${elements}`);
    writeGraph(project, elements);
    const [theirs, ours] = contenders(join(scratch, `graph${elements}-caches`));
    const show: Step = (contender) =>
      contender.measure(project, ["show", "--deps", "all", "--format", "%{name} %{full-key}", "all.bst"]);
    const first: Step = (contender) => {
      contender.forget();
      return show(contender, 0);
    };
    // BuildStream takes many minutes for more.
    const pair = [elements > 10_000 ? undefined : theirs, ours] as const;
    rows.push(compare(pair, `show of ${elements} elements, nothing known`, 1, first, 1));
    rows.push(compare(pair, `show of ${elements} elements, nothing changed`, 1, show, 1));
  }
  return rows;
}

const wanted = values.only.split(",");
const rows = [
  ...(wanted.includes("imports") ? measureImports() : []),
  ...(wanted.includes("sysroot") ? measureSysroot() : []),
  ...(wanted.includes("real") ? measureReal() : []),
  ...(wanted.includes("scale") ? measureScale() : []),
];
const images = wanted.includes("images")
  ? measureImages(new Contender("bst-ts", ourCommand, join(scratch, "images-caches")), {
      scratch,
      repeat,
      files: Number(values["image-files"]),
      megabytes: Number(values["image-megabytes"]),
    })
  : "";
const table = [
  `Median of ${repeat} on ${availableParallelism()} × ${cpus()[0]?.model.trim()}, Node ${process.version}, BuildStream 2.8.1;`,
  `${values.elements} imports of 12 files; a sysroot of ${values["sysroot-files"]} files, ${values["sysroot-megabytes"]} MB.`,
  `Memory is that of the largest process, at most ${memoryTarget}×.`,
  "",
  "| | BuildStream s | bst-ts s | faster | target | BuildStream MB | bst-ts MB | memory |",
  "| --- | --- | --- | --- | --- | --- | --- | --- |",
  ...rows.map(line),
  "",
  images,
].join("\n");
console.log(table);
if (values.write) writeFileSync(join(root, "bench/results.md"), `# Measured\n\n${table}`);
