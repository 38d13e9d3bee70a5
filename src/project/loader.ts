/** Loads the elements of one project and, through junctions, those of its subprojects. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { LoadError } from "../base/errors.ts";
import type { Node, ScalarNode } from "../yaml/node.ts";
import { type DeclaredDependency, declaredDependencies, mergeDependency } from "./dependencies.ts";
import { Includes } from "./includes.ts";
import { type Dependency, LoadElement } from "./load-element.ts";
import { Project } from "./project.ts";

interface LoadOptions {
  /** False to look only at what is loaded already: then nothing is returned where a subproject would be needed. */
  readonly openSubprojects?: boolean;
}

/** An override that a parent project declares: who declares it, and what it names. */
interface Override {
  readonly loader: Loader;
  readonly target: ScalarNode;
}

export class Loader {
  readonly project: Project;
  readonly parent: Loader | undefined;
  /** Where the junction was first asked for. */
  readonly provenance: Node | undefined;
  private readonly includes: Includes;
  private readonly elements = new Map<string, LoadElement>();
  /** Targets of links, by the path of the link. */
  private readonly links = new Map<string, string>();
  private readonly loaders = new Map<string, Loader>();
  /** Projects in which a junction to this one is overridden. */
  private readonly alternativeParents: Loader[] = [];
  /** Junctions being looked for, by name, with who asked. */
  private readonly searching = new Map<string, Node>();

  constructor(project: Project, parent: Loader | undefined, provenance: Node | undefined) {
    this.project = project;
    this.parent = parent;
    this.provenance = provenance;
    this.includes = new Includes(this);
  }

  /** Loads targets of the command line and all that they depend on. */
  load(targets: readonly string[]): LoadElement[] {
    for (const target of targets) {
      if (target.startsWith("/")) {
        throw new LoadError("invalid-data", `The target '${target}' must be relative to ${this.project.elementPath}`);
      }
    }
    return targets.map((target) => {
      const { loader, name } = this.parseName(target, undefined);
      return found(found(loader).loadFile(name, undefined));
    });
  }

  /** The loader of the subproject behind a junction path such as `a.bst:b.bst`. */
  loaderFor(path: string, asker: Node | undefined): Loader {
    return found(this.findLoader(path, asker, true));
  }

  /** The loader of a subproject that is open already. */
  openLoader(path: ScalarNode): Loader | undefined {
    return this.findLoader(path.value, path, false);
  }

  /** The projects above this one, along all ways that lead here. */
  *ancestors(): Iterable<Loader> {
    const seen = new Set<Loader>();
    for (const start of [this.parent, ...this.alternativeParents]) {
      for (let loader = start; loader !== undefined && !seen.has(loader); loader = loader.parent) {
        seen.add(loader);
        yield loader;
      }
    }
  }

  /** Names of the elements loaded so far that are of a kind, or have a source of it. */
  elementsWith(what: "element" | "source", kind: string): string[] {
    const isOne = ({ kind: own, node }: LoadElement) =>
      what === "element"
        ? own === kind
        : node.sequence("sources")?.items.some((source) => source.type === "mapping" && source.string("kind") === kind);
    return [...this.elements.values()].filter(isOne).map(({ fullName }) => fullName);
  }

  private findLoader(path: string, asker: Node | undefined, openSubprojects: boolean): Loader | undefined {
    const first = this.searching.get(path);
    if (first !== undefined && openSubprojects) {
      const here = asker ?? first;
      throw here.error(`Looking for '${path}' leads back to itself`, {
        reason: "circular-reference",
        ...(first !== here && { detail: `It is already looked for at ${first.provenance}` }),
      });
    }
    const isSearch = openSubprojects && asker !== undefined;
    if (isSearch) this.searching.set(path, asker);
    try {
      let loader: Loader | undefined = this;
      for (const name of path.split(":")) {
        loader = loader.step(name, asker, openSubprojects);
        if (loader === undefined) return undefined;
      }
      return loader;
    } finally {
      if (isSearch) this.searching.delete(path);
    }
  }

