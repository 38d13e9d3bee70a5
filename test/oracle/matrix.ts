/** A project with every combination of list directives in three layers of composition. */

/** What each layer does with a list; `none` leaves it alone. */
const layers: Readonly<Record<string, (name: string) => object | undefined>> = {
  none: () => undefined,
  plain: (name) => [`${name}-1`, `${name}-2`],
  append: (name) => ({ "(>)": [`${name}-appended`] }),
  prepend: (name) => ({ "(<)": [`${name}-prepended`] }),
  both: (name) => ({ "(<)": [`${name}-prepended`], "(>)": [`${name}-appended`] }),
  replace: (name) => ({ "(=)": [`${name}-replaced`] }),
  empty: () => ({ "(=)": [] }),
};

/** The same list in the places that differ in what lies below them: element defaults, split rules, nothing. */
function layer(list: object | undefined, name: string): object {
  if (list === undefined) return { variables: { [`saw-${name}`]: "nothing" } };
  return {
    config: { "build-commands": list },
    public: { bst: { "split-rules": { runtime: list } } },
  };
}

/** Files of the project: element → include → include, each layer one of the above. JSON is YAML. */
export function matrixProject(): Record<string, string> {
  const files: Record<string, string> = {
    "project.conf": JSON.stringify({
      name: "matrix",
      "min-version": "2.0",
      "element-path": "elements",
      elements: { manual: { config: { "build-commands": ["override"] } } },
    }),
  };
  for (const [low, lowest] of Object.entries(layers)) {
    files[`low/${low}.yml`] = JSON.stringify(layer(lowest("low"), "low"));
    for (const [middle, between] of Object.entries(layers)) {
      files[`middle/${middle}-${low}.yml`] = JSON.stringify({
        "(@)": [`low/${low}.yml`],
        ...layer(between("middle"), "middle"),
      });
      for (const [top, highest] of Object.entries(layers))
        files[`elements/${top}-${middle}-${low}.bst`] = JSON.stringify({
          kind: "manual",
          "(@)": `middle/${middle}-${low}.yml`,
          ...layer(highest("top"), "top"),
        });
    }
  }
  return files;
}
