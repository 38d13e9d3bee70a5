/** Images of which something is wrong, each in one way, and what has to be said of it. */
import { gzipSync } from "node:zlib";
import { CONFIG, LAYER, LAYER_GZIP, LAYER_ZSTD, MANIFEST } from "../../src/oci/media-types.ts";
import { writeFiles } from "../helpers.ts";
import { archive, directory, hardlink, type Member, pax, symlink } from "../sources/tar-writer.ts";
import { digestOf } from "./image-parts.ts";

export interface ImageParts {
  /** The archive in the layer. */
  readonly layer?: Buffer;
  readonly compressed?: Buffer;
  readonly layerType?: string;
  readonly architecture?: string;
  readonly schemaVersion?: number;
  readonly diffIds?: readonly unknown[];
  /** Over what the manifest says of the layer. */
  readonly said?: object;
  readonly configType?: string;
  /** JSON. */
  readonly history?: string;
  /** Over the configuration, and over the manifest. */
  readonly config?: object;
  readonly manifest?: object;
  /** Over what an index of a layout says of the image. */
  readonly entry?: object;
}

const file = (name: string): Member => ({ name, content: "x" });
/** As a PAX header has it: longer, or of other characters, than a field takes. */
const named = (path: string): Buffer => archive([pax({ path }), file("x")]);
const sparse = (size: string): Member[] => [
  pax({ "GNU.sparse.major": "0", "GNU.sparse.size": size, "GNU.sparse.map": "0,1" }),
  file("sparse"),
];
const binarySize = (...bytes: number[]): Buffer =>
  archive([{ ...file("huge"), patch: new Map([[124, Uint8Array.from([0x80, 0, 0, 0, ...bytes])]]) }]);

/** JSON, deeper than stacks are. */
export function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

/** What is wrong with the members of a layer: the message names the layer, and has the pattern. */
export const hostileLayers: readonly (readonly [name: string, layer: Buffer, message: RegExp])[] = [
  ["a path that leads outside", archive([file("../../etc/passwd")]), /'\.\.\/\.\.\/etc\/passwd' points outside/],
  ["a path that leads outside on a detour", archive([file("a/../../x")]), /'a\/\.\.\/\.\.\/x' points outside/],
  ["a path that leads outside in its long form", named("a/../../../x"), /'a\/\.\.\/\.\.\/\.\.\/x' points outside/],
  ["a folder that leads outside", archive([directory("../x")]), /'\.\.\/x' points outside/],
  ["a path longer than any system has", named(`${"a/".repeat(3000)}x`), /is a path of 6001 characters/],
  ["a path with a zero byte", named("etc/passwd\0.txt"), /"etc\/passwd\\u0000\.txt" has a zero byte/],
  [
    "a hard link that leads outside",
    archive([hardlink("x", "../../etc/shadow")]),
    /'x' links to '\.\.\/\.\.\/etc\/shadow', which points outside/,
  ],
  [
    "a hard link through a symbolic link",
    archive([symlink("x", "/"), hardlink("y", "x/etc/shadow")]),
    /'y' links to 'x\/etc\/shadow' through the symbolic link 'x'/,
  ],
  ["a symbolic link that leads outside", archive([symlink("a/x", "../../etc")]), /'a\/x' links to '\.\.\/\.\.\/etc'/],
  [
    "a file below a symbolic link",
    archive([symlink("x", "/etc"), file("x/passwd")]),
    /'x\/passwd' is written through the symbolic link 'x'/,
  ],
  [
    "a file below symbolic links to symbolic links",
    archive([symlink("a/x", "y"), symlink("a/y", "/"), file("a/x/etc/passwd")]),
    /'a\/x\/etc\/passwd' is written through the symbolic link 'a\/x'/,
  ],
  [
    "a file below a hard link to a symbolic link",
    archive([symlink("x", "/etc"), hardlink("y", "x"), file("y/passwd")]),
    /'y\/passwd' is below 'y', which is no folder/,
  ],
  ["a file below a file", archive([file("x"), file("x/y")]), /'x\/y' is below 'x', which is no folder/],
  ["a symbolic link to nothing", archive([symlink("x", "")]), /'x' is a symbolic link to nothing/],
  ["a name longer than any system has", named(`a/${"é".repeat(128)}`), /is a name of 256 bytes/],
  [
    "a name that controls terminals and adds lines",
    archive([file("../\x1b[2J\x07\n[00:00:00] x")]),
    /'\.\.\/\?\[2J\?\?\[00:00:00\] x' points outside/,
  ],
  ["a header that is cut off", archive([file("x"), file("y")], 0).subarray(0, 1100), /ends in the middle of a header/],
  ...[".wh.", ".wh..", ".wh..."].map(
    (name) =>
      [`a whiteout of no file: ${name}`, archive([file(`usr/${name}`)]), /'usr\/\.wh\.+' hides what is no/] as const,
  ),
  ["a sparse bomb", archive(sparse("9000000000000")), /more than \d+ bytes: 'sparse'/],
  ["bombs that are too large together", archive([...sparse("2000000000"), ...sparse("2000000000")]), /more than \d+ b/],
  ["a file that says that it is huge", binarySize(0, 0, 99, 0, 0, 0, 0, 0), /more than \d+ bytes: 'huge'/],
  ["a file of a size beyond all numbers", binarySize(99, 0, 0, 0, 0, 0, 0, 0), /number in a header is too large/],
  ["a file that ends too early", archive([{ ...file("x"), size: 100_000 }], 0), /ends in the middle/],
  ["a header that is too long", archive([{ ...pax({}), size: 2 ** 21 }], 0), /header is too long/],
  ["no archive", Buffer.from("text"), /shorter than a header|no tar archive/],
];

