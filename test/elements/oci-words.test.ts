/** What images are made of is said by words in their element: wrong ones are told where they are. */
import { describe, expect, test } from "vitest";
import { project, runCli } from "../helpers.ts";

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
  "words.bst": image("architecture: x86_64\n    os: Linux\n    layer: [a.bst]"),
});

describe("words of an image", () => {
  test.each([
    ["typo.bst", "typo.bst [line 7 column 22]: 'base.bts' is no build dependency", "oci-missing-dependency"],
    ["typo2.bst", "typo2.bst [line 7 column 19]: 'b.bst' is no build dependency", "oci-missing-dependency"],
    ["tag.bst", "tag.bst [line 8 column 18]: Each of 'tags' must be a name with a tag", "invalid-data"],
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
});
