/** What images are made of is said by words in their element: wrong ones are told where they are. So are strange files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cacheConfig, project, runCli, writeFiles } from "../helpers.ts";

const image = (body: string) => `kind: oci\nbuild-depends: [a.bst, base.bst]\nconfig:\n  images:\n  - ${body}\n`;
const LINUX = "architecture: amd64\n    os: linux";
const layer = `${LINUX}\n    layer: [a.bst]`;
const cwd = project({
  "a.bst": "kind: import\nsources: [{kind: local, path: files}]\n",
  "files/a": "a",
  "base.bst": image(layer).replace(", base.bst", ""),
  "typo.bst": image(`${LINUX}\n    parent: {element: base.bts}`),
  "typo2.bst": image(`${LINUX}\n    layer: [a.bst, b.bst]`),
  "many.bst": image(`${LINUX}\n    parent: {element: base.bst, image: 7}`),
  "tag.bst": image(`${layer}\n    tags: ['a:1', 'X/b:1']`),
  "long.bst": image(`${layer}\n    tags: ['host.example/${"a".repeat(243)}:1']`),
  "platform.bst": "kind: import\nsources:\n- kind: oci_image\n  url: host.example/a\n  platform: linux\n",
  "url.bst": "kind: import\nsources:\n- kind: oci_image\n  url: host.example/a:1\n",
  "links.bst": "kind: import\nsources: [{kind: local, path: links}]\n",
  "links/lib/up": { symlink: "../../x" },
  "links/lib/inside": { symlink: "../x" },
  "links/absolute": { symlink: "/../x" },
  "composed.bst": "kind: compose\nbuild-depends: [links.bst, a.bst]\n",
  "outward.bst": `kind: oci\nbuild-depends: [composed.bst]\nconfig:\n  images:\n  - ${LINUX}\n    layer: [composed.bst]\n`,
  "many-links.bst": "kind: import\nsources: [{kind: local, path: many-links}]\n",
  ...Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [`many-links/${name}`, { symlink: `../${name}` }])),
  "many-outward.bst": `kind: oci\nbuild-depends: [links.bst, many-links.bst]\nconfig:\n  images:\n  - ${LINUX}\n    layer: [many-links.bst]\n    layers: {max: 5}\n`,
  "words.bst": image("architecture: x86_64\n    os: Linux\n    layer: [a.bst]"),
});

describe("words of an image", () => {
  test.each([
    ["typo.bst", "typo.bst [line 7 column 22]: 'base.bts' is no build dependency", "oci-missing-dependency"],
    ["typo2.bst", "typo2.bst [line 7 column 19]: 'b.bst' is no build dependency", "oci-missing-dependency"],
    ["tag.bst", "tag.bst [line 8 column 18]: Each of 'tags' must be a name with a tag", "invalid-data"],
    ["long.bst", "long.bst [line 8 column 11]: Each of 'tags' must be a name with a tag", "invalid-data"],
    ["platform.bst", "platform.bst [line 5 column 12]: This is no platform: 'linux'", "invalid-platform"],
    ["url.bst", "url.bst [line 4 column 7]: The URL of an image has neither a tag nor a digest", null],
  ])("of %s are wrong where they are", async (name, message, reason) => {
    const { error } = await runCli(["show", name], { cwd });
    expect(error).toMatchObject({ message: expect.stringContaining(message), reason });
  });

  test("name an image that the parent has", async () => {
    const { code, stderr } = await runCli(["build", "many.bst"], { cwd });
    expect([code, stderr]).toEqual([
      255,
      expect.stringContaining("many.bst [line 7 column 39]: base.bst has no image 7: it holds 1, counted from 0"),
    ]);
  });

  test("of platforms are Go's, or a warning names these", async () => {
    const { code, stderr } = await runCli(["build", "words.bst"], { cwd });
    expect([code, stderr]).toEqual([0, expect.stringContaining("'x86_64': container engines look for 'amd64'")]);
    expect(stderr).toContain("'Linux': container engines look for 'linux'");
    expect((await runCli(["build", "base.bst"], { cwd })).stderr).not.toContain("container engines");
  });

  test("name two images of one platform alike, or a warning tells of it", async () => {
    const two = (first: string, second: string) =>
      `kind: oci\nbuild-depends: [a.bst]\nconfig:\n  images:\n  - ${layer}\n    ${first}\n    tags: ['a:1']\n  - ${layer}\n    ${second}\n    tags: ['b:1', 'a:1']\n`;
    writeFiles(cwd, { "twice.bst": two("", ""), "once.bst": two("", "variant: v2") });
    const { stderr } = await runCli(["build", "twice.bst"], { cwd });
    expect(stderr.match(/Two images of one platform have the tag '.*'/g)).toEqual([
      "Two images of one platform have the tag 'a:1'",
    ]);
    const { code, stderr: other } = await runCli(["build", "once.bst"], { cwd });
    expect([code, other]).toEqual([0, expect.not.stringContaining("Two images")]);
  });
});

describe("links of an image that lead above its root", () => {
  test("are warned of once, with who has them", async () => {
    const config = cacheConfig();
    const { code, stderr } = await runCli(["build", "outward.bst"], { cwd, config });
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/WARNING A relative link leads above the root: \/lib\/up to '..\/..\/x', of links.bst\n/),
    ]);
    expect(stderr.match(/above the root/g)).toHaveLength(1);
    // Another image with the layer that was made before.
    writeFiles(cwd, { "again.bst": `${readFileSync(join(cwd, "outward.bst"), "utf8")}    comment: again\n` });
    const again = await runCli(["build", "again.bst"], { cwd, config });
    expect(again.stderr).toContain("/lib/up to '../../x', of links.bst");
  });

  test("are counted where they are many", async () => {
    const { stderr } = await runCli(["build", "many-outward.bst"], { cwd });
    expect(stderr).toContain(
      "5 relative links lead above the root: /a to '../a', of many-links.bst; /b to '../b', of many-links.bst; " +
        "/c to '../c', of many-links.bst; and 2 more\n",
    );
    expect(stderr.match(/above the root/g)).toHaveLength(1);
  });
});

test("more layers than docker takes are warned of", async () => {
  const names = Array.from({ length: 220 }, (_, i) => `e${i}`);
  const listed = (some: readonly string[]) => some.map((name) => `${name}.bst`).join(", ");
  const [lower, upper] = [listed(names.slice(0, 140)), listed(names.slice(140))];
  const image = (needed: string, body: string) =>
    `kind: oci\nbuild-depends: [${needed}]\nconfig:\n  images:\n  - ${LINUX}\n    ${body}\n`;
  const cwd = project({
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${name}.bst`, `kind: import\nsources: [{kind: local, path: files/${name}}]\n`],
        [`files/${name}/${name}`, name],
      ]),
    ),
    "below.bst": image(lower, `layer: [${lower}]\n    layers: {max: 110}`),
    "above.bst": image(
      `below.bst, ${upper}`,
      `add: [${upper}]\n    layers: {max: 60}\n    parent: {element: below.bst}`,
    ),
  });
  const { code, stderr } = await runCli(["build", "above.bst"], { cwd });
  const [, count] = /WARNING Image 0 has (\d+) layers: docker takes 125/.exec(stderr) ?? [];
  expect([code, Number(count) > 125]).toEqual([0, true]);
  // Of the one below nothing is said.
  expect(stderr.match(/docker takes 125/g)).toHaveLength(1);
});
