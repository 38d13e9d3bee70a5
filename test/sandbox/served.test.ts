/** Commands that this program carries out for those in a sandbox: what it is told, sees and writes, and who disturbs it. */
import fs from "node:fs";
import { describe, expect, it } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import type { CommandCall } from "../../src/cas/command-service.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { SandboxCommand, SandboxHost } from "../../src/sandbox/sandbox.ts";
import {
  cas,
  content,
  INSTALL_ROOT,
  listing,
  type Outcome,
  open,
  rareWays,
  run,
  runIn,
  shell,
  temporaryDirectory,
  workingWays,
} from "./rig.ts";

/** What the command writes: a file, one that runs, and one in a folder. */
const result: Digest = (() => {
  const tree = new Tree(cas);
  tree.addFile("plain", cas.write("a file\n"), { executable: false });
  tree.addFile("runs", cas.write("#!/bin/sh\necho it runs\n"), { executable: true });
  tree.makeDirectory("deep/er").addFile("large", cas.write("x".repeat(3 << 20)), { executable: false });
  return tree.digest();
})();

const service = (run: (call: CommandCall) => Promise<Digest> = async () => result) => ({ name: "serve-me", run });

function served(
  host: SandboxHost,
  script: string,
  answer?: (call: CommandCall) => Promise<Digest>,
  command: Partial<SandboxCommand> = {},
): Promise<Outcome> {
  return run(host, script, command, { service: service(answer) });
}

