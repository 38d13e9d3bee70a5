import { describe, expect, test } from "vitest";
import { publicUrl } from "../../src/base/public-url.ts";
import { sbomOf } from "../../src/oci/sbom/formats.ts";
import type { Inventory, Part, SourceFacts } from "../../src/oci/sbom/inventory.ts";
import { isLicenseExpression } from "../../src/oci/sbom/license.ts";
import { purlOf } from "../../src/oci/sbom/purl.ts";
import { expectCycloneDx, expectSpdx, spdxToolsAbsent } from "./sbom-schemas.ts";

const SHA = "b5d6e4b1".repeat(8);
const COMMIT = "78d4ac73dd391005b895a6148cd9831e28e1208b";

function file(url: string, more: Partial<SourceFacts> = {}): SourceFacts {
  return { kind: "tar", url, medium: "remote-file", "version-type": "sha256", version: SHA, ...more };
}

function git(url: string, more: Partial<SourceFacts> = {}): SourceFacts {
  return { kind: "git_repo", url, medium: "git", "version-type": "commit", version: COMMIT, ...more };
}

describe("package URLs", () => {
  const tagged = { "version-guess": "5.8.3", "extra-data": { "tag-name": "v5.8.3", "commit-offset": "0" } };
  const later = { "extra-data": { "tag-name": "v5.8.3", "commit-offset": "4" } };
  test.each<[string | undefined, SourceFacts]>([
    [
      "pkg:cargo/wasm-bindgen@0.2.1-rc.1%2Bb",
      file("https://static.crates.io/crates/wasm-bindgen/wasm-bindgen-0.2.1-rc.1%2Bb.crate"),
    ],
    ["pkg:cargo/cfg-if@1.0.4", file("https://mirror.example/crates/cfg-if-1.0.4.crate", { kind: "cargo2" })],
    ["pkg:pypi/ruamel-yaml@0.18.6", file("https://files.pythonhosted.org/packages/29/81/4d/ruamel.yaml-0.18.6.tar.gz")],
    ["pkg:pypi/foo-bar@2.0", file("https://files.pythonhosted.org/packages/29/81/4d/foo_bar-2.0-py3-none-any.whl")],
    [
      "pkg:cpan/ETHER/File-ShareDir-Install@0.14",
      file("https://cpan.metacpan.org/authors/id/E/ET/ETHER/File-ShareDir-Install-0.14.tar.gz"),
    ],
    ["pkg:npm/%40scope/name@1.2.3", file("https://registry.npmjs.org/@scope/name/-/name-1.2.3.tgz")],
    ["pkg:gem/rake@13.2.1", file("https://rubygems.org/downloads/rake-13.2.1.gem")],
    [
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64",
      file("http://deb.debian.org/debian/pool/main/g/glibc/libc6_2.36-9+deb12u4_amd64.deb"),
    ],
    ["pkg:github/madler/zlib@v1.3.1", file("https://github.com/Madler/zlib/archive/refs/tags/v1.3.1.tar.gz")],
    [
      `pkg:generic/m4@1.4?checksum=sha256:${SHA}&download_url=https:%2F%2Fexample.org%2Fm4-1.4.tar.xz`,
      file("https://example.org/m4-1.4.tar.xz", { "version-guess": "1.4" }),
    ],
    [undefined, file("file:///home/me/m4-1.4.tar.xz")],
    ["pkg:github/tukaani-project/xz@v5.8.3", git("https://github.com/Tukaani-Project/xz.git", tagged)],
    [`pkg:github/tukaani-project/xz@${COMMIT}`, git("git@github.com:tukaani-project/xz.git", later)],
    [
      `pkg:generic/gcc@16.2?vcs_url=git%2Bhttps:%2F%2Fgcc.gnu.org%2Fgit%2Fgcc.git%40${COMMIT}`,
      git("https://user:secret@gcc.gnu.org/git/gcc.git", { "version-guess": "16.2" }),
    ],
    [
      "pkg:golang/golang.org/x/sys@v0.5.0",
      git("https://go.googlesource.com/sys", {
        kind: "go_module",
        module: "golang.org/x/sys",
        "extra-data": { "tag-name": "v0.5.0" },
      }),
    ],
    [
      `pkg:cargo/own@1.0.0?vcs_url=git%2Bhttps:%2F%2Fexample.org%2Fown%40${COMMIT}`,
      git("https://example.org/own", {
        kind: "cargo2",
        "version-guess": "1.0.0",
        "extra-data": { "crate-name": "own" },
      }),
    ],
    [
      "pkg:pypi/requests@2.31.0",
      {
        ...file("https://pypi.org/simple"),
        kind: "pip",
        medium: "pypi",
        version: "2.31.0",
        "extra-data": { "package-name": "Requests" },
      },
    ],
    [
      `pkg:oci/base@sha256:${SHA}?repository_url=registry.example%2Fsome%2Fbase`,
      {
        ...file("https://registry.example/some/base"),
        medium: "oci-image",
        "version-type": "oci-digest",
        version: `sha256:${SHA}`,
      },
    ],
    [undefined, { ...file("files"), kind: "local", medium: "local" }],
  ])("%s", (purl, source) => {
    expect(purlOf(source)).toBe(purl);
  });
});

