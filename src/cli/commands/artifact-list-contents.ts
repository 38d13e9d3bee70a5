/** `artifact list-contents`: the files that artifacts have. */
import { listLong } from "../../artifact/listing.ts";
import { pathsOf } from "../../cas/walk.ts";
import { createStyles } from "../../report/style.ts";
import type { Run } from "../app.ts";
import { openArtifacts, warnOfMissing } from "../artifacts.ts";

const NOTHING_CACHED = 1;

export const run: Run<"artifact list-contents"> = async (context, { artifacts, long }) => {
  const { caches, subjects } = await openArtifacts(context, artifacts);
  const { frame, content } = createStyles(context.colors);
  const list = long ? listLong : pathsOf;
  let text = "";
  let isAnyCached = false;
  for (const subject of subjects) {
    const { record, element, refs } = subject;
    if (record === undefined) {
      warnOfMissing(context, subject);
      continue;
    }
    isAnyCached = true;
    const lines = record.files === undefined ? [] : [...list(caches.cas, record.files)];
    if (lines.length === 0) lines.push("This element has no associated artifacts");
    text += `${frame(`  ${element?.name ?? refs[0]}:`)}${content(`\n\t${lines.join("\n\t")}`)}\n`;
  }
  if (isAnyCached) {
    context.print(text);
    return undefined;
  }
  context.printError("None of these artifacts is in the cache.");
  return NOTHING_CACHED;
};
