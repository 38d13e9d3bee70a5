/** `show`: the elements of a pipeline, each by a format. */

import { compareCodePoints } from "../../base/json.ts";
import { elementView } from "../../build/element-view.ts";
import { except, select } from "../../build/selection.ts";
import { parseElementFormat } from "../../report/elementformat.ts";
import type { Run } from "../app.ts";
import { openWorkbench } from "../workbench.ts";

export const run: Run<"show"> = async (context, options) => {
  const bench = await openWorkbench(context, { targets: options.elements, except: options.except });
  const selected = except(bench.targets, select(bench.targets, options.deps), bench.excepted);
  const elements =
    options.order === "alpha" ? selected.sort((a, b) => compareCodePoints(a.fullName, b.fullName)) : selected;
  const pattern = options.format ?? context.reporter.settings.elementFormat;
  const format = parseElementFormat(pattern);
  const lines = elements.map((element) => format.render(elementView(bench, element), context.colors));
  // Line ends of the format are left out at the very end, those of a value are not.
  const ends = pattern.length - pattern.replace(/\n+$/, "").length;
  context.print(lines.join("\n").slice(0, -ends || undefined));
  return undefined;
};