  /** One step of a junction path. */
  private step(name: string, asker: Node | undefined, openSubprojects: boolean): Loader | undefined {
    const known = this.loaders.get(name);
    if (known !== undefined) return known;

    const override = this.overridingLoader(name);
    if (override !== undefined) {
      this.loaders.set(name, override);
      return override;
    }

    this.loadFile(name, asker, { openSubprojects });
    const element = found(this.elements.get(normalize(name)));
    const target = element.linkTarget;
    if (target !== undefined) {
      const colon = target.value.lastIndexOf(":");
      return element.follow(target, () => {
        const loader = colon < 0 ? this : this.findLoader(target.value.slice(0, colon), target, openSubprojects);
        return loader?.findLoader(normalize(target.value.slice(colon + 1)), target, openSubprojects);
      });
    }
    if (!openSubprojects) return undefined;

    if (element.kind !== "junction") {
      throw new LoadError("invalid-data", `${askedAt(asker)}${name} is no junction, but of kind '${element.kind}'`);
    }
    const [dependency] = element.dependencies;
    if (dependency !== undefined) {
      throw dependency.node.error("A junction cannot have dependencies", { reason: "invalid-junction" });
    }
    return this.openSubproject(name, element, asker);
  }

  private openSubproject(name: string, element: LoadElement, asker: Node | undefined): Loader {
    const { session } = this.project;
    const junction = session.openJunction(element, asker);
    let project: Project;
    const count = session.projects.length;
    try {
      project = new Project(session, junction.directory, { junction, parent: this.project, provenance: asker });
    } catch (error) {
      session.projects.length = count;
      if (!(error instanceof LoadError) || error.reason !== "missing-project-conf") throw error;
      const place = junction.path === "" ? "" : `, at '${junction.path}' of its sources`;
      throw new LoadError(
        "invalid-junction",
        `${askedAt(asker)}There is no project.conf behind the junction '${name}'${place}`,
        {
          cause: error,
        },
      );
    }
    this.loaders.set(name, project.loader);
    for (let loader = project.loader; loader.parent !== undefined; loader = loader.parent) loader.lookAtOverrides();
    return project.loader;
  }

  private parseName(
    path: string,
    asker: Node | undefined,
    openSubprojects = true,
  ): { loader: Loader | undefined; name: string } {
    const colon = path.lastIndexOf(":");
    const name = normalize(path.slice(colon + 1));
    if (colon < 0) return { loader: this, name };
    return { loader: this.findLoader(path.slice(0, colon), asker, openSubprojects), name };
  }

