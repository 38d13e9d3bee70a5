/** Which programs shell scripts call, as far as the rules on images must know. */
import { expect, test } from "vitest";
import { callsOf } from "../../src/views/shell.ts";

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

const paths = (script: string) =>
  callsOf(script, { folder: "/", arguments: [["/layer"]] }).map(({ program, paths, outputs }) =>
    [program, ...paths.flat(), ...outputs.map((each) => `>${each}`)].join(" "),
  );

test.each<[script: string, calls: string[]]>([
  ["cd /layer; rm usr/etc ../x ./.", ["cd /layer", "rm /layer/usr/etc /x /layer"]],
  ["(cd /layer; rm a); rm b", ["cd /layer", "rm /layer/a", "rm /b"]],
  ["cd $x; rm a /b", ["cd **", "rm /b"]],
  ['d="/layer/usr"; rm -rf "${d:?}"/* \'$d\' "\\$d"', ["rm /layer/usr/* /$d /$d"]],
  ['rm "$1/x"; set -- /y; rm "$1/x"; shift; rm "$1/x"', ["rm /layer/x", "set /y", "rm /y/x", "shift", "rm **/x"]],
  ["for f in a b; do rm /$f.c; done", ["rm /a.c /b.c"]],
  ["while read f; do rm $f; done; rm ${f%.d}", ["read /f", "rm **", "rm **"]],
  ["ldconfig -r/layer --root=/x -v 2>/dev/null >>y", ["ldconfig /layer /x >/dev/null >/y"]],
  ["chroot /layer rm /usr/x y", ["rm /layer/usr/x /y"]],
  [
    "find /a b -name '*.la' -exec rm -f {} + ",
    ["find /a /b /*.la /rm /{} /+", "rm /a/*.la /a/**/*.la /b/*.la /b/**/*.la"],
  ],
  ["find /a -delete", ["find /a", "rm /a/**"]],
  ["ls /a | xargs -n 1 rm; find /a | sort | xargs -I% mv % /b", ["ls /a", "rm /a", "find /a", "sort", "mv /a/** /b"]],
  ["sh -e <<X\ncd /a\nrm b\nX\nrm c", ["sh", "cd /a", "rm /a/b", "rm /c"]],
  ["find /a -exec sh -c 'rm \"$1\"' _ {} \\;", ['find /a /sh /rm "$1" /_ /{} /;', "rm /a/**"]],
  [
    "cd /a; pushd b; popd; rm c; cd -; rm d; chroot /l rm e",
    ["cd /a", "pushd /a/b", "popd", "rm /a/c", "cd", "rm", "rm"],
  ],
  ["sudo -u root nice -n 5 rm /a", ["rm /a"]],
  ["find /a |\n  xargs -0 -n 1 rm -f", ["find /a", "rm /a/**"]],
  ['cat <<< "a" >b\nrm c', ["cat >/b", "rm /c"]],
  ["export D=/a\nlocal E=$D/b; rm $E", ["export /a", "local /a/b", "rm /a/b"]],
  ["rm $(ls /a) `x`", ["ls /a", "rm ** **"]],
])("paths of %j", (script, calls) => {
  expect(paths(script)).toEqual(calls);
});

test("variables in here-documents hold what is known of them, unless their end is quoted", () => {
  const script = (end: string) => `l=/layer\nbuild-oci <<${end}\nlayer: $l\nparent: $x\nEOF\n`;
  expect(callsOf(script("EOF"))[0]?.input).toBe("layer: /layer\nparent: $x\n");
  expect(callsOf(script("'EOF'"))[0]?.input).toBe("layer: $l\nparent: $x\n");
});
