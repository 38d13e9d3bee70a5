/** The rules of a BUILD.bazel file for elements: a filegroup, a C++ library and a Python library of each. */
import { basename } from "node:path";
import { compareLists } from "../base/compare.ts";
import { compareCodePoints } from "../base/json.ts";
import type { DependencyFacts } from "../project/element-kind.ts";

const LOADED_FROM = {
  cc_library: "@rules_cc//cc:defs.bzl",
  py_library: "@rules_python//python:defs.bzl",
  filegroup: undefined,
} as const;

export interface BazelRule {
  readonly type: keyof typeof LOADED_FROM;
  readonly name: string;
  readonly srcs: readonly string[];
  readonly hdrs?: readonly string[];
  /** Names of rules, as are `deps`; those that are not in the file don't count. */
  readonly data: readonly string[];
  readonly imports?: readonly string[];
  readonly includes?: readonly string[];
  readonly deps: readonly string[];
}

/** In the order in which they are written. */
const LISTS = ["srcs", "hdrs", "data", "imports", "includes", "deps"] as const;

const HEADER = /\.(h(xx|pp)?|hh|H|inc|inl)$/;
const LIBRARY = /\.(pic\.(lo|a|o)|a|lo|o|so(\.\d+)*)$/;
const SITE_PACKAGES = "site-packages/";

/** @param files paths in the element's artifact */
export function rulesOf(
  element: DependencyFacts,
  files: readonly string[],
  includes: readonly string[],
): readonly BazelRule[] {
  const name = element.normalName;
  const needed = neededBy(element).map(({ normalName }) => normalName);
  const named = (suffix: string) => ({
    name: name + suffix,
    deps: needed.map((one) => one + suffix),
    data: [name],
  });
  const isLibrary = (file: string) => LIBRARY.test(suffixes(file)) && basename(file).startsWith("lib");
  const modules = files.filter((file) => file.includes(SITE_PACKAGES));
  const importOf = (file: string) => file.slice(0, file.indexOf(SITE_PACKAGES) + SITE_PACKAGES.length);
  return [
    { type: "filegroup", name, deps: [], data: needed, srcs: files },
    {
      type: "cc_library",
      ...named("_cc"),
      srcs: files.filter(isLibrary),
      hdrs: files.filter((file) => !isLibrary(file) && HEADER.test(suffixes(file))),
      includes,
    },
    {
      type: "py_library",
      ...named("_py"),
      srcs: modules.filter((file) => file.endsWith(".py")),
      imports: [...new Set(modules.map(importOf))],
    },
  ];
}

/** Direct runtime dependencies, with those of stacks in place of stacks. */
function neededBy(element: DependencyFacts): DependencyFacts[] {
  const found = new Set<DependencyFacts>();
  const left = [element];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    for (const dependency of next.runtimeDependencies) {
      if (found.has(dependency)) continue;
      found.add(dependency);
      if (dependency.kind === "stack") left.push(dependency);
    }
  }
  return [...found].filter(({ kind }) => kind !== "stack");
}

export interface BuildFileOptions {
  /** Whether a library without files stands for those that it depends on; earlier plugins left it out. */
  readonly joinsLibraries: boolean;
}

/** The text of the file, without rules that stand for nothing. */
export function buildFile(rules: readonly BazelRule[], { joinsLibraries }: BuildFileOptions): string {
  const kept = (joinsLibraries ? withoutEmpty(rules) : withoutEmptyLibraries(rules)).sort((a, b) =>
    compareCodePoints(a.name, b.name),
  );
  const loads = new Set<string>();
  for (const { type } of kept) {
    const from = LOADED_FROM[type];
    if (from !== undefined) loads.add(`load("${from}", "${type}")\n`);
  }
  return [
    ...[...loads].sort(compareCodePoints),
    '\npackage(default_visibility = ["//visibility:public"])\n',
    ...kept.map(ruleText),
  ].join("");
}

/** Leaves out rules that have no files, and no rule to depend on that has any; and what names such rules. */
function withoutEmpty(rules: readonly BazelRule[]): BazelRule[] {
  const names = new Set(rules.map(({ name }) => name));
  const isUseless = ({ srcs, hdrs = [], imports = [], deps }: BazelRule) =>
    srcs.length + hdrs.length + imports.length === 0 && !deps.some((name) => names.has(name));
  for (let left = rules; ; ) {
    const useless = new Set(left.filter(isUseless));
    if (useless.size === 0) break;
    for (const { name } of useless) names.delete(name);
    left = left.filter((rule) => !useless.has(rule));
  }
  return withNames(rules, names);
}

function withoutEmptyLibraries(rules: readonly BazelRule[]): BazelRule[] {
  const hasFiles = ({ srcs, hdrs = [], imports = [] }: BazelRule) => srcs.length + hdrs.length + imports.length > 0;
  const kept = rules.filter((rule) => rule.type === "filegroup" || hasFiles(rule));
  return withNames(rules, new Set(kept.map(({ name }) => name)));
}

/** The rules of these names, which name no others. */
function withNames(rules: readonly BazelRule[], names: ReadonlySet<string>): BazelRule[] {
  return rules
    .filter(({ name }) => names.has(name))
    .map((rule) => ({
      ...rule,
      deps: rule.deps.filter((name) => names.has(name)),
      data: rule.data.filter((name) => names.has(name)),
    }));
}

function ruleText(rule: BazelRule): string {
  const lists = LISTS.map((key) => {
    const values = (rule[key] ?? []).map((value) => `"${value}"`).sort(compareByParts);
    if (values.length === 0) return "";
    if (values.length === 1) return `    ${key} = [${values[0]}],\n`;
    return `    ${key} = [\n${values.map((value) => `        ${value},\n`).join("")}    ],\n`;
  });
  return `\n${rule.type}(\n    name = "${rule.name}",\n${lists.join("")})\n`;
}

/** As Bazel's formatter sorts: part by part between the dots. */
function compareByParts(a: string, b: string): number {
  const parts = (text: string) => text.slice(1, -1).split(".");
  return compareLists(parts(a), parts(b), compareCodePoints);
}

/** All suffixes of a file's name: `.so.1.2` of `libc.so.1.2`. */
function suffixes(path: string): string {
  const name = basename(path).replace(/^\.+/, "");
  const dot = name.indexOf(".");
  return dot < 0 || name.endsWith(".") ? "" : name.slice(dot);
}