test.each([
  ["https://example.org/a.git", "https://example.org/a.git"],
  ["https://user:secret@example.org/a.git", "https://example.org/a.git"],
  ["https://token@example.org/a.git", "https://example.org/a.git"],
  ["https://example.org/a?private_token=x&b=c", "https://example.org/a?b=c"],
  ["https://example.org/a?X-Amz-Signature=x", "https://example.org/a"],
  ["git@example.org:some/a.git", "ssh://git@example.org/some/a.git"],
  ["me@example.org:some/a.git", "ssh://example.org/some/a.git"],
  ["ssh://git@example.org/a", "ssh://git@example.org/a"],
  ["ssh://git:secret@example.org/a", "ssh://example.org/a"],
  ["http://u:p@[bad/a", "http://[bad/a"],
])("of %s everybody may know %s", (url, known) => {
  expect(publicUrl(url)).toBe(known);
});

test.each([
  ["MIT", true],
  ["GPL-2.0+", true],
  ["MIT OR (Apache-2.0 AND GPL-2.0-or-later WITH Classpath-exception-2.0)", true],
  ["LicenseRef-own AND LicenseRef-b", true],
  ["", false],
  ["MIT OR", false],
  ["(MIT", false],
  ["MIT)", false],
  ["GPL v2", false],
  ["AND", false],
  ["see COPYING", false],
  ["GPL-2.0", true],
  ["Nonsense-1.0", false],
  ["MIT WITH nonsense", false],
])("'%s' is an expression of licences: %s", (text, is) => {
  expect(isLicenseExpression(text)).toBe(is);
});

function part(element: string, more: Partial<Part> = {}): Part {
  const nothing = { project: "test", stated: {}, cpe: {}, sources: [], runsWith: [], builtWith: [], files: [] };
  return { element, isInImage: true, ...nothing, ...more };
}

const someFile = (path: string) => ({ path, sha256: SHA, sha1: "a".repeat(40) });

/** Some of everything. */
const inventory: Inventory = {
  element: "sub.bst:oci/app.bst",
  tag: "registry.example:5000/example/App:1.0",
  digest: `sha256:${SHA}`,
  platform: { os: "linux", architecture: "arm64", variant: "v8" },
  created: 1_700_000_000,
  bases: [
    {
      ...file("https://registry.example/base"),
      medium: "oci-image",
      "version-type": "oci-digest",
      version: `sha256:${SHA}`,
    },
  ],
  parts: [
    part("a/b.bst", {
      sources: [
        { ...file("patches/a.patch"), kind: "patch", medium: "local" },
        file("file:///home/me/own.tar"),
        { ...file("/home/me/work"), kind: "workspace", medium: "workspace" },
        file("https://u:p@example.org/ä b-1.0.tar.gz", {
          "version-guess": "1.0",
          homepage: "https://example.org",
          "issue-tracker": "https://example.org/bugs",
        }),
        file("https://static.crates.io/crates/a/a-1.0.0.crate", {
          provenance: { "declared-license": "MIT OR LicenseRef-own", supplier: "Person: Somebody" },
        }),
        git("me@example.org:x/y.git", { provenance: { "declared-license": "see COPYING" } }),
        git("https://example.org/None.git", { version: "None" }),
      ],
      runsWith: ["a-b.bst"],
      builtWith: ["tool.bst"],
      files: [someFile("usr/bin/a b"), someFile("usr/bin/a-b")],
    }),
    part("a-b.bst", {
      stated: {
        "declared-license": "MIT",
        "concluded-license": "MIT AND BSD-3-Clause",
        supplier: "Some Body",
        originator: "Organization: X",
        "copyright-text": "© 2020",
        description: "A thing",
        homepage: "https://example.org",
      },
      cpe: { product: "thing (one)", vendor: "some_body", version: "1.2+3" },
    }),
    part("gone.bst", { project: undefined }),
    part("tool.bst", { isInImage: false }),
  ],
  files: [someFile("etc/made")],
};

