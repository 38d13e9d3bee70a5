/** `artifact files`: the files of artifacts with their sizes, by the elements that they come from. */
import { counted } from "../../base/counted.ts";
import { formatSize } from "../../base/size.ts";
import { type FilesByElement, filesByElement } from "../../views/by-element.ts";
import { some } from "../../views/contents.ts";
import { imagesOf } from "../../views/images.ts";
import type { CommandContext, Run } from "../app.ts";
import { seenFiles } from "../seen-files.ts";
import { openWorkbench } from "../workbench.ts";

const NOTHING_CACHED = 1;

export const run: Run<"artifact files"> = async (context, { elements, byElement, summary, json }) => {
  const bench = await openWorkbench(context, { targets: elements });
  const cached = bench.targets.filter((element) => bench.states.isCached(element));
  for (const element of bench.targets) {
    if (!cached.includes(element)) context.reporter.emit({ type: "warn", text: `${element.fullName} is not cached` });
  }
  const all = [];
  for (const element of cached) {
    const images = imagesOf(element);
    for (const index of images.length > 1 ? images.keys() : [0]) {
      const found = filesByElement(await seenFiles(bench, element, index), element);
      all.push({ element: element.fullName, ...(images.length > 1 && { image: index }), ...found });
    }
  }
  for (const { element, missing } of byElement ? all : []) {
    if (missing.length > 0)
      warnOfMissing(
        context,
        element,
        missing.map(({ fullName }) => fullName),
      );
  }
  if (json) {
    const data = all.map(({ element, image, groups }) => ({
      element,
      ...(image !== undefined && { image }),
      ...(byElement ? { origins: groups.map(describe) } : { files: groups.flatMap(listed) }),
    }));
    context.print(JSON.stringify(data, undefined, 2));
  } else {
    for (const { element, image, groups } of all)
      context.print(
        [`${element}${image === undefined ? "" : `, image ${image}`}:`, ...lines(groups, byElement, summary)].join(
          "\n",
        ),
      );
  }
  return cached.length > 0 ? undefined : NOTHING_CACHED;
};

function warnOfMissing({ reporter }: CommandContext, element: string, missing: readonly string[]): void {
  const detail = `Not in the cache: ${some(missing, 8)}`;
  reporter.emit({ type: "warn", text: `Files of ${element} may come from elements that can't be looked into`, detail });
}

type Groups = FilesByElement["groups"];

function lines(groups: Groups, byElement: boolean, summary: boolean): string[] {
  if (!byElement) return groups.flatMap(listed).sort(byPath).map(line);
  return groups.flatMap((group) => [
    `  ${group.element}${group.byCommands ? ", by its commands" : ""}: ${counted(group.files.length, "file")}, ${formatSize(group.size)}`,
    ...(summary ? [] : listed(group).map((file) => `  ${line(file)}`)),
  ]);
}

interface Listed {
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  /** Of a symlink. */
  readonly target?: string;
}

function listed({ files }: Groups[number]): Listed[] {
  const rows = files.map(({ path, node }) => ({
    path: `/${path}`,
    size: node.kind === "file" ? node.digest.size : 0,
    ...(node.kind === "symlink" && { target: node.target }),
  }));
  return rows.sort(byPath);
}

function line({ path, size, target }: Listed): string {
  return `  ${target === undefined ? String(size).padStart(10) : "link".padStart(10)}  ${path}${target === undefined ? "" : ` -> ${target}`}`;
}

function byPath(a: Listed, b: Listed): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

function describe(group: Groups[number]) {
  const { element, byCommands, size } = group;
  return { element, byCommands, size, files: listed(group) };
}
