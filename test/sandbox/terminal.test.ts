/** Shells in sandboxes have the terminal. */
import { describe, expect, it } from "vitest";
import { hasTerminals, type } from "../terminal.ts";
import { terminalDriver } from "./driver-bundle.ts";
import { mounts, rareWays, workingWays } from "./rig.ts";

describe.skipIf(!hasTerminals).each([...workingWays, ...rareWays])("$name", ({ host }) => {
  it("runs an interactive shell with job control, that ends as it ends", async () => {
    const script = "PS1='ready> ' exec sh -i";
    const command = await terminalDriver({ options: host.options, script });
    const { screen, status } = await type(
      command,
      [
        "test -t 0 && test -t 1 && echo a ter''minal\n",
        "echo > /dev/tty && echo o''wn\n",
        // Ctrl-C reaches the command in the foreground, not the shell.
        "sleep 1000 && echo conti''nued\n\u0003",
        "(exit $((130 - $?))); echo status $?\n",
        "ls /etc/plain; touch /etc/x\n",
        // The group that it would give the terminal back to is not seen in here: to exit is an error for some shells.
        "kill -KILL $$\n",
      ],
      { prompt: "ready> " },
    );
    expect(screen).toContain("a terminal\n");
    expect(screen).toContain("own\n");
    expect(screen).not.toContain("job control");
    expect(screen).not.toContain("continued");
    expect(screen).toContain("status 0\n");
    expect(screen).toContain("Read-only file system");
    expect(status).toBe(137);
    expect(mounts()).toEqual([]);
  });
});
