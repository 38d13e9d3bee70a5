/** `schema NAME`: the JSON schema of a file of the format, for editors. */
import type { JsonSchema } from "../../base/schema.ts";
import { elementKinds } from "../../elements/index.ts";
import { junction } from "../../elements/junction.ts";
import { editorSchema } from "../../schema/editor.ts";
import { elementSchema } from "../../schema/element.ts";
import { projectSchema } from "../../schema/project.ts";
import { userConfigSchema } from "../../schema/user-config.ts";
import { sourceKinds } from "../../sources/index.ts";
import type { Run } from "../app.ts";

const SCHEMAS = {
  project: () => editorSchema("project.conf of BuildStream", projectSchema),
  element: () => editorSchema("Element of BuildStream", elementSchema(elementKinds.values(), sourceKinds.values())),
  junction: () => editorSchema("Junction of BuildStream", elementSchema([junction], sourceKinds.values())),
  user: () => editorSchema("User configuration of BuildStream", userConfigSchema),
} satisfies Record<string, () => JsonSchema>;

export const run: Run<"schema"> = ({ print }, { name }) => {
  print(`${JSON.stringify(SCHEMAS[name](), undefined, 2)}\n`);
  return undefined;
};
