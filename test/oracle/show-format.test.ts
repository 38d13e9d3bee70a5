/** Both programs print the same bytes for a format, line ends included. */
import { expect, it } from "vitest";
import { cacheConfig, project } from "../helpers.ts";
import { absent, ask } from "./oracle.ts";

const formats = [
  "%{name}",
  "%{name}\n",
  "%{name}\n\n%{kind}\n\n",
  "%{vars}",
  "%{name}\n%{source-info}",
  "%{source-info}%{workspaced}",
  "%{public}\n",
  "%{deps}",
  "text",
  "%{name: >20}|%{kind:*^11}|%{key}|%{unknown}",
];

it.concurrent.for(formats)("%j", async (format, context) => {
  if (absent !== undefined) return context.skip(absent);
  const cwd = project({
    "a.bst": "kind: import\nsources:\n- kind: local\n  path: file\n",
    "b.bst": "kind: stack\ndepends: [a.bst]\n",
    file: "content",
  });
  const configs = { theirs: cacheConfig(), ours: cacheConfig() };
  const { theirs, ours } = await ask(["show", "--format", format, "b.bst"], { cwd, configs });
  expect(theirs.code, theirs.stderr).toBe(0);
  expect(ours.stdout).toBe(theirs.stdout);
});
