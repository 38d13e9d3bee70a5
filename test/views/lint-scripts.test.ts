/** `lint` reads scripts as projects write them: with variables, folders, loops, here-documents, `find` and `xargs`. */
import { beforeAll, expect, test } from "vitest";
import { project, runCli } from "../helpers.ts";

const STEPS = {
  init: 'for script in /initial_scripts/*; do "$script" /layer; done',
  merge: "cp -a /layer/usr/etc/. /layer/etc && rm -r /layer/usr/etc",
  dconf: "dconf update /layer/etc/dconf/db",
  ldconfig: "ldconfig -r /layer",
};
const BUILD = "build-oci <<EOF\nimages:\n- {os: linux, layer: /layer}\nEOF";

/** What a script does in the place of one of the steps, or behind them, and which rule finds it. */
const CASES: readonly [rule: string | undefined, step: keyof typeof STEPS | "late", command: string][] = [
  ["initial-scripts-not-run", "init", "echo /initial_scripts/*"],
  ["initial-scripts-not-run", "init", "ls /initial_scripts; chmod +x /initial_scripts/*"],
  ["initial-scripts-not-run", "init", "# for script in /initial_scripts/*; do $script /layer; done\ntrue"],
  ["initial-scripts-not-run", "init", "cp -r /initial_scripts /layer/usr"],
  [undefined, "init", "find /initial_scripts -type f -exec {} /layer \\;"],
  [undefined, "init", "find /initial_scripts -type f | sort | xargs -I {} {} /layer"],
  [undefined, "init", 'for i in $(find /initial_scripts -type f | sort); do "$i" /layer; done'],
  [undefined, "init", 'cd /initial_scripts; for s in *; do ./"$s" /layer; done'],
  [undefined, "init", 'd=/initial_scripts\nfor s in "$d"/*; do sh -e "$s" /layer; done'],
  [undefined, "init", 'ls /initial_scripts | while read -r s; do "/initial_scripts/$s" /layer; done'],
  [undefined, "init", 'run() { "$1" /layer; }\nfor s in /initial_scripts/*; do run "$s"; done'],
  [undefined, "init", "run-parts --arg=/layer /initial_scripts"],
  [undefined, "init", "/usr/bin/prepare --initscripts=/initial_scripts --seed x"],
  ["usr-etc-left", "merge", 'src=/layer/usr/etc\ncp -a "$src"/. /layer/etc'],
  ["usr-etc-left", "merge", "cp -a /layer/usr/etc/. /layer/etc/\nrm -rf /usr/etc"],
  ["usr-etc-left", "merge", "cp -a /layer/usr/etc/. /layer/etc/\nrm -rf /layer/usr/etc/nothing"],
  ["usr-etc-left", "merge", 'cp -a /layer/usr/etc/. /layer/etc/\necho "rm -rf /layer/usr/etc"'],
  [undefined, "merge", 'l=/layer\ncp -a "${l}/usr/etc/." "${l}/etc/" && rm -rf "${l:?}/usr/etc"'],
  [undefined, "merge", "cd /layer/usr\ncp -a etc/. ../etc/\nrm -rf etc"],
  [undefined, "merge", "(cd /layer; cp -a usr/etc/. etc; rm -r usr/etc)"],
  [undefined, "merge", "find /layer/usr/etc -mindepth 1 -exec mv -t /layer/etc {} +\nrmdir /layer/usr/etc"],
  [undefined, "merge", "cp -a /layer/usr/etc/. /layer/etc; find /layer/usr/etc -delete"],
  [undefined, "merge", "tar -C /layer/usr/etc -c . | tar -C /layer/etc -x; echo /layer/usr/etc | xargs rm -r"],
  [undefined, "merge", "sh -e <<'X'\ncp -a /layer/usr/etc/. /layer/etc\nrm -r /layer/usr/etc\nX"],
  [undefined, "merge", 'm() {\n  cp -a "$1/usr/etc/." "$1/etc"\n  rm -r "$1/usr/etc"\n}\nm /layer'],
  ["dconf-missing", "dconf", "dconf update"],
  ["dconf-missing", "dconf", "dconf update /parent/etc/dconf/db"],
  ["dconf-missing", "dconf", 'echo "dconf update /layer/etc/dconf/db"'],
  [undefined, "dconf", "cd /layer/etc/dconf/db && dconf update ."],
  [undefined, "dconf", 'for db in /layer/etc/dconf/db/*.d; do dconf compile "${db%.d}" "$db"; done'],
  [undefined, "dconf", "env LC_ALL=C dconf update \\\n  /layer/etc/dconf/db"],
  [undefined, "dconf", "chroot /layer dconf update"],
  ["ldconfig-missing", "ldconfig", "ldconfig"],
  ["ldconfig-missing", "ldconfig", "ldconfig -r /parent"],
  ["ldconfig-missing", "ldconfig", "ldconfig -r /layer -p"],
  [undefined, "ldconfig", 'root="/layer"\n/sbin/ldconfig -Xr "${root}"'],
  [undefined, "ldconfig", '(cd /layer; ldconfig -r "$PWD")'],
  [undefined, "ldconfig", "ldconfig -f /layer/etc/ld.so.conf -C /layer/etc/ld.so.cache /layer/usr/lib"],
  [undefined, "ldconfig", "chroot /layer /sbin/ldconfig"],
  ["ldconfig-early", "late", "cd /layer/usr/lib && cp liba.so.1 libb.so.1"],
  ["ldconfig-early", "late", 'for l in /layer/usr/lib/*.so.*; do cp "$l" "${l}.9"; done'],
  ["ldconfig-early", "late", "tar -x -f /x.tar -C /layer/usr/lib"],
  ["ldconfig-early", "late", 'find /x -name "liba*" -exec install -Dm755 {} /layer/usr/lib/libb.so.3 \\;'],
  ["ldconfig-early", "late", "mv /layer/opt/liba.so.2 /layer/usr/lib/"],
  ["ldconfig-early", "late", "cat > /layer/usr/lib/libk.so <<X\nINPUT(liba.so.1)\nX"],
  [undefined, "late", "echo x > /layer/usr/lib/systemd/system/x.service; ln -s /x /layer/usr/lib/os-release"],
  [undefined, "late", "cp /layer/usr/bin/a /layer/usr/share/README.so.txt; cp -a /x/lib/. /other/usr/lib/"],
  [undefined, "late", "grep -c x /layer/usr/lib/liba.so.1 >/layer/count || ls /layer/usr/lib/liba.so.1"],
];

