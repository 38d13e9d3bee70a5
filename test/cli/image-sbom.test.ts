import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, tempDir, writeFiles } from "../helpers.ts";
import { serveRegistry } from "../oci/registry-server.ts";
import { expectCycloneDx, expectSpdx, spdxToolsAbsent } from "../oci/sbom-schemas.ts";
import { writeRoot } from "../root.ts";
import { imageCommands, only } from "./image-commands.ts";

const image = (architecture: string, layer: string, more = "") =>
  `  - architecture: ${architecture}\n    os: linux\n    layer: [${layer}]\n    tags: ['example/app:1.0']\n${more}`;

const imported = (path: string, more = "") => `kind: import\nsources:\n- kind: local\n  path: ${path}\n${more}`;

const config = cacheConfig();
const cwd = project({
  "project.conf": "name: test\nmin-version: 2.0\nsource-provenance-attributes:\n  declared-license: Its licence\n",
  "lib.bst": imported("lib", "public:\n  sbom: {declared-license: MIT, version: '1.2'}\n  cpe: {product: lib}\n"),
  "lib/usr/lib/lib.so": "lib",
  "lib/usr/include/lib.h": "header",
  "group.bst": "kind: stack\ndepends: [lib.bst]\n",
  "app.bst": imported("app", "runtime-depends: [group.bst]\n"),
  "app/usr/bin/app": { executable: "app" },
  "app/usr/bin/link": { symlink: "app" },
  "root.bst": imported("root"),
  "made.bst":
    "kind: manual\nbuild-depends: [root.bst]\ndepends: [group.bst]\nsources:\n- kind: local\n  path: made\n" +
    "config:\n  install-commands: ['cp made %{install-root}/']\nvariables: {strip-binaries: ''}\n",
  "made/made": "of sources",
  "made-image.bst": `kind: oci\nbuild-depends: [made.bst]\nconfig:\n  images:\n${image("amd64", "made.bst")}`,
  "script.bst":
    "kind: script\nbuild-depends:\n- root.bst\n- {filename: base.bst, config: {location: /parent}}\n" +
    "- {filename: app.bst, config: {location: /layer}}\nconfig:\n  build-oci: True\n  commands:\n" +
    "  - |\n    echo made > /layer/made\n    cd %{install-root}\n    build-oci <<EOF\n    mode: oci\n    images:\n" +
    "    - os: linux\n      architecture: amd64\n      parent: {image: /parent, index: 0}\n      layer: /layer\n    EOF\n",
  "over-script.bst": `kind: oci\nbuild-depends: [script.bst, headers.bst]\nconfig:\n  images:\n  - architecture: amd64\n    os: linux\n    parent: {element: script.bst}\n    add: [headers.bst]\n`,
  "headers.bst": imported("headers"),
  "headers/usr/include/other.h": "other",
  "all.bst":
    "kind: compose\nbuild-depends: [app.bst, headers.bst]\nconfig:\n  exclude: [devel]\npublic:\n  bst: {split-rules: {}}\n",
  "base.bst": `kind: oci\nbuild-depends: [lib.bst]\nconfig:\n  images:\n${image("amd64", "lib.bst")}`,
  "image.bst": `kind: oci\nbuild-depends: [base.bst, all.bst]\nconfig:\n  images:\n${image("amd64", "all.bst", "    source-date-epoch: 1700000000\n    parent: {element: base.bst}\n")}`,
  "two.bst": `kind: oci\nbuild-depends: [app.bst, lib.bst]\nconfig:\n  images:\n${image("amd64", "app.bst")}${image("arm64", "lib.bst")}`,
  "wrong.bst": `kind: oci\nbuild-depends: [odd.bst]\nconfig:\n  images:\n${image("amd64", "odd.bst")}`,
  "renamed.bst": imported("lib"),
  "on-renamed.bst": `kind: oci\nbuild-depends: [renamed.bst, base.bst]\nconfig:\n  images:\n${image("amd64", "renamed.bst", "    parent: {element: base.bst}\n")}`,
  "again.bst": `kind: oci\nbuild-depends: [lib.bst, on-renamed.bst]\nconfig:\n  images:\n  - architecture: amd64\n    os: linux\n    parent: {element: on-renamed.bst}\n    add: [lib.bst]\n`,
  "odd.bst": imported("headers", "public:\n  sbom: {licence: MIT}\n"),
});

beforeAll(async () => {
  writeRoot(join(cwd, "root"));
  const { code, stderr } = await runCli(
    ["build", "image.bst", "two.bst", "wrong.bst", "made-image.bst", "over-script.bst", "again.bst"],
    {
      cwd,
      config,
    },
  );
  expect(code, stderr).toBe(0);
});

const { run, output } = imageCommands({ cwd, config });

interface Component {
  readonly name: string;
  readonly "bom-ref": string;
  readonly scope?: string;
  readonly components?: readonly Component[];
}

