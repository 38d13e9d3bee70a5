/** What tracking reads out of package indexes. */
import { describe, expect, test } from "vitest";
import { archiveOf } from "../../src/sources/cpan.ts";
import { fnmatch } from "../../src/sources/fnmatch.ts";
import { newestArchive } from "../../src/sources/gnu.ts";
import { importRoot } from "../../src/sources/go-track.ts";
import { majorVersion, pseudoVersionCommit, versionTag } from "../../src/sources/go-version.ts";
import { compareVersions, parseVersion } from "../../src/sources/pep440.ts";
import { indexFiles, newestRelease } from "../../src/sources/pypi.ts";
import { LiteralError, readAssignment } from "../../src/sources/python-literal.ts";

describe("versions of Python packages", () => {
  // In the order of PEP 440.
  const sorted = [
    "1.dev0",
    "1.0.dev456",
    "1.0a1",
    "1.0a2.dev456",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+5",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0.15",
    "1.1.dev1",
    "1!0.1",
  ];

  test("are ordered", () => {
    const parsed = sorted.flatMap((text) => parseVersion(text) ?? []);
    expect(parsed).toHaveLength(sorted.length);
    for (const [i, version] of parsed.entries()) {
      for (const [j, other] of parsed.entries()) {
        expect(Math.sign(compareVersions(version, other)), `${version.text} ${other.text}`).toBe(Math.sign(i - j));
      }
    }
  });

  test.each([
    ["v1.0-ALPHA.1", "1.0a1"],
    ["1.0c2", "1.0rc2"],
    ["1.0-4", "1.0.post4"],
    ["1.0.Rev", "1.0.post0"],
    ["01.02", "1.2"],
    ["1.0+Ubuntu-1_2", "1.0+ubuntu.1.2"],
  ])("%s is %s", (text, normal) => {
    expect(parseVersion(text)?.text).toBe(normal);
  });

  test("1.0.0 is 1", () => {
    const [a, b] = [parseVersion("1.0.0"), parseVersion("1")];
    expect(a && b && compareVersions(a, b)).toBe(0);
    expect(parseVersion("1.0-what")).toBeUndefined();
  });
});

describe("pypi", () => {
  const file = (filename: string, yanked: unknown = false) => ({
    filename,
    url: `https://host/${filename}`,
    hashes: { sha256: filename },
    yanked,
  });
  const files = indexFiles(
    JSON.stringify({
      files: [
        file("p-1.9.tar.gz"),
        file("p-1.10.tar.gz"),
        file("p-1.10.zip"),
        file("p-1.11.tar.gz", "broken"),
        file("p-2.0rc1.tar.gz"),
        file("p-1.12-py3-none-any.whl"),
        file("other.txt"),
      ],
    }),
  );
  const newest = (filter = {}) =>
    newestRelease(files, { prereleases: false, include: [], exclude: [], ...filter })?.filename;

  test("takes the newest release that matches", () => {
    expect(newest()).toBe("p-1.10.zip");
    expect(newest({ prereleases: true })).toBe("p-2.0rc1.tar.gz");
    expect(newest({ exclude: ["1.10"] })).toBe("p-1.9.tar.gz");
    expect(newest({ include: ["1.*", "*.9"] })).toBe("p-1.9.tar.gz");
    expect(newest({ include: ["3*"] })).toBeUndefined();
  });

  test("refuses what is no JSON", () => {
    expect(() => indexFiles("<html>")).toThrow("package index");
  });
});

test("cpan looks behind the header", () => {
  const list = "File: x\nA::B none header\n\nA::BC 1 W/rong.tar.gz\nA::B  1.2   R/right.tar.gz\n";
  expect(archiveOf(list, "A::B")).toBe("R/right.tar.gz");
  expect(archiveOf(list, "C")).toBeUndefined();
});

test("gnu takes the highest version in the best compression", () => {
  const list = [
    "./gnu/make/make-4.9.tar.gz",
    "./gnu/make/make-4.10.tar.gz",
    "./gnu/make/old/make-4.10.tar.xz",
    "./gnu/make/make-4.10.tar.gz.sig",
    "./gnu/make/make-doc-9.tar.gz",
    "./gnu/make/make-4.10.1.tar.lz",
    "./gnu/other/make-5.tar.gz",
  ].join("\n");
  expect(newestArchive(list, "make", "make")).toBe("make/old/make-4.10.tar.xz");
  expect(newestArchive(list, "make", "gcc")).toBeUndefined();
});

describe("Go modules", () => {
  test("versions", () => {
    expect(versionTag("v2.4.2+incompatible")).toEqual({ tag: "v2.4.2", major: "v2" });
    expect(versionTag("v1.0.0-rc.1")).toEqual({ tag: "v1.0.0-rc.1", major: "v1" });
    expect(versionTag("v1.0")).toBeUndefined();
    expect(pseudoVersionCommit("v0.0.0-20210105120005-909beea2cc74")).toBe("909beea2cc74");
    expect(pseudoVersionCommit("v1.2.4-0.20210105120005-909beea2cc74")).toBe("909beea2cc74");
    expect(pseudoVersionCommit("v1.2.3")).toBeUndefined();
    expect(majorVersion("v2.0.0-20210105120005-909beea2cc74", true)).toBe("v2");
    expect(majorVersion("v2.0.0-20210105120005-909beea2cc74", false)).toBeUndefined();
  });

  test("the root that a page names", () => {
    const page = '<html><meta name="go-import"\n content="golang.org/x/text git https://go.example/text"><meta name=x>';
    expect(importRoot(page)).toBe("golang.org/x/text");
    expect(importRoot("<p>")).toBeUndefined();
  });
});

test.each([
  ["a/b.c", "*.c", true],
  ["abc", "a?c", true],
  ["ac", "a?c", false],
  ["a]c", "a[]]c", true],
  ["axc", "a[!b]c", true],
  ["abc", "a[!b]c", false],
  ["a[c", "a[c", true],
  ["a+c", "a+c", true],
  ["b", "[z-a]", false],
])("%s matches %s: %s", (name, pattern, matches) => {
  expect(fnmatch(name, pattern)).toBe(matches);
});

describe("data written as Python code", () => {
  test("is read", () => {
    const text = `# comment\nresolved = [{"a": 'b' "c", "n": -1.5e3, "t": True,}, (), None, """x\n"y\\x41\\n"""]\n`;
    expect(readAssignment(text, "resolved")).toEqual([
      new Map<string, unknown>([
        ["a", "bc"],
        ["n", -1500],
        ["t", true],
      ]),
      [],
      null,
      'x\n"yA\n',
    ]);
  });

  test.each([
    "",
    "other = []",
    "resolved = [",
    "resolved = f()",
    "resolved = [] + []",
    `resolved = ${"[".repeat(9999)}`,
  ])("is not '%s'", (text) => {
    expect(() => readAssignment(text, "resolved")).toThrow(LiteralError);
  });
});
