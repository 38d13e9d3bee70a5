/** Kind `check_forbidden`: fails where anything that it depends on needs one of the forbidden elements to run. */
import { record, textList } from "../base/schema.ts";
import type { DependencyFacts, ElementKind } from "../project/element-kind.ts";

export const checkForbidden: ElementKind = {
  kind: "check_forbidden",
  isPlugin: true,
  schema: record({ forbidden: textList }, ["forbidden"]),
  configure(config, { error }) {
    const forbidden = new Set(config.strings("forbidden"));
    return {
      uniqueKey: () => ({ forbidden: [...forbidden].sort() }),
      assemble(io) {
        // What something needs comes before it.
        const bad = new Set<DependencyFacts>();
        for (const element of io.dependencies()) {
          if (forbidden.has(element.name)) {
            bad.add(element);
            continue;
          }
          for (const dependency of element.runtimeDependencies) {
            if (!bad.has(dependency)) continue;
            io.warn(`${element.fullName} depends on ${dependency.fullName}`);
            bad.add(element);
          }
        }
        if (bad.size > 0) {
          const names = [...bad].filter(({ name }) => forbidden.has(name)).map(({ fullName }) => fullName);
          throw error(`Forbidden elements are depended on: ${names.join(", ")}`);
        }
        return "/";
      },
    };
  },
};