describe("image sbom", () => {
  test("lists elements, their files and what they depend on, behind compositions and stacks", async () => {
    const text = await output("sbom image.bst --format cyclonedx --files");
    expectCycloneDx(text);
    const { components, dependencies, metadata } = JSON.parse(text);
    const files = (components as Component[]).map(({ name, components: inside = [] }) => [
      name,
      inside.map((each) => each.name),
    ]);
    expect(files).toEqual([
      ["app", ["/usr/bin/app"]],
      ["lib", ["/usr/lib/lib.so"]],
    ]);
    expect(dependencies.at(-2)).toEqual({ ref: "element/app.bst", dependsOn: ["element/lib.bst"] });
    expect(metadata.timestamp).toBe("2023-11-14T22:13:20Z");
    const digest = /^pkg:oci\/app@(sha256:[0-9a-f]{64})\?arch=amd64$/.exec(metadata.component.purl)?.[1];
    expect(await output("verify image.bst")).toContain(`${digest} is whole`);
  });

  test("is the same at any time, and has the date of the environment", async () => {
    const path = join(tempDir("sbom"), "app.spdx.json");
    await output(`sbom image.bst --files --output ${path}`);
    const text = await output("sbom image.bst --files");
    expect(readFileSync(path, "utf8")).toBe(text);
    const { files, packages, relationships } = JSON.parse(text);
    expect(files.map(({ fileName }: { fileName: string }) => fileName)).toEqual(["./usr/bin/app", "./usr/lib/lib.so"]);
    expect(files[0].checksums.map(({ checksumValue }: { checksumValue: string }) => checksumValue)).toEqual(
      ["sha1", "sha256"].map((name) => createHash(name).update("app").digest("hex")),
    );
    expect(packages[2]).toMatchObject({ name: "lib", versionInfo: "1.2", licenseDeclared: "MIT" });
    expect(relationships).toContainEqual({
      spdxElementId: "SPDXRef-Element-app",
      relationshipType: "DEPENDS_ON",
      relatedSpdxElement: "SPDXRef-Element-lib",
    });
    const later = JSON.parse(await output("sbom image.bst", { env: { SOURCE_DATE_EPOCH: "86400" } }));
    expect(later.creationInfo.created).toBe("1970-01-02T00:00:00Z");
    expect(later.files).toBeUndefined();
    const { error } = await run("sbom image.bst", { env: { SOURCE_DATE_EPOCH: "today" } });
    expect(error?.reason).toBe("invalid-date");
  });

  test("is valid for the tools of SPDX", async (context) => {
    if (spdxToolsAbsent !== undefined) context.skip(spdxToolsAbsent);
    expectSpdx(await output("sbom image.bst --files"));
  });

  test("is that of one image of several", async () => {
    const names = async (platform: string) => {
      const { components } = JSON.parse(await output(`sbom two.bst --format cyclonedx --platform ${platform}`));
      return components.map(({ name }: Component) => name);
    };
    expect(await names("linux/amd64")).toEqual(["app", "lib"]);
    expect(await names("linux/arm64")).toEqual(["lib"]);
  });

  test("has what others were built with where that is asked for", async () => {
    const listed = async (...more: string[]) => {
      const { components } = JSON.parse(await output(["sbom made-image.bst --format cyclonedx", ...more].join(" ")));
      return components.map(({ name, scope }: Component) => [name, scope]);
    };
    const inside = [
      ["lib", "required"],
      ["made", "required"],
    ];
    expect(await listed()).toEqual(inside);
    expect(await listed("--build-deps")).toEqual([...inside, ["root", "excluded"]]);
    const { relationships } = JSON.parse(await output("sbom made-image.bst --build-deps"));
    expect(relationships).toContainEqual({
      spdxElementId: "SPDXRef-Element-root",
      relationshipType: "BUILD_DEPENDENCY_OF",
      relatedSpdxElement: "SPDXRef-Element-made",
    });
  });

  test("knows images that scripts assemble, and what is added to them", async () => {
    const owners = async (element: string) => {
      const { components } = JSON.parse(await output(`sbom ${element} --format cyclonedx --files`));
      return (components as Component[]).map(({ name, components: inside = [] }) => [name, inside.length]);
    };
    const made = ["/made", 0];
    expect(await owners("script.bst")).toEqual([["app", 1], ["lib", 2], made]);
    expect(await owners("over-script.bst")).toEqual([["app", 1], ["headers", 1], ["lib", 2], made]);
  });

  test("knows no elements of parents whose files are those of the layer", async () => {
    const listed = async (element: string) => {
      const { components } = JSON.parse(await output(`sbom ${element} --format cyclonedx --files`));
      return (components as Component[]).map(({ name, components: inside = [] }) => [name, inside.length]);
    };
    expect(await listed("on-renamed.bst")).toEqual([["renamed", 2]]);
    // What is added last is over what came in between.
    expect(await listed("again.bst")).toEqual([["lib", 2]]);
  });

  test("names images of registries that it is based on, and what they bring", async () => {
    const registry = await serveRegistry();
    const digest = (await output(`push base.bst ${registry.host}/app:1`)).trim();
    const url = `http://${registry.host}/app`;
    writeFiles(cwd, {
      "from.bst": `kind: import\nsources:\n- kind: oci_image\n  url: ${url}\n  ref: ${digest}\n`,
      "on.bst":
        "kind: oci\nbuild-depends: [from.bst]\nconfig:\n  images:\n  - {architecture: amd64, os: linux, parent: {element: from.bst}}\n",
      "over.bst": `kind: oci\nbuild-depends: [on.bst, app.bst]\nconfig:\n  images:\n${image("amd64", "app.bst", "    parent: {element: on.bst}\n")}`,
    });
    const { code, stderr } = await runCli(["build", "over.bst"], { cwd, config });
    expect(code, stderr).toBe(0);
    const listed = async (element: string) => {
      const text = await output(`sbom ${element} --files`);
      if (spdxToolsAbsent === undefined) expectSpdx(text);
      const { packages, relationships, files } = JSON.parse(text);
      const base = packages.find(({ SPDXID }: { SPDXID: string }) => SPDXID === "SPDXRef-Base-app");
      expect(base).toMatchObject({ checksums: [{ checksumValue: digest.replace("sha256:", "") }] });
      expect(relationships).toContainEqual({
        spdxElementId: "SPDXRef-Image",
        relationshipType: "DESCENDANT_OF",
        relatedSpdxElement: "SPDXRef-Base-app",
      });
      const owners = relationships.filter((each: Record<string, string>) =>
        each["relatedSpdxElement"]?.includes("-File-"),
      );
      return [files.length, new Set(owners.map((each: Record<string, string>) => each["spdxElementId"]))];
    };
    // Nobody but the base's author knows what its files are made of.
    expect(await listed("on.bst")).toEqual([2, new Set(["SPDXRef-Image"])]);
    expect(await listed("over.bst")).toEqual([3, new Set(["SPDXRef-Element-app", "SPDXRef-Element-lib"])]);
  });

  test("refuses words that elements can't say, and elements without images", async () => {
    const { code, error } = await run("sbom wrong.bst");
    expect([code, error?.reason]).toEqual([255, "invalid-data"]);
    expect(error?.message).toContain("odd.bst");
    expect((await run("sbom lib.bst")).error?.reason).toBe("oci-invalid-image");
  });
});

