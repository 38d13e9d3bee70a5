/** `lint`: each rule finds what it is for, at its place, and nothing where all is as it should be. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { RULE_IDS } from "../../src/views/lint/rule-ids.ts";
import { RULES } from "../../src/views/lint/rules.ts";
import { type FileContent, project, runCli } from "../helpers.ts";

interface Finding {
  readonly rule: string;
  readonly severity: string;
  readonly element: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const local = (path: string, more = "") => `kind: import\nsources: [{kind: local, path: files/${path}}]\n${more}`;
const image = (layer: string, commands: string, more = "") =>
  `kind: script\nbuild-depends:\n- tools.bst\n- filename: ${layer}\n  config:\n    location: /layer\n${more}config:\n  commands:\n${commands}`;
const BUILD = "  - |\n    build-oci <<EOF\n    images:\n    - os: linux\n      layer: /layer\n    EOF\n";
const MERGED = "  - cp -a /layer/usr/etc/. /layer/etc && rm -r /layer/usr/etc\n";
const RIGHT =
  "  - |\n    cp -a /layer/usr/etc/. /layer/etc && rm -r /layer/usr/etc\n" +
  "    dconf update /layer/etc/dconf/db\n    # build-oci comes last\n  - ldconfig -r '/layer'\n";

const GOOD: Record<string, FileContent> = {
  "files/app/usr/bin/app": { executable: "#!/bin/sh\n" },
  "files/app/usr/lib/libapp.so.1": "library",
  "files/app/usr/lib/liblink.so.1": { symlink: "../include/app.h" },
  "files/app/usr/include/app.h": "header",
  "files/app/etc/ld.so.conf": "/usr/lib/app\n",
  "files/app/usr/etc/app.conf": "conf",
  "files/app/etc/dconf/db/local.d/00-app": "[x]",
  "files/doc/usr/include/doc.h": "header",
  "files/other/usr/bin/app": { executable: "#!/bin/sh\nother\n" },
  "files/other/usr/bin/another": "x",
  "tools.bst": local("doc", "config: {target: /tools}\n"),
  "dconf.bst": local("app"),
  "headers.bst": local("doc"),
  "deps.bst": "kind: stack\ndepends: [dconf.bst, headers.bst]\n",
  "layer.bst": "kind: compose\nbuild-depends: [deps.bst]\nconfig: {exclude: [devel, debug], integrate: False}\n",
  "good.bst": image("layer.bst", RIGHT + BUILD),
};

interface Result {
  readonly code: number | null;
  readonly findings: readonly Finding[];
  readonly unchecked: readonly {
    readonly rule: string;
    readonly element: string;
    readonly missing: readonly string[];
  }[];
  readonly ignored: number;
}

async function lint(cwd: string, ...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await runCli(["lint", "--json", ...args], { cwd });
  expect(stdout, stderr).toMatch(/^\{/);
  return { code, ...JSON.parse(stdout) };
}

test("the command line knows all rules", async () => {
  expect(RULES.map(({ id }) => id)).toEqual(RULE_IDS);
  const listed = await runCli(["lint", "--list-rules"]);
  for (const { id, summary } of RULES) expect(listed.stdout).toContain(`${id.padEnd(24)}  ${summary}\n`);
  expect(await runCli(["lint", "--rule", "nonsense"])).toMatchObject({ code: 2 });
});

const declaring = (files: string) =>
  `kind: manual\nbuild-depends: [tools.bst]\npublic: {oci: {files: {${files}}}}\nconfig:\n  install-commands:\n`;

/** Elements that have a mistake each, with the text at which it is to be found. */
const BAD: readonly [rule: string, element: string, text: string, at: string, severity?: string][] = [
  ["stack-as-layer", "stacked.bst", image("deps.bst", RIGHT + BUILD), "filename: deps.bst"],
  ["stack-as-layer", "empty.bst", image("nothing.bst", BUILD), "filename: nothing.bst", "error"],
  [
    "stack-as-layer",
    "oci.bst",
    "kind: oci\nbuild-depends: [deps.bst]\nconfig:\n  images:\n  - os: linux\n    architecture: amd64\n    layer:\n    - deps.bst\n",
    "deps.bst\n",
  ],
  [
    "unknown-domain",
    "paths.bst",
    "kind: compose\nbuild-depends: [deps.bst]\nconfig:\n  include:\n  - /usr\n",
    "/usr",
    "error",
  ],
  [
    "dropped-domain",
    "again.bst",
    "kind: compose\nbuild-depends: [layer.bst]\nconfig: {include: [devel]}\n",
    "devel",
    "error",
  ],
  ["package-in-no-layer", "forgotten.bst", local("doc", "config: {target: /forgotten}\n"), "kind: import"],
  [
    "package-beside-stack",
    "beside.bst",
    "kind: compose\nbuild-depends:\n- deps.bst\n- headers.bst\nconfig: {exclude: [devel, debug]}\n",
    "headers.bst",
    "note",
  ],
  ["usr-etc-left", "unmerged.bst", image("made.bst", RIGHT.replace(/cp -a.*/, "true") + BUILD), "build-oci <<"],
  ["usr-etc-left", "copied.bst", image("layer.bst", RIGHT.replace(" && rm -r /layer/usr/etc", "") + BUILD), "cp -a"],
  [
    "usr-etc-left",
    "emptied.bst",
    image("made.bst", RIGHT.replace(/cp -a.*/, "mv /layer/etc /layer/usr/etc") + BUILD),
    "build-oci <<",
  ],
  [
    "usr-etc-late",
    "merged-late.bst",
    image("layer.bst", `  - dconf update /layer/etc/dconf/db\n${MERGED}  - ldconfig -r /layer\n${BUILD}`),
    "cp -a",
  ],
  [
    "usr-etc-late",
    "merged-last.bst",
    image("layer.bst", `${RIGHT.replace(/cp -a.*/, "true")}${BUILD}${MERGED}`),
    "cp -a",
    "error",
  ],
  [
    "dconf-missing",
    "uncompiled.bst",
    image("layer.bst", RIGHT.replace(/dconf update.*/, "true") + BUILD),
    "build-oci <<",
  ],
  [
    "dconf-late",
    "dconf-late.bst",
    image("layer.bst", `${MERGED}  - ldconfig -r /layer\n  - dconf update /layer/etc/dconf/db\n${BUILD}`),
    "dconf update",
  ],
  [
    "dconf-late",
    "dconf-last.bst",
    image("layer.bst", `${RIGHT.replace(/dconf update.*/, "true")}${BUILD}  - chroot /layer dconf update\n`),
    "dconf update",
    "error",
  ],
  [
    "dconf-missing",
    "uncompiled-layer.bst",
    image("layer.bst", RIGHT.replace(/dconf update.*/, "dconf update") + BUILD),
    "build-oci <<",
  ],
  [
    "ldconfig-missing",
    "cache-of-sandbox.bst",
    image("layer.bst", RIGHT.replace(/ldconfig.*/, "ldconfig -X") + BUILD),
    "build-oci <<",
  ],
  ["ldconfig-missing", "uncached.bst", image("layer.bst", RIGHT.replace(/ldconfig.*/, "true") + BUILD), "build-oci <<"],
  [
    "ldconfig-late",
    "ldconfig-last.bst",
    image("layer.bst", `${RIGHT.replace(/ldconfig.*/, "true")}${BUILD}  - if true; then ldconfig -r /layer; fi\n`),
    "ldconfig -r",
    "error",
  ],
  [
    "ldconfig-early",
    "library-late.bst",
    image("layer.bst", `${RIGHT}  - install x.so /layer/usr/lib/x.so\n${BUILD}`),
    "install x",
  ],
  [
    "ldconfig-early",
    "library-written.bst",
    image("layer.bst", `${RIGHT}  - echo x >/layer/usr/lib/libx.so.1\n${BUILD}`),
    "echo x",
  ],
  [
    "initial-scripts-not-run",
    "scripted.bst",
    local("other", "config: {target: /opt}\npublic:\n  initial-script:\n    script: |\n      true\n"),
    "|\n",
  ],
  [
    "initial-scripts-not-run",
    "not-run.bst",
    local("other", "config: {target: /opt}\npublic:\n  initial-script:\n    script: |\n      true\n"),
    "|\n",
  ],
  [
    "initial-scripts-not-run",
    "not-collected.bst",
    local("other", "config: {target: /opt}\npublic:\n  initial-script:\n    script: |\n      true\n"),
    "|\n",
  ],
  [
    "compiled-in-package",
    "compiles.bst",
    "kind: manual\nbuild-depends: [tools.bst]\nconfig:\n  install-commands:\n  - |\n    true\n    glib-compile-schemas /x\n",
    "glib-compile",
  ],
  [
    "attributes-lost",
    "setuid.bst",
    "kind: manual\nbuild-depends: [tools.bst]\nconfig:\n  install-commands:\n  - chmod 4755 /x\n",
    "chmod",
  ],
  [
    "attributes-lost",
    "installs.bst",
    "kind: manual\nbuild-depends: [tools.bst]\nconfig:\n  install-commands:\n  - install -Dm4755 x /usr/bin/y\n",
    "install -D",
  ],
  [
    "attributes-lost",
    "half-declared.bst",
    `${declaring("/usr/bin/x: {mode: '0755'}, /usr/bin/y: {mode: '4755'}")}  - chmod 4755 %{install-root}/usr/bin/y\n  - chmod u+s %{install-root}/usr/bin/x\n`,
    "chmod u+s",
  ],
];