describe.each([...workingWays, ...rareWays])("$name", ({ host }) => {
  it("is told what the caller reads, and where, and writes what it makes there", async () => {
    const calls: Omit<CommandCall, "root" | "signal">[] = [];
    const { status, stdout, stderr, tree } = await served(
      host,
      `cd ${INSTALL_ROOT}; mkdir -p 'a folder'; cd 'a folder'; ln -s /etc/plain plain
       export SEEN=yes; serve-me <<'EOF'
two lines, \\t and no tab
  and  spaces%s
EOF
       ./runs; stat -c '%a %s' plain runs deep/er/large; mv deep moved; cat plain; cat /etc/plain`,
      async ({ root: _, signal: __, ...call }) => {
        calls.push(call);
        return result;
      },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toBe(`it runs\n644 7\n755 23\n644 ${3 << 20}\na file\nplain`);
    expect(calls).toMatchObject([
      {
        input: "two lines, \\t and no tab\n  and  spaces%s\n",
        directory: `${INSTALL_ROOT}/a folder`,
        environment: { SEEN: "yes" },
      },
    ]);
    expect(listing(tree, `${INSTALL_ROOT.slice(1)}/a folder`)).toEqual([
      "moved/",
      "moved/er/",
      "moved/er/large",
      "plain",
      "runs*",
    ]);
    expect(listing(tree, "dev")).toEqual([]);
  });

  it("sees files as they are: changed, removed, made anew, with their modes", async () => {
    let seen: CommandCall | undefined;
    const { status, stderr, stdout, digest } = await served(
      host,
      `echo changed > /etc/plain; rm /etc/link; rm -r /etc/deep; mkdir -p /etc/deep/new; echo 1 > /etc/deep/new/file
       echo set > /etc/setuid; chmod 4755 /etc/setuid; echo no > /etc/secret; chmod 0 /etc/secret
       mkdir -m 1777 /etc/sticky; mkdir /etc/closed; echo 1 > /etc/closed/file; chmod 0 /etc/closed
       serve-me < /dev/null; stat -c %a /etc/secret /etc/closed; echo later > /etc/plain`,
      async (call) => {
        seen = call;
        return result;
      },
      { rootReadOnly: false },
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const tree = new Tree(cas, seen?.root);
    expect(listing(tree, "etc")).toEqual(
      "closed/ closed/file deep/ deep/new/ deep/new/file plain secret setuid* sticky/".split(" "),
    );
    expect(content(tree, "etc/plain")).toBe("changed\n");
    expect(content(tree, "etc/secret")).toBe("no\n");
    const modes = [...(seen?.modes ?? [])].filter(([path]) => path.startsWith("etc/"));
    expect(Object.fromEntries(modes)).toEqual({
      "etc/closed": 0,
      "etc/secret": 0,
      "etc/setuid": 0o4755,
      "etc/sticky": 0o1777,
    });
    expect(stdout).toBe("0\n0\n");
    // In the end it is the same.
    const left = new Tree(cas, digest);
    expect(content(left, "etc/plain")).toBe("later\n");
    expect(listing(left, "etc")).toEqual(listing(tree, "etc"));
  });

  it("fails as it is told to, and is there for the next call", async () => {
    const { status, stdout, stderr } = await served(
      host,
      "echo bad | serve-me || echo failed $?; echo good | serve-me; serve-me now || echo $?; cat plain",
      async ({ input }) => {
        if (input !== "good\n") throw new BstError("element", `what is '${input.trim()}'?`, { detail: "two\nlines" });
        return result;
      },
    );
    expect(stdout).toBe("failed 1\n2\na file\n");
    expect(stderr).toBe("serve-me: what is 'bad'?\ntwo\nlines\nserve-me takes no arguments\n");
    expect(status).toBe(0);
  });
});

/** One for each program that runs sandboxes: the rest makes no difference here. */
const ways = workingWays.filter(
  ({ name }, at) => workingWays.findIndex((way) => way.name.split(" ")[0] === name.split(" ")[0]) === at,
);

/** Until nobody waits any more. */
const forever = ({ signal }: CommandCall): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe.each(ways)("$name", ({ host }) => {
  it("can have a lot to say", async () => {
    const { stdout } = await served(host, "serve-me < /dev/null 2>&1 | tail -c 30", async () => {
      throw new BstError("element", "no", { detail: `${"many words, ".repeat(20_000)}\nand the end` });
    });
    expect(stdout).toMatch(/many words, \nand the end\n$/);
  });

  it("is not there where it was not asked for", async () => {
    const { stdout } = await run(host, "ls /dev/bst-ts || true; serve-me || echo $?; echo $PATH");
    expect(stdout).toBe("127\n/usr/bin:/bin\n");
  });

  it("is given up when the build is aborted, or ends without waiting", async () => {
    const controller = new AbortController();
    const answer = (call: CommandCall): Promise<never> => {
      if (call.input === "abort\n") controller.abort(new Error("enough"));
      return forever(call);
    };
    await using sandbox = await open(host, { service: service(answer) });
    const { status } = await runIn(sandbox, shell("echo wait | serve-me & read -r _ < /dev/zero & sleep 0.3; exit 7"));
    expect(status).toBe(7);
    await expect(runIn(sandbox, shell("echo abort | serve-me"), controller.signal)).rejects.toThrow("enough");
  });

  it("serves several at the same time", async () => {
    const { stdout, stderr } = await served(
      host,
      `mkdir a b c; for name in a b c; do (cd $name; echo $name | serve-me) & done; wait; cat a/name b/name c/name`,
      async ({ input }) => {
        const tree = new Tree(cas);
        tree.addFile("name", cas.write(input), { executable: false });
        return tree.digest();
      },
    );
    expect(stderr).toBe("");
    expect(stdout).toBe("a\nb\nc\n");
  });

  it("writes nothing outside of the sandbox", async () => {
    const outside = temporaryDirectory("outside");
    const { status, stderr } = await served(host, `ln -s ${outside} deep; serve-me < /dev/null`);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^serve-me: The result can't be written into the current folder: .* 'deep'\n$/);
    const file = await served(host, `ln -s ${outside}/new plain; serve-me < /dev/null; cat plain`);
    expect(file.stdout).toBe("a file\n");
    expect(fs.readdirSync(outside)).toEqual([]);
  });

  it.each([
    ["takes the place of what is read", "ln -s /etc/plain input.1; echo 1 > calls; sleep 0.3", /ELOOP/],
    ["takes the place of the answer", "rm answer.1; ln -s /etc/plain answer.1; serve-me < /dev/null", /ELOOP/],
    [
      "gives a file for a pipe",
      "rm answer.1; echo > answer.1; echo 1 > calls; sleep 0.3",
      /removed what it is answered by/,
    ],
    ["says what makes no sense", "printf '\\0nonsense\\n-1\\n' > calls; serve-me < /dev/null", undefined],
  ])("stands a sandbox that %s", async (_, script, error) => {
    const outcome = served(host, `cd /dev/bst-ts; ${script} || true`);
    if (error !== undefined) await expect(outcome).rejects.toThrow(error);
    else expect((await outcome).stderr).toBe("");
  });
});
