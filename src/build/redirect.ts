/** From elements to those whose sources they stand for: a filter means the element that it filters. */
import type { Messenger } from "../base/messages.ts";
import { Element } from "../project/element.ts";

/** The elements whose sources the targets mean, each once. */
export function sourceElements(targets: readonly Element[], messenger?: Messenger): Element[] {
  const found = new Set<Element>();
  for (const target of targets) {
    const element = sourceElement(target);
    if (element !== target) {
      messenger?.emit({ type: "info", text: `Element '${target.name}' redirected to '${element.name}'` });
    }
    found.add(element);
  }
  return [...found];
}

function sourceElement(target: Element): Element {
  let element = target;
  for (;;) {
    const next = element.behaviour.sourceElement?.();
    if (!(next instanceof Element)) return element;
    element = next;
  }
}