describe("without artifacts", () => {
  let cwd: string;
  let found: Result;

  beforeAll(async () => {
    cwd = project({
      ...GOOD,
      ...Object.fromEntries(BAD.map(([, name, text]) => [name, text])),
      "nothing.bst": "kind: stack\n",
      "etc.bst":
        "kind: manual\nbuild-depends: [tools.bst]\nconfig:\n  install-commands:\n  - cp x '%{install-root}/usr/etc'\n",
      "made-deps.bst":
        "kind: stack\ndepends: [etc.bst, compiles.bst, setuid.bst, installs.bst, half-declared.bst, declared.bst]\n",
      "made.bst": "kind: compose\nbuild-depends: [made-deps.bst]\nconfig: {exclude: [devel, debug]}\n",
      "beside-image.bst": image("beside.bst", RIGHT + BUILD),
      "scripted-layer.bst": "kind: compose\nbuild-depends: [scripted.bst]\nconfig: {exclude: [devel, debug]}\n",
      "scripted-image.bst": image("scripted-layer.bst", RIGHT + BUILD),
      "scripts.bst": "kind: stack\ndepends: [not-run.bst, not-collected.bst]\n",
      "some.bst": "kind: collect_initial_scripts\nbuild-depends: [not-run.bst]\nconfig: {path: /initial_scripts}\n",
      "partly.bst": "kind: compose\nbuild-depends: [scripts.bst]\nconfig: {exclude: [devel, debug]}\n",
      "partly-image.bst": image("partly.bst", RIGHT + BUILD, "- some.bst\n"),
      "declared.bst":
        `${declaring("/usr/bin/x: {mode: '4755'}, '/opt/**': {mode: '2755', capabilities: cap_net_raw=ep}")}  - |\n` +
        "    chmod 4755 %{install-root}/usr/bin/x\n    install -m 4755 y %{install-root}/opt/y\n" +
        '    for i in y z; do chmod g+s "%{install-root}/opt/$i"; done\n    setcap cap_net_raw=ep %{install-root}/opt/y\n',
      "initial.bst": local(
        "other",
        "config: {target: /initial}\npublic:\n  initial-script:\n    script: chmod 4755 /usr/bin/app\n",
      ),
      "initial-layer.bst": "kind: compose\nbuild-depends: [initial.bst]\nconfig: {exclude: [devel, debug]}\n",
      "collected.bst":
        "kind: collect_initial_scripts\nbuild-depends: [initial.bst]\nconfig: {path: /initial_scripts}\n",
      "served.bst": image(
        "initial-layer.bst",
        `${RIGHT}  - for i in /initial_scripts/*; do $i /layer; done\n  - chmod 4755 /layer/x\n${BUILD}`,
        "- collected.bst\n",
      ).replace("commands:", "build-oci: True\n  commands:"),
      "fakecap.bst": image(
        "layer.bst",
        `${RIGHT}  - setcap x /layer/y\n${BUILD}`,
        "environment: {LD_PRELOAD: /fakecap.so}\n",
      ),
    });
    found = await lint(cwd);
  });

  test.each(BAD)("%s is found in %s", (rule, element, text, at, severity = "warning") => {
    const mine = found.findings.filter((finding) => finding.element === element);
    const before = text.slice(0, text.lastIndexOf(at)).split("\n");
    const [line, column] = [before.length, (before.at(-1)?.length ?? 0) + 1];
    expect(mine.map(({ message: _, ...rest }) => rest)).toMatchObject([
      { rule, severity, element, file: element, line, column },
    ]);
  });

  test("what is right is left alone, and what was not checked is told", async () => {
    const bad = new Set(BAD.map(([, element]) => element));
    expect(found.findings.filter(({ element }) => !bad.has(element))).toEqual([]);
    expect(found.code).toBe(1);
    expect(found.unchecked).toContainEqual({
      rule: "overlaps-not-whitelisted",
      element: "layer.bst",
      missing: ["dconf.bst", "headers.bst"],
    });
    expect(await lint(cwd, "good.bst")).toMatchObject({ code: 0, findings: [] });
    expect(await lint(cwd, "beside-image.bst")).toMatchObject({
      code: 0,
      findings: [{ rule: "package-beside-stack" }],
    });
  });

  test("only the rules that are asked for are checked", async () => {
    const { findings } = await lint(cwd, "--rule", "dconf-late", "--rule", "stack-as-layer");
    expect(new Set(findings.map(({ rule }) => rule))).toEqual(new Set(["dconf-late", "stack-as-layer"]));
  });

  test("people get lines that editors understand", async () => {
    const { stdout } = await runCli(["lint", "paths.bst"], { cwd });
    expect(stdout).toContain(
      "paths.bst:5:5: error: Nothing that it is made of has a domain /usr [unknown-domain]\n" +
        "    paths.bst: Domains are named here, not paths: which paths a domain has, 'split-rules' say.\n",
    );
    expect(stdout).toMatch(
      /not checked: overlaps-not-whitelisted of paths\.bst; not in the cache: dconf\.bst, headers\.bst\n1 error, 0 warnings, 0 notes\n$/,
    );
  });
});

