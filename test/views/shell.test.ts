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
