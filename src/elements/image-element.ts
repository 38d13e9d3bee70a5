/** What the kinds have in common that make an image of one of their dependencies, with the tools that the others have. */
import { bool, record, textList } from "../base/schema.ts";
import type { ConfiguredDependency, DependencyFacts, ElementFacts, ElementKind } from "../project/element-kind.ts";
import { Script, scriptElementShape } from "./script-element.ts";

/** Commands put what is no result here. */
const SCRATCH = "/buildstream";

/** What such kinds declare alike. */
export const imageElementShape = {
  ...scriptElementShape,
  isPlugin: true,
  dependencyConfig: record({ input: bool }),
} as const;

/** A script in which what an image is made of is staged where it can be changed. */
export class ImageScript extends Script {
  private readonly facts: ElementFacts;

  constructor(facts: ElementFacts) {
    super(facts, { readOnlyRoot: true, writable: [SCRATCH] });
    this.facts = facts;
  }

  /** @returns the last of those that the image is made of. @throws BstError domain element, where there is none */
  addDependencies(dependencies: readonly ConfiguredDependency[]): DependencyFacts {
    const buildRoot = this.facts.variable("build-root") ?? "/";
    let last: DependencyFacts | undefined;
    for (const dependency of dependencies) {
      const isInput = dependency.config?.bool("input") ?? false;
      this.layout.add(dependency, isInput ? buildRoot : "/");
      if (isInput) last = dependency.element;
    }
    if (last !== undefined) return last;
    throw this.facts.error(`A ${this.facts.kind} needs a build dependency with 'config: {input: True}'`);
  }
}

/** A kind that does nothing but run commands, in these steps. */
export function imageElement(
  kind: string,
  commands: { readonly [step: string]: string[] },
  options: { readonly variables: { readonly [name: string]: string }; readonly isOpen?: boolean },
): ElementKind {
  const steps = Object.keys(commands);
  const schema = record(Object.fromEntries(steps.map((step) => [step, textList])));
  return {
    ...imageElementShape,
    kind,
    schema: options.isOpen ? { ...schema, additionalProperties: true } : schema,
    defaults: { variables: options.variables, config: commands },
    configure(config, facts) {
      const script = new ImageScript(facts);
      for (const step of steps) {
        const lines = config.strings(step);
        if (lines === undefined) throw facts.error(`The step '${step}' has no commands`);
        script.commands.set(step, lines);
      }
      return { ...script.behaviour(), configureDependencies: (all) => void script.addDependencies(all) };
    },
  };
}
