/** Archives of many shapes, for comparing what unpacking them gives. */
import { archive, directory, gzipped, hardlink, type Member, pax, symlink } from "./tar-writer.ts";

export interface Shape {
  readonly name: string;
  readonly bytes: Buffer;
  readonly baseDirectory?: string;
  /** Why ours is an error and BuildStream's is none. */
  readonly stricter?: string;
}

const text = (name: string, content: string, mode = 0o644): Member => ({ name, content, mode });
const ascii = (value: string) => Buffer.from(value, "latin1");
const octal = (value: number) => ascii(`${value.toString(8).padStart(11, "0")}\0`);

function shape(name: string, members: readonly Member[], baseDirectory?: string): Shape {
  return { name, bytes: gzipped(members), ...(baseDirectory === undefined ? {} : { baseDirectory }) };
}

const project = [directory("a"), text("a/run.sh", "#!/bin/sh\n", 0o755), directory("a/sub"), text("a/sub/x", "x")];
const long = `a/${"very-long-name/".repeat(9)}file`;
const longest = `a/${"folder-of-some-length/".repeat(12)}file`;

/** An old GNU sparse file: 2 bytes at 1024 and 3 at 4096, 5000 bytes long. */
const oldSparse: Member = {
  name: "a/sparse",
  flag: "S",
  content: "abcde",
  patch: new Map([
    [257, ascii("ustar  \0")],
    [345, Buffer.alloc(155)],
    [386, Buffer.concat([octal(1024), octal(2), octal(4096), octal(3), octal(5000), octal(0)])],
    [483, octal(5000)],
  ]),
};