  /** Loads an element with all that it depends on: level by level within the project, so that depth costs no stack. */
  private loadFile(filename: string, asker: Node | undefined, options: LoadOptions = {}): LoadElement | undefined {
    const openSubprojects = options.openSubprojects ?? true;
    const top = this.loadOne(filename, asker, openSubprojects);
    if (top === undefined || top.isVisited) return top;

    top.isVisited = true;
    const stack = [pending(top)];
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      const declared = frame.declared[frame.next++];
      if (declared === undefined) {
        stack.pop();
        continue;
      }
      let element: LoadElement | undefined;
      if (declared.junction !== undefined) {
        const loader = this.loaderFor(declared.junction, declared.node);
        element = found(loader.loadFile(declared.name, declared.node));
      } else {
        element = this.loadOne(declared.name, declared.node, openSubprojects);
        if (element === undefined) return undefined;
        if (!element.isVisited) {
          element.isVisited = true;
          if (element.kind === "junction") throw declared.node.error("Nothing can depend on a junction");
          stack.push(pending(element));
        }
      }
      addDependency(frame, declared, element);
    }
    return top;
  }

  /** Loads an element without its dependencies, through links and overrides. */
  private loadOne(filename: string, asker: Node | undefined, openSubprojects: boolean): LoadElement | undefined {
    const name = normalize(filename);
    const known = this.elements.get(name);
    if (known?.isVisited) return known;
    const element = known ?? found(this.loadAlone(name, asker));

    const override = this.overridingElement(name);
    if (override !== undefined) return override;

    const { linkTarget } = element;
    if (linkTarget === undefined) return element;
    return element.follow(linkTarget, () => {
      const target = this.parseName(linkTarget.value, linkTarget, openSubprojects);
      return target.loader?.loadFile(target.name, linkTarget, { openSubprojects });
    });
  }

  /** Reads an element file. With `onlyFirstPass`, returns nothing for what is neither junction nor link. */
  private loadAlone(name: string, asker: Node | undefined, onlyFirstPass = false): LoadElement | undefined {
    assertElementName(name, asker);
    let files: readonly string[] = [join(this.project.elementPath, name)];
    let node = this.readElement(name, asker);
    const kind = node.required("kind", node.string("kind"));
    if (kind === "junction" || kind === "link") {
      node = this.project.firstPass.options.process(node);
    } else if (onlyFirstPass) {
      return undefined;
    } else {
      this.project.ensureFullyLoaded();
      if (node.directives) {
        const included = new Set(files);
        node = this.includes.process(node, { files: included });
        files = [...included];
      }
    }
    const element = new LoadElement(node, name, this, files);
    this.elements.set(name, element);
    if (element.linkTarget !== undefined) this.registerLink(name, element.linkTarget.value);
    return element;
  }

  private readElement(name: string, asker: Node | undefined) {
    const { project } = this;
    try {
      return project.session.files.load(join(project.elementPath, name), name, project);
    } catch (error) {
      if (!(error instanceof LoadError) || error.reason !== "missing-file") throw error;
      const place =
        project.junction === undefined
          ? `in the folder ${project.elementPath}`
          : `in the project behind the junction '${project.junction.name}'`;
      const suggestion = this.suggestionFor(name);
      throw new LoadError("missing-file", `${askedAt(asker)}There is no element '${name}' ${place}`, {
        cause: error,
        ...(suggestion !== undefined && { detail: `Did you mean '${suggestion}'?` }),
      });
    }
  }

  /** The same name without the elements' own folder, where such an element exists. */
  private suggestionFor(name: string): string | undefined {
    const { directory, elementPath } = this.project;
    const folder = posix.relative(directory, elementPath);
    const shorter = posix.relative(folder, name);
    return folder !== "" && name.startsWith(folder) && existsSync(join(elementPath, shorter)) ? shorter : undefined;
  }

  /** Records a link here and, under its longer path, in every project above. */
  private registerLink(link: string, target: string): void {
    let linkPath = link;
    let targetPath = target;
    for (let loader: Loader | undefined = this; loader !== undefined; loader = loader.parent) {
      loader.addLink(linkPath, targetPath);
      const junction = loader.project.junction;
      if (junction === undefined) return;
      linkPath = `${junction.name}:${linkPath}`;
      targetPath = `${junction.name}:${targetPath}`;
    }
  }

  private addLink(link: string, target: string): void {
    this.links.set(link, target);
    for (const [other, otherTarget] of this.links) {
      if (this.expandLink(otherTarget) === link) this.links.set(other, target);
    }
  }

  private expandLink(path: string): string {
    for (const [link, target] of this.links) {
      if (path.startsWith(link)) return target + path.slice(link.length);
    }
    return path;
  }

  private localOverride(path: string): ScalarNode | undefined {
    const overrides = this.project.junction?.overrides;
    if (overrides === undefined) return undefined;
    const direct = overrides.get(path);
    if (direct !== undefined) return direct;
    for (const [key, target] of overrides) {
      if (this.expandLink(key) === path) return target;
    }
    return undefined;
  }

  /** Overrides of a name in the projects above, the nearest first. */
  private overrides(name: string): Override[] {
    const result: Override[] = [];
    let path = name;
    for (let loader: Loader = this; loader.parent !== undefined; loader = loader.parent) {
      const target = loader.localOverride(path);
      if (target !== undefined) result.push({ loader: loader.parent, target });
      path = `${loader.project.junction?.name}:${path}`;
    }
    return result;
  }

  private overridingLoader(name: string): Loader | undefined {
    const overrides = this.overrides(name);
    const last = overrides.pop();
    if (last === undefined) return undefined;
    const loader = last.loader.loaderFor(last.target.value, last.target);
    if (loader !== this) loader.alternativeParents.push(this);
    loader.alternativeParents.push(...overrides.map((override) => override.loader));
    return loader;
  }

  private overridingElement(name: string): LoadElement | undefined {
    if (this.parent === undefined) return undefined;
    const last = this.overrides(name).pop();
    if (last === undefined) return undefined;
    const { loader, name: target } = last.loader.parseName(last.target.value, last.target);
    return found(loader).loadFile(target, last.target);
  }

  /** Reads the links that overrides name, so that they are known under all their names. */
  private lookAtOverrides(): void {
    for (const [path, target] of this.project.junction?.overrides ?? []) {
      let next: { path: string; asker: Node } | undefined = { path, asker: target };
      while (next !== undefined) next = this.lookAt(next.path, next.asker);
    }
  }

  private lookAt(path: string, asker: Node): { path: string; asker: Node } | undefined {
    const colon = path.lastIndexOf(":");
    const junction = colon < 0 ? undefined : path.slice(0, colon);
    const name = path.slice(colon + 1);
    const loader = junction === undefined ? this : this.findLoader(junction, asker, false);
    if (loader === undefined) return undefined;
    const element = loader.elements.get(name) ?? loader.loadAlone(name, asker, true);
    const target = element?.linkTarget;
    if (target === undefined) return undefined;
    return { path: junction === undefined ? target.value : `${junction}:${target.value}`, asker: target };
  }
}

