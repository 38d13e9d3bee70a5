/** Runs one script in a sandbox as another process, maybe of another user: a request in JSON on stdin, the answer on stdout. */
import { text } from "node:stream/consumers";
import type { CommandCall } from "../../src/cas/command-service.ts";
import type { Digest } from "../../src/cas/digest.ts";
import { importLocal } from "../../src/cas/import.ts";
import { Cas } from "../../src/cas/store.ts";
import { Tree } from "../../src/cas/tree.ts";
import type { SandboxOptions } from "../../src/sandbox/host.ts";
import { detectSandbox, openSandbox } from "../../src/sandbox/sandbox.ts";

export interface Request {
  /** Root of the store. */
  readonly cas: string;
  /** The folder that becomes the root. */
  readonly root: string;
  readonly options: SandboxOptions;
  readonly script: string;
  readonly rootReadOnly: boolean;
  readonly inheritUid?: boolean;
  /** Whether there is a command `look` that writes to `looked` what is seen of the sandbox while it waits. */
  readonly looks?: boolean;
  /** Whether it may use the terminal; then there is no answer. */
  readonly interactive?: boolean;
}

async function look({ root, modes }: CommandCall): Promise<Digest> {
  const tree = new Tree(store);
  const lines = [root.hash, ...[...modes].map(([path, mode]) => `${path} ${mode.toString(8)}`).sort()];
  tree.addFile("looked", store.write(lines.join("\n")), { executable: false });
  return tree.digest();
}

export interface Answer {
  readonly status: number;
  readonly digest: string;
  readonly overlay: boolean;
}

const [, , argument] = process.argv;
const request: Request = JSON.parse(argument ?? (await text(process.stdin)));
const store = new Cas(request.cas);
const host = detectSandbox(store, request.options);
await using sandbox = await openSandbox(host, {
  root: importLocal(store, request.root),
  writableDirectories: ["/buildstream/test/element.bst", "/buildstream-install"],
  network: false,
  hostMounts: [],
  ...(request.looks === true && { service: { name: "look", run: look } }),
  ...(request.inheritUid === true && { uid: process.geteuid?.(), gid: process.getegid?.() }),
});
const command = {
  argv: ["sh", "-c", "-e", request.script],
  env: { PATH: "/usr/bin:/bin" },
  cwd: "/buildstream/test/element.bst",
  rootReadOnly: request.rootReadOnly,
};
if (request.interactive === true) {
  process.exitCode = await sandbox.run(command, {
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
    interactive: true,
  });
} else {
  const status = await sandbox.run(command, { stdout: 2, stderr: 2 });
  const { overlay } = await host.system();
  const answer: Answer = { status, digest: sandbox.capture().hash, overlay: overlay !== undefined };
  process.stdout.write(JSON.stringify(answer));
}
