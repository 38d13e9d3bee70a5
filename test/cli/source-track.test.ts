/** Tracking finds refs and writes them where the project keeps them, and changes nothing else of its files. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { project, runCli, tempDir, writeFiles } from "../helpers.ts";

/** What is downloaded: its URL, and the ref that tracking finds. */
function download(text: string) {
  const path = join(tempDir("remote"), "file.txt");
  writeFileSync(path, text);
  return { url: `file://${path}`, ref: createHash("sha256").update(text).digest("hex"), path };
}

const one = download("one");
const two = download("two");

function remote({ url }: { readonly url: string }, further = ""): string {
  return `kind: import\nsources:\n- kind: remote\n  url: ${url}\n${further}`;
}

async function track(cwd: string, ...args: string[]) {
  return runCli(["source", "track", ...args], { cwd });
}

const text = (cwd: string, path: string) => readFileSync(join(cwd, path), "utf8");

describe("refs beside the sources", () => {
  it("are added, and changed, byte by byte", async () => {
    const cwd = project({
      "element.bst": `# A comment\nkind:   import\n\nsources:\n    # Of a source\n    - kind: remote   # first\n      url: "${one.url}"\n      # last\n\n    - {kind: remote, url: '${two.url}', ref: 'old' , filename: b}\nvariables: {a:  b}\n`,
    });
    expect(await track(cwd, "element.bst")).toMatchObject({ code: 0, stderr: expect.stringContaining(one.ref) });
    const tracked = `# A comment\nkind:   import\n\nsources:\n    # Of a source\n    - kind: remote   # first\n      url: "${one.url}"\n      ref: ${one.ref}\n      # last\n\n    - {kind: remote, url: '${two.url}', ref: '${two.ref}' , filename: b}\nvariables: {a:  b}\n`;
    expect(text(cwd, "element.bst")).toBe(tracked);

    const { ino } = statSync(join(cwd, "element.bst"));
    expect(await track(cwd, "element.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "element.bst")).toBe(tracked);
    // Nothing was found, so nothing was written.
    expect(statSync(join(cwd, "element.bst")).ino).toBe(ino);

    writeFileSync(one.path, "one more");
    const { code, stderr } = await track(cwd, "element.bst");
    expect(code).toBe(0);
    const { stdout: key } = await runCli(["show", "--format", "%{full-key}", "element.bst"], { cwd });
    expect(stderr.slice(stderr.indexOf("Resolved key Summary"))).toContain(key.trim());
    const ref = createHash("sha256").update("one more").digest("hex");
    expect(text(cwd, "element.bst")).toBe(tracked.replace(one.ref, ref));
    writeFileSync(one.path, "one");
  });

  it("go to the file, and the condition, that they come from", async () => {
    const cwd = project({
      "project.conf":
        "name: test\nmin-version: 2.0\noptions:\n  debug: {type: bool, description: Debug, default: False}\n",
      "element.bst":
        "kind: import\n(@): include/sources.yml\n(?):\n- debug:\n    sources:\n      (>):\n      - kind: remote\n        url: URL\n        filename: b\n".replace(
          "URL",
          two.url,
        ),
      "include/sources.yml": `sources: # shared\n- (@): include/one.yml\n  filename: a\n`,
      "include/one.yml": `kind: remote\nurl: ${one.url}\nref: old # of one\n`,
    });
    expect(await runCli(["-o", "debug", "True", "source", "track", "element.bst"], { cwd })).toMatchObject({ code: 0 });
    expect(text(cwd, "include/one.yml")).toBe(`kind: remote\nurl: ${one.url}\nref: ${one.ref} # of one\n`);
    expect(text(cwd, "include/sources.yml")).toBe("sources: # shared\n- (@): include/one.yml\n  filename: a\n");
    expect(text(cwd, "element.bst")).toContain(`filename: b\n        ref: ${two.ref}\n`);
  });

  it("keep the file's mode, and links to it", async () => {
    const cwd = project({ "element.bst": remote(one) });
    renameSync(join(cwd, "element.bst"), join(cwd, "real.txt"));
    chmodSync(join(cwd, "real.txt"), 0o600);
    symlinkSync("real.txt", join(cwd, "element.bst"));
    expect(await track(cwd, "element.bst")).toMatchObject({ code: 0 });
    expect(lstatSync(join(cwd, "element.bst")).isSymbolicLink()).toBe(true);
    expect(statSync(join(cwd, "real.txt")).mode & 0o777).toBe(0o600);
    expect(text(cwd, "real.txt")).toBe(remote(one, `  ref: ${one.ref}\n`));
  });

  it("stay as they were where one of the sources cannot be tracked", async () => {
    const before = `${remote(one)}- kind: remote\n  url: file:///nonexistent/file\n`;
    const cwd = project({ "element.bst": before });
    const { code, error } = await track(cwd, "element.bst");
    expect({ code, error }).toMatchObject({ code: 255, error: { domain: "stream", task: { domain: "source" } } });
    expect(text(cwd, "element.bst")).toBe(before);
  });
});

describe("refs of the project", () => {
  const conf = "name: test\nmin-version: 2.0\nref-storage: project.refs\n";

  it("are written to project.refs, also when there is none yet", async () => {
    const elements = {
      "a.bst": remote(one),
      "b.bst": `${remote(one)}- kind: remote\n  url: ${two.url}\n  filename: b\n`,
    };
    const cwd = project({ "project.conf": conf, ...elements });
    expect(await track(cwd, "a.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "project.refs")).toBe(`projects:\n  test:\n    a.bst:\n    - ref: ${one.ref}\n`);
    const mine = `# Mine\n${text(cwd, "project.refs")}`;
    writeFileSync(join(cwd, "project.refs"), mine);
    expect(await track(cwd, "b.bst", "a.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "project.refs")).toBe(`${mine}    b.bst:\n    - ref: ${one.ref}\n    - ref: ${two.ref}\n`);
    expect(text(cwd, "a.bst")).toBe(elements["a.bst"]);
    const shown = await runCli(["show", "--format", "%{state}", "b.bst"], { cwd });
    expect(shown.stdout.trim()).not.toBe("no reference");
  });

  it("of junctions are in junction.refs, those of subprojects behind the project's name", async () => {
    const cwd = project({
      "project.conf": conf,
      "sub.bst": "kind: junction\nsources:\n- kind: local\n  path: sub\n",
      "other.bst": "kind: junction\nsources:\n- kind: remote\n  url: URL\n".replace("URL", one.url),
      "top.bst": "kind: stack\ndepends:\n- sub.bst:below.bst\n",
      "sub/project.conf": "name: sub\nmin-version: 2.0\n",
      "sub/below.bst": remote(two),
    });
    expect(await track(cwd, "--deps", "all", "top.bst")).toMatchObject({ code: 0 });
    expect(existsSync(join(cwd, "project.refs"))).toBe(false);
    expect(await track(cwd, "--deps", "all", "--cross-junctions", "top.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "project.refs")).toBe(`projects:\n  sub:\n    below.bst:\n    - ref: ${two.ref}\n`);
    expect(text(cwd, "sub/below.bst")).toBe(remote(two));
    expect(await track(cwd, "other.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "junction.refs")).toBe(`projects:\n  test:\n    other.bst:\n    - ref: ${one.ref}\n`);
  });
});

describe("what is not tracked", () => {
  const files = {
    "sub.bst": "kind: junction\nsources:\n- kind: local\n  path: sub\n",
    "top.bst": "kind: stack\ndepends:\n- sub.bst:below.bst\n",
    "fragment.bst": "kind: import\n(@): sub.bst:sources.yml\n",
    "source.bst": "kind: import\nsources:\n- (@): sub.bst:source.yml\n",
    "sub/project.conf": "name: sub\nmin-version: 2.0\n",
    "sub/below.bst": remote(two),
    "sub/source.yml": `kind: remote\nurl: ${one.url}\nref: old\n`,
    "sub/sources.yml": `sources:\n- kind: remote\n  url: ${one.url}\n  ref: old\n`,
  };

  it("are other projects, whose refs this one does not keep", async () => {
    const cwd = project(files);
    const { code, error } = await track(cwd, "--deps", "all", "--cross-junctions", "top.bst");
    expect({ code, error }).toMatchObject({ code: 255, error: { domain: "stream", reason: "untrackable-sources" } });
    expect(await track(cwd, "sub.bst:below.bst")).toMatchObject({ error: { reason: "untrackable-sources" } });
    expect(await track(cwd, "--deps", "all", "top.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "sub/below.bst")).toBe(remote(two));
  });

  it("are sources that stand in a file of another project", async () => {
    const cwd = project(files);
    expect(await track(cwd, "fragment.bst")).toMatchObject({
      code: 255,
      error: { domain: "stream", reason: null, task: { domain: "source", reason: "tracking-junction-fragment" } },
    });
    expect(text(cwd, "sub/sources.yml")).toBe(files["sub/sources.yml"]);
    expect(await track(cwd, "source.bst")).toMatchObject({ code: 0 });
    expect(text(cwd, "source.bst")).toBe(`${files["source.bst"]}  ref: ${one.ref}\n`);
    expect(text(cwd, "sub/source.yml")).toBe(files["sub/source.yml"]);
  });

  it("are sources without versions, exceptions, and elements without sources", async () => {
    const cwd = project({
      "local.bst": "kind: import\nsources:\n- kind: local\n  path: data\n",
      "left-out.bst": remote(one),
      "tracked.bst": remote(two),
      "stack.bst": "kind: stack\ndepends: [local.bst, left-out.bst, tracked.bst]\n",
    });
    writeFiles(cwd, { "data/file": "x" });
    const { code, stderr } = await track(cwd, "--deps", "all", "--except", "left-out.bst", "stack.bst");
    expect(code).toBe(0);
    expect(stderr).toMatch(/track:local\.bst *\] SKIPPED/);
    expect(stderr).not.toMatch(/track:(stack|left-out)/);
    expect(text(cwd, "left-out.bst")).toBe(remote(one));
    expect(text(cwd, "tracked.bst")).toBe(remote(two, `  ref: ${two.ref}\n`));
  });
});