export const shapes: readonly Shape[] = [
  shape("plain", project),
  shape(
    "dot",
    project.map((member) => ({ ...member, name: `./${member.name}` })),
  ),
  shape("top", [directory("./"), ...project]),
  shape("no-base", project, ""),
  shape("deep-base", project, "a/sub"),
  shape("glob-base", [...project, directory("a/tub"), text("a/tub/y", "y")], "a/[!s]u?"),
  shape("two-stars", [text("p/q/r/one", "1"), text("p/q/two", "2")], "**/r"),
  shape("missing-base", project, "nothing"),
  shape("implied-folders", [text("z/one", "1"), text("b/c/two", "2"), text("b/c/d/three", "3")]),
  shape("several-tops", [text("b/one", "1"), text("a/two", "2")]),
  shape("no-folder", [text("alone", "1")]),
  shape("files-at-top", [text("alone", "1"), text("other", "2", 0o755)], ""),
  shape("modes", [
    text("a/none", "", 0),
    text("a/group", "g", 0o651),
    text("a/owner", "o", 0o100),
    text("a/setuid", "s", 0o4755),
    text("a/sticky", "t", 0o1644),
    { ...directory("a/closed"), mode: 0 },
    text("a/closed/in", "i"),
  ]),
  shape("links", [
    text("a/file", "f"),
    symlink("a/absolute", "/tmp/foo"),
    symlink("a/relative", "sub/../file"),
    symlink("a/outside", "../../../etc/passwd"),
    symlink("a/nowhere", "gone"),
  ]),
  shape("hard-links", [text("a/one", "1", 0o644), hardlink("a/two", "a/one"), hardlink("a/d/three", "./a/one", 0o755)]),
  shape("hard-link-written", [text("a/one", "1"), hardlink("a/two", "a/one"), text("a/two", "22")]),
  shape("hard-link-twice", [text("a/one", "1"), hardlink("a/two", "a/one"), hardlink("a/two", "a/one")]),
  shape("hard-link-outside-base", [text("c/else/one", "1", 0o755), hardlink("c/in/two", "c/else/one")], "c/in"),
  shape("hard-link-to-link", [text("a/one", "1"), symlink("a/two", "one"), hardlink("a/three", "a/two", 0o755)]),
  shape("hard-link-above", [text("a/one", "1"), hardlink("a/two", "../../../one")]),
  shape("hard-link-absolute", [text("a/one", "1"), hardlink("a/two", "/etc/passwd")]),
  shape("hard-link-odd", [text("a/one", "1"), hardlink("a/two", "a/../a//one")], ""),
  shape("devices", [
    text("a/one", "1"),
    { name: "a/null", flag: "3" },
    { name: "a/disk", flag: "4" },
    { name: "a/pipe", flag: "6" },
  ]),
  shape("hard-link-to-device", [{ name: "a/null", flag: "3" }, hardlink("a/two", "a/null")]),
  shape("unknown-type", [text("a/one", "1"), { name: "a/what", flag: "Q", content: "?" }]),
  shape("above", [text("a/one", "1"), text("../two", "2")], ""),
  shape("above-in-base", [text("a/one", "1"), text("a/../../two", "2")]),
  shape("up-and-down", [directory("a/b"), text("a/b/../one", "1")], ""),
  shape("through-link", [directory("a/real"), symlink("a/link", "real"), text("a/link/one", "1")]),
  shape("through-absolute-link", [symlink("a/link", "/tmp"), text("a/link/bst-evil", "1")]),
  shape("through-outside-link", [symlink("a/link", "../../.."), text("a/link/bst-evil", "1")]),
  shape("through-looping-link", [symlink("a/link", "link"), text("a/link/one", "1")]),
  shape("over-link", [text("a/one", "1"), symlink("a/link", "one"), text("a/link", "22", 0o755)]),
  shape("over-dangling-link", [text("a/x", "1"), symlink("a/link", "two"), text("a/link", "2")]),
  shape("below-dangling-link", [text("a/x", "1"), symlink("a/link", "two"), text("a/link/y", "2")]),
  shape("folder-over-link", [
    directory("a/real"),
    symlink("a/link", "real"),
    directory("a/link"),
    text("a/link/x", "1"),
  ]),
  shape("link-over-file", [text("a/one", "1"), symlink("a/one", "two")]),
  shape("link-over-link", [symlink("a/one", "two"), symlink("a/one", "three")]),
  shape("duplicates", [text("a/one", "1"), text("a/one", "22", 0o755), directory("a/d"), directory("a/d")]),
  shape("file-over-folder", [directory("a/one"), text("a/one", "1")]),
  shape("folder-over-file", [text("a/one", "1"), directory("a/one")]),
  shape("below-file", [text("a/one", "1"), text("a/one/two", "2")]),
  shape("slashes", [text("a//b///c", "1"), text("a/./d", "2"), directory("a/e//")]),
  shape("old-folder", [
    { name: "a/", flag: "\0", mode: 0o755 },
    { name: "a/x", flag: "\0", content: "1" },
  ]),
  shape("contiguous", [{ name: "a/x", flag: "7", content: "1" }]),
  shape("prefix", [
    { name: "file", prefix: "a/some/prefix", content: "1" },
    { ...directory("dir/"), prefix: "a/p" },
  ]),
  shape("unicode", [text("a/żółw-\u{1f422}", "1"), symlink("a/link", "żółw")]),
  shape("gnu-long", [
    { name: "././@LongLink", flag: "L", content: `${longest}\0` },
    text(longest.slice(0, 99), "1"),
    { name: "././@LongLink", flag: "K", content: `${longest}\0` },
    { name: "././@LongLink", flag: "L", content: `${longest}2\0` },
    symlink("a/short", "cut"),
  ]),
  shape("pax-long", [
    pax({ path: long, comment: "none" }),
    text("a/x", "1"),
    pax({ path: "a/second", linkpath: long }),
    symlink("a/y", "cut"),
  ]),
  shape("pax-global", [pax({ comment: "0123456789abcdef" }, "g"), ...project]),
  shape("pax-folder", [pax({ path: "a/d/" }), directory("a/other"), text("a/d/x", "1")]),
  shape("old-sparse", [oldSparse, text("a/after", "1")]),
  shape("sparse-0.0", [
    pax([
      ["GNU.sparse.size", "5000"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.offset", "1024"],
      ["GNU.sparse.numbytes", "2"],
      ["GNU.sparse.offset", "4096"],
      ["GNU.sparse.numbytes", "3"],
    ]),
    text("a/sparse", "abcde"),
    text("a/after", "1"),
  ]),
  shape("sparse-0.1", [
    pax({ "GNU.sparse.size": "5000", "GNU.sparse.map": "1024,2,4096,3", "GNU.sparse.name": "a/sparse" }),
    text("a/GNUSparseFile.1/sparse", "abcde"),
    text("a/after", "1"),
  ]),
  shape("sparse-1.0", [
    pax({
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": "a/sparse",
      "GNU.sparse.realsize": "5000",
    }),
    text("a/GNUSparseFile.1/sparse", `${"2\n1024\n2\n4096\n3\n".padEnd(512, "\0")}abcde`),
    text("a/after", "1"),
  ]),
  shape("empty-archive", []),
  { name: "plain-tar", bytes: archive(project) },
  { name: "no-end", bytes: archive(project, 0) },
  { name: "junk-after-end", bytes: Buffer.concat([archive(project), Buffer.from("junk".repeat(400))]) },
  { name: "short", bytes: archive([text("a/x", "1".repeat(2000))]).subarray(0, 1024) },
  { name: "not-tar", bytes: Buffer.from("this is no archive\n".repeat(100)) },
  { name: "nothing", bytes: Buffer.alloc(0) },
  {
    name: "damaged-header",
    bytes: archive([text("a/x", "1"), { ...text("a/y", "2"), damageSum: true }]),
    stricter: "Python takes a damaged header for the end",
  },
  {
    name: "absolute",
    bytes: gzipped([text("/etc/passwd", "1"), text("a/x", "1")]),
    stricter: "Python strips the slash, or leaves the file out",
  },
];