describe("documents", () => {
  const spdx = sbomOf(inventory, "spdx").bytes.toString();
  const cdx = sbomOf(inventory, "cyclonedx").bytes.toString();

  test("follow the schema of CycloneDX 1.6", () => expectCycloneDx(cdx));

  test("are valid for the tools of SPDX", (context) => {
    if (spdxToolsAbsent !== undefined) context.skip(spdxToolsAbsent);
    expectSpdx(spdx);
  });

  test("are the same for the same, and have another name for another", () => {
    const copy = structuredClone(inventory);
    expect(sbomOf(copy, "spdx").bytes.toString()).toBe(spdx);
    expect(sbomOf(copy, "cyclonedx").bytes.toString()).toBe(cdx);
    const other = { ...inventory, digest: `sha256:${"0".repeat(64)}` };
    const names = (text: string) => [JSON.parse(text).documentNamespace, JSON.parse(text).serialNumber];
    expect(names(sbomOf(other, "spdx").bytes.toString())).not.toEqual(names(spdx));
    expect(names(sbomOf(other, "cyclonedx").bytes.toString())).not.toEqual(names(cdx));
  });

  test("tell no secrets, nor names twice", () => {
    expect(spdx + cdx).not.toMatch(/u:p@|me@|\/home\/me/);
    const { packages, files, relationships } = JSON.parse(spdx);
    const ids: string[] = [...packages, ...files].map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    const related = relationships.flatMap((each: Record<string, string>) => [
      each["spdxElementId"],
      each["relatedSpdxElement"],
    ]);
    expect(new Set(related)).toEqual(new Set(["SPDXRef-DOCUMENT", ...ids]));
  });

  test("say what is known", () => {
    const { packages, creationInfo, relationships } = JSON.parse(spdx);
    expect(creationInfo.created).toBe("2023-11-14T22:13:20Z");
    const named = new Map<string, Record<string, unknown>>(
      packages.map((each: { SPDXID: string }) => [each.SPDXID, each]),
    );
    expect(named.get("SPDXRef-Image")).toMatchObject({ name: "registry.example:5000/example/App", versionInfo: "1.0" });
    expect(named.get("SPDXRef-Element-a-b-2")).toMatchObject({
      versionInfo: "1.2+3",
      licenseDeclared: "MIT",
      licenseConcluded: "MIT AND BSD-3-Clause",
      supplier: "Organization: Some Body",
      originator: "Organization: X",
      externalRefs: [{ referenceLocator: "cpe:2.3:a:some_body:thing_\\(one\\):1.2\\+3:*:*:*:*:*:*:*" }],
    });
    expect(named.get("SPDXRef-Element-a-b")).toMatchObject({
      versionInfo: "1.0",
      downloadLocation: "https://example.org/%C3%A4%20b-1.0.tar.gz",
      sourceInfo: "Element a/b.bst of project test, with patch patches/a.patch, tar own, workspace work",
    });
    expect(named.get("SPDXRef-Source-a-b-y")).toMatchObject({
      downloadLocation: `git+ssh://example.org/x/y.git@${COMMIT}`,
      licenseDeclared: "NOASSERTION",
      licenseComments: "see COPYING",
    });
    expect(relationships).toContainEqual({
      spdxElementId: "SPDXRef-Element-tool",
      relationshipType: "BUILD_DEPENDENCY_OF",
      relatedSpdxElement: "SPDXRef-Element-a-b",
    });
    const contained = relationships.filter(
      (each: Record<string, string>) =>
        each["relationshipType"] === "CONTAINS" && each["spdxElementId"] === "SPDXRef-Image",
    );
    expect(contained.map((each: Record<string, string>) => each["relatedSpdxElement"]).sort()).toEqual([
      "SPDXRef-Element-a-b",
      "SPDXRef-Element-a-b-2",
      "SPDXRef-Element-gone",
      "SPDXRef-File-etc-made",
    ]);
  });
});
