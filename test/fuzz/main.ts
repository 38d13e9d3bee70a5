/** Looks for texts and projects that the two programs read differently, and for files that ours breaks down on. */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Comparison, compareCompositions, compareYaml } from "./differential.ts";
import { mutateProject } from "./project.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    config: { type: "string" },
    target: { type: "string" },
  },
});
const [first, count] = [Number(values.from), Number(values.seeds)];
const [kind, folder] = positionals;
// Seen from the bundle in test/fuzz/dist.
const reference = dirname(import.meta.dirname);

/** Asked so many at a time, so that memory stays small. */
const BATCH = 2000;

function compareBatches(compare: (seeds: readonly number[], reference: string) => Comparison, batch: number): void {
  const sum = { values: 0, errors: 0, differences: 0 };
  for (let done = 0; done < count; done += batch) {
    const seeds = Array.from({ length: Math.min(batch, count - done) }, (_, index) => first + done + index);
    const { values, errors, differences } = compare(seeds, reference);
    sum.values += values;
    sum.errors += errors;
    sum.differences += differences.length;
    for (const { seed, files, asked, theirs, ours } of differences) {
      console.log(`\nseed ${seed}, ${asked}:`);
      for (const [path, text] of Object.entries(files)) console.log(`-- ${path} --\n${text}`);
      console.log(`BuildStream: ${JSON.stringify(theirs)}\nbst-ts:      ${JSON.stringify(ours)}`);
    }
  }
  const { values, errors, differences } = sum;
  console.log(`${count} seeds: ${values} equal values, ${errors} equal errors, ${differences} differences`);
  process.exitCode = differences === 0 ? 0 : 1;
}

if (kind === undefined || kind === "yaml") compareBatches(compareYaml, BATCH);
if (kind === undefined || kind === "composition") compareBatches(compareCompositions, BATCH / 10);
if (kind === "project" && folder !== undefined) {
  const command = process.env["BST_TS"]?.split(" ") ?? [process.execPath, join(reference, "../../dist/bst-ts.js")];
  const { ends, failures } = await mutateProject(folder, {
    first,
    count,
    command,
    ...(values.config !== undefined && { config: resolve(values.config) }),
    ...(values.target !== undefined && { target: values.target }),
  });
  for (const { seed, path, edit, end, text } of failures) {
    console.log(`\nseed ${seed}: ${path} ${edit}: ${end}\n${text}`);
  }
  console.log(
    `${count} seeds: ${[...ends].map(([end, times]) => `${end} ${times}`).join(", ")}, ${failures.length} failures`,
  );
  if (failures.length > 0) process.exitCode = 1;
}
