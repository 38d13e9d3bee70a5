/** Where dependencies are staged, for kinds that run commands: by default the `location` of a dependency's `config`. */
import { compareCodePoints } from "../base/json.ts";
import { inTree } from "../base/paths.ts";
import type { BuildIo, ConfiguredDependency, DependencyFacts, SplitSelection } from "../project/element-kind.ts";

const ROOT = "/";

/** What is staged where. */
export class Layout {
  /** Few, so that a list is as quick as a map, and half as large. */
  private readonly locations: [location: string, ConfiguredDependency[]][] = [];

  /** @param location absolute path in the sandbox */
  add(dependency: ConfiguredDependency, location = dependency.config?.string("location") ?? ROOT): void {
    const there = this.at(location);
    if (there === undefined) this.locations.push([location, [dependency]]);
    else there.push(dependency);
  }

  /** Whether anything is staged elsewhere than at the root. */
  get hasOtherLocations(): boolean {
    return this.locations.some(([location]) => location !== ROOT);
  }

  /** What is staged at each folder, in the order of staging. Paths are as those in trees. */
  folders(): Map<string, DependencyFacts[]> {
    const found = new Map<string, DependencyFacts[]>();
    for (const [location, dependencies] of this.sorted()) {
      const path = inTree(location);
      found.set(path, [...(found.get(path) ?? []), ...dependencies.map(({ element }) => element)]);
    }
    return found;
  }

  elementsAt(path: string): DependencyFacts[] {
    return this.folders().get(path) ?? [];
  }

  /** What is staged inside of a folder, with the paths from there, in the order of staging. */
  below(path: string): { readonly at: string; readonly elements: DependencyFacts[] }[] {
    const prefix = path === "" ? "" : `${path}/`;
    return [...this.folders()].flatMap(([inside, elements]) =>
      inside === path || !inside.startsWith(prefix) ? [] : [{ at: inside.slice(prefix.length), elements }],
    );
  }

  /** Dependencies by location, as keys hold them. */
  keyFields(): Record<string, string[]> {
    return Object.fromEntries(
      this.sorted().map(([location, dependencies]) => [location, dependencies.map(({ path }) => path)]),
    );
  }

  /** Stages everything, of each location what is selected for it. */
  async stageOnly(io: BuildIo, selected: (location: string) => SplitSelection = () => ({})): Promise<void> {
    for (const [location, dependencies] of this.sorted()) {
      const selection = dependencies.map(({ element }) => element);
      await io.activity(`Staging dependencies at: ${location}`, () =>
        io.stageDependencies({ ...selected(location), selection, path: location }),
      );
      if (location !== ROOT) warnOfNothingStaged(io, selection, location);
    }
  }

  /** Stages everything, then runs the integration commands of what is at the root. */
  async stage(io: BuildIo): Promise<void> {
    await this.stageOnly(io);
    const atRoot = this.at(ROOT);
    if (atRoot !== undefined) await io.integrate(atRoot.map(({ element }) => element));
  }

  private at(location: string): ConfiguredDependency[] | undefined {
    return this.locations.find(([known]) => known === location)?.[1];
  }

  private sorted(): [string, ConfiguredDependency[]][] {
    return [...this.locations].sort(([a], [b]) => compareCodePoints(a, b));
  }
}

/** A stack without runtime dependencies, staged as a layer, gives an image that lacks everything: say so. */
function warnOfNothingStaged(io: BuildIo, selection: readonly DependencyFacts[], location: string): void {
  for (const element of selection) {
    const staged = io.dependencies([element]);
    if (element.hasArtifact || staged.some((one) => one.hasArtifact)) continue;
    io.warn(`The ${element.kind} ${element.fullName} stages no files at ${location}`, {
      detail: "A stack has no content of its own: list what it stands for under its 'depends'.",
    });
  }
}
