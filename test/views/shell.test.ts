/** Which programs shell scripts call, as far as the rules on images must know. */
import { expect, test } from "vitest";
import { callsOf, pathIn } from "../../src/views/shell.ts";

const programs = (script: string) => callsOf(script).map(({ program, words }) => [program, ...words].join(" "));

test.each<[script: string, calls: string[]]>([
  ["ldconfig -r /layer", ["ldconfig -r /layer"]],
  ["# ldconfig\necho '# ldconfig'; /sbin/ldconfig # -r", ["echo # ldconfig", "ldconfig"]],
  ["if [ -d /x ]; then dconf update; fi", ["[ -d /x ]", "dconf update"]],
  ['for i in a b; do\n  LC_ALL=C sudo -n chroot /layer dconf update "$i"\ndone', ["dconf update $i"]],
  ["a && b || ! c | xargs -0 d &", ["a", "b", "c", "d"]],
  [
    'echo $(ldconfig -p | grep x) "$(dconf update)"',
    ["ldconfig -p", "grep x", "dconf update", "echo $(ldconfig -p | grep x) $(dconf update)"],
  ],
  ["sh -ec 'cd /layer; ldconfig'", ["cd /layer", "ldconfig"]],
  ["cp a \\\n  b", ["cp a b"]],
  ["echo 'a\nldconfig\n'; b", ["echo a\nldconfig\n", "b"]],
  ["cat <<-'END' > x\n\tldconfig\n\tEND\nb", ["cat <<-END > x", "b"]],
  ["a 2>&1 | b", ["a 2>&1", "b"]],
  ["(cd x && y)", ["cd x", "y"]],
  [
    "find /a -name x -exec cp {} b \\; -o -exec sh -c 'rm \"$1\"' {} +",
    ['find /a -name x -exec cp {} b ; -o -exec sh -c rm "$1" {} +', "cp {} b", "rm $1"],
  ],
  ["find /a |\n  xargs -0 -n 1 rm -f", ["find /a", "rm -f"]],
  ["sudo -u root nice -n 5 a", ["a"]],
])("%j", (script, calls) => {
  expect(programs(script)).toEqual(calls);
});

test("tells lines, and what here-documents say", () => {
  const calls = callsOf("one\n\nbuild-oci <<EOF\nlayer: /layer\n# two\nEOF\nthree\n");
  expect(calls.map(({ program, line, input }) => [program, line, input])).toEqual([
    ["one", 0, ""],
    ["build-oci", 2, "layer: /layer\n# two\n"],
    ["three", 6, ""],
  ]);
});

test("tells folders, and what names files to programs", () => {
  const script = [
    "a; cd /x && b; cd y",
    "(cd ../z",
    "c); d $(cd /w; e)",
    "pushd $f/g; f; popd; g; cd -; h",
    "cd /a; find /b -exec i {} \\;; sh -c 'cd sub; j'; find c | xargs k",
  ].join("\n");
  const told = callsOf(script, "/").map(({ program, directory, from }) => [program, directory, from?.join(" ")]);
  expect(told.filter(([program]) => !/cd|pushd|popd|find/.test(program ?? ""))).toEqual([
    ["a", "/", undefined],
    ["b", "/x", undefined],
    ["c", "/x/z", undefined],
    ["e", "/w", undefined],
    ["d", "/x/y", undefined],
    ["f", "$f/g", undefined],
    ["g", "/x/y", undefined],
    ["h", undefined, undefined],
    ["i", "/a", "/b"],
    ["j", "/a/sub", undefined],
    ["k", "/a", "find c"],
  ]);
});

test("paths of what chroot calls are below its root", () => {
  const [call] = callsOf("cd /x; chroot /layer rm etc/a /etc/b", "/").filter(({ program }) => program === "rm");
  expect(call?.words.map((word) => pathIn(call, word))).toEqual(["/layer/etc/a", "/layer/etc/b"]);
});

test.each([
  ["../etc/x", "/layer/etc/x"],
  ["./", "/layer/usr"],
  ["/a//b/../c/", "/a/c"],
  ["/..", "/"],
  ["${root}/x", "${root}/x"],
  ["~/x", undefined],
])("%s in /layer/usr is %s", (word, path) => {
  expect(pathIn({ directory: "/layer/usr" }, word)).toBe(path);
  expect(pathIn({ directory: undefined }, word)).toBe(/^[/$]/.test(word) ? path : undefined);
});