/** An element whose dependencies are being loaded. */
interface Frame {
  readonly element: LoadElement;
  readonly declared: readonly DeclaredDependency[];
  readonly known: Map<LoadElement, Dependency>;
  next: number;
}

function pending(element: LoadElement): Frame {
  return { element, declared: declaredDependencies(element.node), known: new Map(), next: 0 };
}

/** Two names may lead to one element, by links: it is depended on once. */
function addDependency(frame: Frame, declared: DeclaredDependency, element: LoadElement): void {
  const known = frame.known.get(element);
  if (known !== undefined) {
    mergeDependency(known, declared);
    return;
  }
  const { name, junction, type, strict, configs, node } = declared;
  const path = junction === undefined ? name : `${junction}:${name}`;
  const dependency: Dependency = { element, type, strict, configs, path, node };
  frame.known.set(element, dependency);
  frame.element.dependencies.push(dependency);
}

function normalize(name: string): string {
  return /^[^/.]+(\/[^/.]+)*\.bst$/.test(name) ? name : posix.normalize(name);
}

/** The beginning of a message about something that was asked for there. */
function askedAt(asker: Node | undefined): string {
  return asker === undefined ? "" : `${asker.provenance}: `;
}

function assertElementName(name: string, asker: Node | undefined): void {
  if (!name.endsWith(".bst")) {
    throw new LoadError("bad-element-suffix", `${askedAt(asker)}The element '${name}' has no name that ends in '.bst'`);
  }
  // Whatever a file system somewhere may not take.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among what is refused.
  if (/[\x00-\x1f\x7f-\uffff<>"|?*]/.test(name)) {
    throw new LoadError(
      "bad-characters-in-name",
      `${askedAt(asker)}The name of the element '${name}' has characters that are not allowed`,
    );
  }
}

/** For what is missing only where subprojects may not be opened. */
function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("an element was not loaded though subprojects could be opened");
  return value;
}
