/** The variables of one element: its own over those that all elements of its kind start from. */
import { LoadError } from "../base/errors.ts";
import { rememberedBy } from "../base/remember.ts";
import { assertFullyComposed, compose } from "../yaml/compose.ts";
import { MappingNode, type Node, ScalarNode } from "../yaml/node.ts";
import { NOT_PARALLEL, Variables } from "./variables.ts";

/** The variable that holds an element's own name. */
const ELEMENT_NAME = "element-name";
/** Variables that the program sets and no project can. */
const PROTECTED = ["project-name", ELEMENT_NAME, "max-jobs"];

/**
 * @param defaults what elements of the kind start from in their project: what they have in common is resolved once
 * @param own what the element's file says
 * @throws LoadError illegal-composite, trailing-list-directive, protected-variable-redefined, invalid-data
 */
export function elementVariables(name: string, own: MappingNode | undefined, defaults: MappingNode): Variables {
  if (own === undefined || isPlain(own, defaults)) {
    assertComposed(defaults);
    assertNotProtected((each) => own?.get(each) ?? defaults.get(each));
    return families(defaults)((own ?? MappingNode.empty).with(ELEMENT_NAME, new ScalarNode(name)));
  }
  const composed = compose(defaults, own);
  assertFullyComposed(composed);
  assertNotProtected((each) => composed.get(each));
  return new Variables(composed.with(ELEMENT_NAME, new ScalarNode(name)));
}

/** Whether composing is nothing else than taking these texts before the others. */
function isPlain(own: MappingNode, defaults: MappingNode): boolean {
  if (own.directives || own.has(NOT_PARALLEL)) return false;
  for (const [name, node] of own.entries)
    if (node.type !== "scalar" || (defaults.get(name) ?? node).type !== "scalar") return false;
  return true;
}

const assertComposed = rememberedBy((defaults: MappingNode) => assertFullyComposed(defaults));

function assertNotProtected(find: (name: string) => Node | undefined): void {
  for (const name of PROTECTED) {
    const node = find(name);
    if (node !== undefined && !node.isSynthetic) {
      throw new LoadError(
        "protected-variable-redefined",
        `${node.provenance}: The variable '${name}' is set by the program and cannot be redefined`,
      );
    }
  }
}

/** One family for the elements that declare variables of the same names. */
const families = rememberedBy((defaults: MappingNode) => {
  const base = new Variables(defaults);
  const known = new Map<string, ReturnType<Variables["family"]>>();
  return (own: MappingNode) => {
    const id = own.keys().join("\0");
    const family = known.get(id) ?? base.family(own.keys());
    known.set(id, family);
    return family(own);
  };
});