const name = (number: number) => `case${String(number).padStart(3, "0")}.bst`;
let found: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  const cases = CASES.map(([, step, command], number) => {
    const steps = { ...STEPS, late: "true", [step]: command, build: BUILD };
    const commands = ["init", "merge", "dconf", "ldconfig", "late", "build"].map(
      (each) => `  - |\n${(steps[each as keyof typeof steps]).replace(/^/gm, "    ")}\n`,
    );
    return [
      name(number),
      `kind: script\nbuild-depends: [tools.bst, init.bst, {filename: layer.bst, config: {location: /layer}}]\n` +
        `config:\n  commands:\n${commands.join("")}`,
    ] as const;
  });
  const cwd = project({
    ...Object.fromEntries(cases),
    "files/x": "x",
    "tools.bst": "kind: import\nsources: [{kind: local, path: files}]\n",
    "etc.bst":
      "kind: manual\nbuild-depends: [tools.bst]\npublic: {initial-script: {script: 'touch $1/x'}}\nconfig:\n  install-commands:\n" +
      "  - cp x '%{install-root}/usr/etc'\n  - cp x '%{install-root}/etc/dconf/db/local.d/00'\n",
    "deps.bst": "kind: stack\ndepends: [etc.bst]\n",
    "layer.bst": "kind: compose\nbuild-depends: [deps.bst]\nconfig: {exclude: [devel, debug]}\n",
    "init.bst": "kind: collect_initial_scripts\nbuild-depends: [deps.bst]\nconfig: {path: /initial_scripts}\n",
  });
  const { stdout, stderr } = await runCli(["lint", "--json"], { cwd });
  expect(stdout, stderr).toMatch(/^\{/);
  const findings: { rule: string; element: string; message: string }[] = JSON.parse(stdout).findings;
  found = new Map(
    CASES.map((_, number) => [
      name(number),
      findings
        .filter(({ element, message }) => element === name(number) || message.includes(name(number)))
        .map(({ rule }) => rule),
    ]),
  );
});

test.each(CASES.map((each, number) => [...each, number] as const))("%s: %s: %s", (rule, _, __, number) => {
  expect(found.get(name(number))).toEqual(rule === undefined ? [] : [rule]);
});
