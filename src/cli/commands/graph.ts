/** `graph`: elements and what each depends on, for programs that draw, or as a page to look around in. */
import { resolve } from "node:path";
import { BstError, systemErrorCode } from "../../base/errors.ts";
import { writeOutputFile } from "../../base/output-file.ts";
import { elementView } from "../../build/element-view.ts";
import { select } from "../../build/selection.ts";
import type { Element } from "../../project/element.ts";
import { graphOf } from "../../views/graph.ts";
import { graphAsDot, graphAsJson, graphAsMermaid } from "../../views/graph-formats.ts";
import { graphAsPage } from "../../views/graph-page.ts";
import { planOf } from "../../views/plan.ts";
import type { Run } from "../app.ts";
import { STANDARD_OUTPUT } from "../output.ts";
import { openWorkbench, type Workbench } from "../workbench.ts";

const FORMATS = { dot: graphAsDot, mermaid: graphAsMermaid, json: graphAsJson, html: graphAsPage };

export const run: Run<"graph"> = async (context, { elements, deps, format, output }) => {
  const bench = await openWorkbench(context, { targets: elements });
  const { graph, targets } = bench;
  const data = graphOf(await shown(bench, deps), {
    project: graph.project.name,
    targets,
    keyOf: (element) => bench.states.of(element).key,
    stateOf: (element) => elementView(bench, element).value("state"),
  });
  const text = FORMATS[format](data);
  if (output === undefined || output === STANDARD_OUTPUT) context.print(text);
  else writeText(resolve(context.cwd, output), `${text}\n`);
  return undefined;
};

async function shown(bench: Workbench, deps: "all" | "build" | "run" | "plan"): Promise<Element[]> {
  const { targets } = bench;
  if (deps !== "plan") return select(targets, deps);
  const plan = await planOf(bench, targets, true);
  const planned = new Set(plan.elements.map(({ element }) => element));
  return select(targets, "all").filter((element) => planned.has(element));
}

function writeText(path: string, text: string): void {
  try {
    writeOutputFile(path, text);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new BstError("app", `Can't write ${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}
