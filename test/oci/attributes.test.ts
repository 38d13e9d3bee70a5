import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../src/cas/digest.ts";
import type { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import { type AttributeMap, type Attributes, formatAttributes, parseAttributes } from "../../src/oci/attributes.ts";
import { encodeCapabilities } from "../../src/oci/capabilities.ts";
import { attributesOf, declarationsOf, formatDeclarations, parseDeclarations } from "../../src/oci/declared.ts";
import { type Layer, writeLayer } from "../../src/oci/layer.ts";
import {
  type Content,
  contentOver,
  dividedEntries,
  EMPTY_CONTENT,
  layerEntries,
  settled,
} from "../../src/oci/layer-entries.ts";
import { Memo } from "../../src/oci/memo.ts";
import { rootOf } from "../../src/oci/root.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";
import { tempDir } from "../helpers.ts";
import { type Content as FileContent, newCas, plain, signal, treeOf } from "./helpers.ts";
import { readArchive } from "./untar.ts";

describe("capabilities", () => {
  const hex = (text: string) => Buffer.from(encodeCapabilities(text), "latin1").toString("hex");

  // As setcap writes them.
  test.each([
    ["cap_net_raw=ep", "0100000200200000000000000000000000000000"],
    ["cap_net_bind_service+ep", "0100000200040000000000000000000000000000"],
    ["cap_net_admin,cap_net_raw=eip", "0100000200300000003000000000000000000000"],
    ["CAP_SYSLOG=p", "0000000200000000000000000400000000000000".replace("0400000000000000", "0400000000000000")],
    ["cap_setuid=p cap_setgid+p", "00000002c0000000000000000000000000000000"],
    ["=ep cap_chown-ep", "01000002feffffff00000000ff01000000000000"],
    ["cap_net_raw=ep [rootid=100000]", "0100000300200000000000000000000000000000a0860100"],
  ])("%s", (text, bytes) => {
    expect(hex(text)).toBe(bytes);
  });

  test.each(["", "cap_fly=ep", "net_raw=ep", "cap_net_raw", "cap_net_raw=x", "cap_net_raw=p cap_chown=ep"])(
    "can't be %s",
    (text) => {
      expect(() => encodeCapabilities(text)).toThrow(RangeError);
    },
  );
});

describe("declared attributes", () => {
  const files: Record<string, FileContent> = {
    "etc/passwd": "root:x:0:0::/:\napp:x:1000:1001::/:\n",
    "etc/group": "root:x:0:\nweb:x:33:\n",
    "usr/bin/ping": { executable: "1" },
    "usr/bin/sudo": { executable: "2" },
    "usr/bin/su": { symlink: "sudo" },
    "var/lib/app/data": "3",
  };
  const resolve = (declared: Plain) => {
    const cas = newCas();
    const tree = treeOf(cas, files);
    const found = declarationsOf(cas, tree, mappingFrom({ files: declared }));
    expect(
      parseDeclarations(
        mappingFrom({ list: formatDeclarations(found) })
          .sequence("list")
          ?.mappings() ?? [],
      ),
    ).toEqual(found);
    return Object.fromEntries(attributesOf(cas, tree, found));
  };

  test("are for what patterns match, the later over the earlier", () => {
    const usual = { uid: 0, gid: 0, mode: 0o755, xattrs: {} };
    expect(
      resolve({
        "/usr/bin/*": { user: "app" },
        "/usr/bin/ping": { capabilities: "cap_net_raw=ep" },
        "/usr/bin/s*": { mode: "4755", group: "web" },
      }),
    ).toEqual({
      "usr/bin/ping": {
        ...usual,
        uid: 1000,
        xattrs: { "security.capability": encodeCapabilities("cap_net_raw=ep") },
      },
      "usr/bin/sudo": { ...usual, uid: 1000, gid: 33, mode: 0o4755 },
      // Its mode means nothing.
      "usr/bin/su": { ...usual, uid: 1000, gid: 33, mode: 0o777 },
    });
  });

  test("can be listed, and be for folders alone", () => {
    expect(
      resolve([
        { paths: ["/var/lib/app", "/var/lib/app/**"], user: "7", group: "8" },
        { path: "/var/lib/**/", mode: "0700", xattrs: { "user.a": "text", "user.b": "0x00ff" } },
      ]),
    ).toEqual({
      "var/lib/app": { uid: 7, gid: 8, mode: 0o700, xattrs: { "user.a": "text", "user.b": "\x00\xff" } },
      "var/lib/app/data": { uid: 7, gid: 8, mode: 0o644, xattrs: {} },
    });
  });

  test.each<[string, Plain, string]>([
    ["an owner whom the image does not know", { "/usr/bin/su": { user: "nobody" } }, "does not name"],
    ["a mode that is none", { "/x": { mode: "rwx" } }, "octal"],
    ["capabilities that are none", { "/x": { capabilities: "all" } }, "can't be read"],
    ["an attribute without a namespace", { "/x": { xattrs: { note: "1" } } }, "extended attribute"],
    ["half a byte", { "/x": { xattrs: { "user.x": "0x123" } } }, "pairs"],
    ["an unknown key", { "/x": { owner: "root" } }, "Unexpected key"],
    ["no path", [{ user: "app" }], "path"],
  ])("can't have %s", (_name, declared, message) => {
    expect(() => resolve(declared)).toThrow(message);
  });
});

const sudo: Attributes = { uid: 0, gid: 0, mode: 0o4755, xattrs: {} };
const owned: Attributes = { uid: 3_000_000, gid: 7, mode: 0o600, xattrs: { "user.x": "\0ä=\n" } };

async function layerOf(cas: Cas, content: Content, below: Content): Promise<Layer | undefined> {
  return writeLayer(cas, layerEntries(cas, content, below), plain, signal);
}

async function entriesOf(cas: Cas, content: Content, below: Content): Promise<string[]> {
  const layer = await layerOf(cas, content, below);
  if (layer === undefined) return [];
  const entries = await readArchive(cas, layer.digest);
  return entries.map(({ header: { name, mode, uid, gid } }) => `${name} ${mode?.toString(8)} ${uid}:${gid}`);
}

describe("a layer with attributes", () => {
  const files = { "usr/bin/sudo": { executable: "1" }, "tmp/": "", "usr/bin/x": "1" };
  const content = (
    cas: Cas,
    all: Record<string, FileContent>,
    attributes: Record<string, Attributes> = {},
  ): Content => ({
    tree: treeOf(cas, all),
    attributes: new Map(Object.entries(attributes)),
  });

  test("tells what differs in nothing but them", async () => {
    const cas = newCas();
    const below = content(cas, files);
    expect(await entriesOf(cas, content(cas, files, { "usr/bin/sudo": sudo }), below)).toEqual([
      "usr/ 755 0:0",
      "usr/bin/ 755 0:0",
      "usr/bin/sudo 4755 0:0",
    ]);
    expect(await entriesOf(cas, content(cas, files, { tmp: { ...sudo, mode: 0o1777 } }), below)).toEqual([
      "tmp/ 1777 0:0",
    ]);
  });

  test("keeps those of the parent, but not of files that change", async () => {
    const cas = newCas();
    const below = content(cas, files, {
      "usr/bin/sudo": sudo,
      tmp: { ...sudo, mode: 0o1777 },
      usr: { ...owned, uid: 5 },
    });
    expect(await entriesOf(cas, content(cas, files), below)).toEqual([]);
    expect(await entriesOf(cas, content(cas, { ...files, "tmp/x": "1" }), below)).toEqual([
      "tmp/ 1777 0:0",
      "tmp/x 644 0:0",
    ]);
    expect(await entriesOf(cas, content(cas, { ...files, "usr/bin/sudo": { executable: "2" } }), below)).toEqual([
      "usr/ 600 5:7",
      "usr/bin/ 755 0:0",
      "usr/bin/sudo 755 0:0",
    ]);
  });

  const name = fc.constantFrom("a", "b", "c", "d");
  const tree = fc.dictionary(
    fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")),
    fc.oneof(fc.constantFrom("1", "2"), fc.constant({ executable: "1" }), fc.constant({ symlink: "a" })),
    { maxKeys: 10 },
  );
  const chosen = fc.array(fc.tuple(fc.nat(), fc.constantFrom(sudo, owned)), { maxLength: 4 });

  /** Of clashing paths the first counts. */
  const build = (
    cas: Cas,
    files: Record<string, FileContent>,
    attributes: readonly (readonly [number, Attributes])[],
  ) => {
    const taken: Record<string, FileContent> = {};
    for (const [path, value] of Object.entries(files)) {
      const clash = Object.keys(taken).some(
        (other) => `${other}/`.startsWith(`${path}/`) || path.startsWith(`${other}/`),
      );
      if (!clash) taken[path] = value;
    }
    const digest: Digest = treeOf(cas, taken);
    const paths = [...new Tree(cas, digest).entries()].filter(({ node }) => node.kind !== "symlink");
    const map: AttributeMap = new Map(
      paths.length === 0 ? [] : attributes.map(([i, each]) => [paths[i % paths.length]?.path ?? "", each]),
    );
    return settled(cas, { tree: digest, attributes: map });
  };

  test("or several of them, make the file system that was asked for", async () => {
    const cas = newCas();
    let memos = 0;
    const read = (layers: readonly (Layer | undefined)[]) =>
      rootOf(
        cas,
        layers.filter((layer) => layer !== undefined),
        new Memo(`${tempDir("memo")}/${memos++}`),
        { place: "here", signal, maker: "elements" },
      );
    await fc.assert(
      fc.asyncProperty(tree, chosen, tree, chosen, fc.nat(), async (first, firstAttributes, second, its, seed) => {
        const below = build(cas, first, firstAttributes);
        const content = build(cas, second, its);
        const base = await layerOf(cas, below, EMPTY_CONTENT);
        const expected = contentOver(cas, content, contentOver(cas, below, EMPTY_CONTENT));
        const whole = await read([base, await layerOf(cas, content, below)]);
        expect(whole.tree).toEqual(expected.tree);
        expect(formatAttributes(whole.attributes)).toBe(formatAttributes(expected.attributes));
        const partOf = (path: string) => (path.length * 7 + path.charCodeAt(0) + seed) % 3;
        const divided = dividedEntries(cas, content, below, () => ({ parts: ["0", "1", "2"], partOf }));
        const layers = [base];
        for (const { entries } of divided) layers.push(await writeLayer(cas, entries, plain, signal));
        const stacked = await read(layers);
        expect(stacked.tree).toEqual(expected.tree);
        expect(formatAttributes(stacked.attributes)).toBe(formatAttributes(expected.attributes));
        expect(formatAttributes(parseAttributes(formatAttributes(expected.attributes)) ?? new Map())).toBe(
          formatAttributes(expected.attributes),
        );
      }),
      { numRuns: 120 },
    );
  });
});