const layer = archive([directory("etc"), file("etc/os")]);
const other = digestOf(Buffer.from("other"));
const hex = digestOf(gzipSync(layer)).slice(7);

/** What is wrong with what is said of a layer. */
export const hostileDescriptions: readonly (readonly [name: string, parts: ImageParts, message: RegExp])[] = [
  ["another archive than said", { diffIds: [other] }, /its diff_id is sha256:\w+, not sha256:/],
  ["more layers than said", { diffIds: [] }, /has 1 layers?, and its configuration tells of 0/],
  ["fewer layers than said", { diffIds: [other, other] }, /tells of 2/],
  ["a diff_id that is none", { diffIds: [1] }, /diff_id/],
  ["a layer of another kind", { layerType: "text/plain" }, /unknown kind: text\/plain/],
  ["a layer that is not compressed as said", { compressed: layer }, /no valid gzip data/],
  ["a layer that is compressed in another way", { layerType: LAYER_ZSTD }, /no valid zstd data/],
  ["a layer that is compressed, and should not be", { layerType: LAYER }, /no tar archive|shorter than a header/],
  ["a layer of a wrong size", { said: { size: 10 } }, /more bytes|tells of 10/],
  ["a layer of a wrong size, too large", { said: { size: 1000 } }, /tells of 1000/],
  ["a size that is none", { said: { size: -1 } }, /has no size/],
  ["a digest that is a path", { said: { digest: "sha256:../../../etc/passwd" } }, /no SHA-256 digest/],
  ["a digest that is a path in the end", { said: { digest: `sha256:${hex}/../../x` } }, /no SHA-256 digest/],
  ["a digest with a further part", { said: { digest: `sha256:${hex}:../x` } }, /no SHA-256 digest/],
  ["a digest of another kind", { said: { digest: `sha512:${hex}${hex}` } }, /no SHA-256 digest/],
  ["a history of more layers", { history: "[{},{}]" }, /has 1 layers?, and its history tells of 2/],
  ["a manifest of docker's first schema", { schemaVersion: 1 }, /schema version 1/],
  ["an index in the manifest", { manifest: { manifests: [] } }, /is an image and an index of images at once/],
  ["no platform", { config: { architecture: null } }, /names no platform/],
  ["a root of another kind", { config: { rootfs: { type: "disk", diff_ids: [hex] } } }, /unknown kind: "disk"/],
  ["an environment that is a text", { config: { config: { Env: "A=b" } } }, /Env of .* is no list/],
  ["a command that is no text", { config: { config: { Cmd: [1] } } }, /Cmd of .* is no text/],
  ["a label that is no text", { config: { config: { Labels: { a: 1 } } } }, /label of .* is no text/],
  ["ports in a list", { config: { config: { ExposedPorts: ["80/tcp"] } } }, /ExposedPorts of .* is no object/],
  ["a manifest that is too large", { manifest: { annotations: { a: "x".repeat(5 << 20) } } }, /too l/],
  ["JSON that is nested deeply", { history: `[${nested(100_000)}]` }, /nested more than 64 deep/],
];

/** What looks strange, and is none the worse for it. */
export const strangeLayer: Buffer = archive([
  file("/absolute"),
  directory("./twice"),
  directory("twice/"),
  { name: "twice/file", content: "first" },
  { name: "twice/file", content: "second" },
  symlink("absolute-link", "/../../etc"),
  { name: "dev/null", flag: "3", mode: 0o666 },
  { name: "pipe", flag: "6" },
  hardlink("linked", "/twice/file"),
  file("usr/.wh.gone"),
  symlink("changes", "/etc"),
  directory("changes"),
  file("changes/inside"),
]);

/** As umoci writes them: the last member lacks its padding, and the archive its end. */
export const unpaddedLayer: Buffer = archive([directory("etc"), file("etc/os")], 0).subarray(0, 512 * 2 + 1);

/** @param put keeps a blob @returns the manifest of an image */
export function makeImage(put: (bytes: Buffer) => { digest: string; size: number }, parts: ImageParts = {}) {
  const { layer: plain = layer, compressed = gzipSync(plain), layerType = LAYER_GZIP, architecture = "amd64" } = parts;
  const { diffIds = [digestOf(plain)], history = '[{"created_by":"test"}]' } = parts;
  const rootfs = { type: "layers", diff_ids: diffIds };
  const config = { architecture, os: "linux", config: {}, rootfs, ...parts.config };
  const configuration = JSON.stringify(config).replace(/}$/, `,"history":${history}}`);
  return {
    schemaVersion: parts.schemaVersion ?? 2,
    mediaType: MANIFEST,
    config: { mediaType: parts.configType ?? CONFIG, ...put(Buffer.from(configuration)) },
    layers: [{ mediaType: layerType, ...put(compressed), ...parts.said }],
    ...parts.manifest,
  };
}

/** The same as a layout in a folder. */
export function writeLayout(folder: string, parts: ImageParts = {}): void {
  const put = (bytes: Buffer) => {
    const digest = digestOf(bytes);
    writeFiles(folder, { [`blobs/sha256/${digest.slice(7)}`]: bytes });
    return { digest, size: bytes.length };
  };
  const manifest = put(Buffer.from(JSON.stringify(makeImage(put, parts))));
  const index = { schemaVersion: 2, manifests: [{ mediaType: MANIFEST, ...manifest, ...parts.entry }] };
  writeFiles(folder, { "index.json": JSON.stringify(index), "oci-layout": '{"imageLayoutVersion":"1.0.0"}' });
}