test("elements of a subproject are checked where one of them is asked for", async () => {
  const cwd = project({
    "project.conf": "name: test\nmin-version: 2.0\nelement-path: elements\n",
    "elements/sub.bst": "kind: junction\nsources: [{kind: local, path: sub}]\n",
    "elements/own.bst": "kind: stack\ndepends: ['sub.bst:image.bst']\n",
    "sub/project.conf": "name: sub\nmin-version: 2.0\n",
    "sub/files/x": "x",
    "sub/tools.bst": local("x"),
    "sub/image.bst": image("tools.bst", `${BUILD}  - ldconfig -r /layer\n`),
  });
  expect(await lint(cwd)).toMatchObject({ code: 0, findings: [] });
  expect(await lint(cwd, "own.bst")).toMatchObject({ code: 0, findings: [] });
  expect(await lint(cwd, "sub.bst:image.bst")).toMatchObject({
    code: 1,
    findings: [{ rule: "ldconfig-late", element: "sub.bst:image.bst", file: "sub/image.bst", line: 15 }],
  });
});

describe("with artifacts", () => {
  let cwd: string;

  beforeAll(async () => {
    cwd = project({
      ...GOOD,
      "other.bst": local("other", "depends: [dconf.bst]\n"),
      "all.bst": "kind: stack\ndepends: [deps.bst, other.bst]\n",
      "both.bst": "kind: compose\nbuild-depends: [all.bst]\nconfig: {integrate: False, exclude: [debug]}\n",
      "runtime.bst": "kind: compose\nbuild-depends: [deps.bst]\nconfig: {integrate: False, exclude: [devel]}\n",
      "bare.bst": image("both.bst", BUILD),
      "lone.bst": local("other"),
      "apart.bst": `kind: oci\nbuild-depends: [dconf.bst, lone.bst]\nconfig:\n  images:\n${["dconf", "lone", "dconf"]
        .map((name) => `  - {os: linux, architecture: amd64, layer: [${name}.bst]}\n`)
        .join("")}`,
      "starts.bst":
        "kind: oci\nbuild-depends: [runtime.bst]\nconfig:\n  images:\n  - os: linux\n    architecture: amd64\n    layer: [runtime.bst]\n" +
        "    config:\n      Entrypoint:\n      - /usr/include/app.h\n",
    });
    expect(
      (await runCli(["build", "tools.bst", "layer.bst", "both.bst", "runtime.bst", "lone.bst"], { cwd })).code,
    ).toBe(0);
  });

  test("contents are looked into", async () => {
    const { findings, unchecked } = await lint(cwd, "good.bst", "bare.bst", "starts.bst");
    expect(unchecked).toEqual([]);
    const told = findings.map(({ rule, element, message }) => `${rule} ${element}: ${message}`);
    const needs = "needs /usr/include/app.h of dconf.bst, which";
    expect(told.sort()).toEqual(
      [
        `dropped-file layer.bst: The link /usr/lib/liblink.so.1 ${needs} layer.bst leaves out (devel)`,
        `dropped-file runtime.bst: The link /usr/lib/liblink.so.1 ${needs} runtime.bst leaves out (devel)`,
        `dropped-file starts.bst: The command of the image ${needs} runtime.bst leaves out (devel)`,
        "overlaps-not-whitelisted other.bst: It replaces 1 file of dconf.bst: /usr/bin/app (staged for both.bst)",
        "package-in-no-layer headers.bst: None of its files (1) is in good.bst, starts.bst: they are of devel",
        "unneeded-in-layer bare.bst: 2 files (12 bytes) of devel are in the layer both.bst: /usr/include/app.h, /usr/include/doc.h",
        "usr-etc-left bare.bst: /usr/etc is in the layer, and nothing merges it into /etc",
        "usr-etc-left starts.bst: /usr/etc is in the layer, and nothing merges it into /etc",
        "dconf-missing bare.bst: Nothing runs dconf update: what dconf keyfiles in the layer say has no effect",
        "dconf-missing starts.bst: Nothing runs dconf update: what dconf keyfiles in the layer say has no effect",
        "ldconfig-missing bare.bst: Nothing runs ldconfig over the layer: libraries may not be found where the image runs",
        "ldconfig-missing starts.bst: Nothing runs ldconfig over the layer: libraries may not be found where the image runs",
      ].sort(),
    );
    expect(findings.find(({ rule, element }) => rule === "dropped-file" && element === "starts.bst")).toMatchObject({
      line: 10,
      column: 9,
    });
  });

  test("several images of an element are looked at one by one", async () => {
    const { findings } = await lint(cwd, "apart.bst", "--rule", "overlaps-not-whitelisted", "--rule", "usr-etc-left");
    expect(findings.map(({ rule, line }) => `${rule} ${line}`)).toEqual(["usr-etc-left 5", "usr-etc-left 7"]);
  });

  test("elements can say that they mean it", async () => {
    const ignoring = (name: string, rules: string) =>
      `${readFileSync(join(cwd, name), "utf8")}public: {lint: {ignore: ${rules}}}\n`;
    const changed = project({
      ...GOOD,
      "bare.bst": image(
        "layer.bst",
        BUILD,
        "public: {lint: {ignore: [usr-etc-left, dconf-missing, ldconfig-missing]}}\n",
      ),
      "headers.bst": ignoring("headers.bst", "[package-in-no-layer, nonsense]"),
    });
    const result = await lint(changed);
    expect(result.findings).toMatchObject([{ rule: "unknown-rule", element: "headers.bst", line: 3 }]);
    expect(result.ignored).toBeGreaterThan(0);
    const keys = async (folder: string) =>
      (
        await runCli(["show", "--deps", "none", "--format", "%{full-key}", "dconf.bst", "layer.bst"], { cwd: folder })
      ).stdout.split("\n");
    const [before, after] = await Promise.all([keys(cwd), keys(changed)]);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
  });
});