describe("image push --sbom", () => {
  test.each([true, false])("pushes what refers to the image (Referrers API: %s)", async (referrers) => {
    const registry = await serveRegistry({ referrers });
    const words = `push image.bst ${registry.host}/app:1 --sbom spdx`;
    const digest = (await output(words)).trim();
    const { referrers: known } = JSON.parse(await output(`inspect docker://${registry.host}/app:1 --json`));
    const referrer = only<{ artifactType: string; digest: string }>(known);
    expect(referrer.artifactType).toBe("application/spdx+json");
    const { subject, layers } = registry.manifest("app", referrer.digest);
    expect(subject.digest).toBe(digest);
    const bytes = registry.blobs.get("app")?.get(layers[0].digest)?.toString();
    expect(bytes).toBe(await output("sbom image.bst --files"));
    const before = registry.requests.length;
    await output(words);
    expect(registry.requests.slice(before).filter((request) => /^(PUT|POST|PATCH)/.test(request))).toEqual([]);
  });

  test("describes each image of an index", async () => {
    const registry = await serveRegistry();
    await output(`push two.bst ${registry.host}/app:1 --sbom cyclonedx`);
    const { manifests } = registry.manifest("app", "1");
    const subjects = [...(registry.manifests.get("app") ?? [])]
      .filter(([name]) => name.startsWith("sha256:"))
      .flatMap(([, { bytes }]) => JSON.parse(bytes.toString()).subject?.digest ?? []);
    expect(subjects.sort()).toEqual(manifests.map((entry: { digest: string }) => entry.digest).sort());
  });
});

describe("image save --sbom", () => {
  test("writes what refers to the image beside it in a layout, and nowhere else", async () => {
    const folder = join(tempDir("layout"), "app");
    const words = `save image.bst ${folder} --format oci`;
    const digest = await output(`${words} --sbom spdx`);
    const inspected = async () => JSON.parse(await output(`inspect oci:${folder} --json`));
    expect(`${(await inspected()).digest}\n`).toBe(digest);
    const [referrer, ...others] = (await inspected()).referrers;
    expect([referrer.artifactType, others]).toEqual(["application/spdx+json", []]);
    await output(`${words} --sbom spdx`);
    expect((await inspected()).referrers).toEqual([referrer]);
    await output(`${words} --sbom cyclonedx`);
    expect((await inspected()).referrers).toHaveLength(2);
    expect(await output(`copy oci:${folder} oci-archive:${folder}.tar`)).toBe(digest);
    expect((await run(`save image.bst ${folder}.docker --sbom spdx`)).error?.reason).toBe("sbom-not-written");
  });
});
