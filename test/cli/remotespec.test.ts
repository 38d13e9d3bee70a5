import { homedir } from "node:os";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { parseRemoteSpec } from "../../src/cli/remotespec.ts";

describe("a remote on the command line", () => {
  it("is a URL", () => {
    expect(parseRemoteSpec("https://x:1/?a=b", "all")).toEqual({ url: "https://x:1/?a=b", type: "all", push: true });
    expect(parseRemoteSpec("https://x", "pull").push).toBe(false);
    expect(parseRemoteSpec("https://x", "push").push).toBe(true);
  });

  it("is pairs of keys and values", () => {
    const text =
      "url=https://x,instance-name=main,type=index,push=False,server-cert=~/a,client-key=b,client-cert=/c,access-token=d";
    expect(parseRemoteSpec(text, "all")).toEqual({
      url: "https://x",
      instanceName: "main",
      type: "index",
      push: false,
      serverCert: `${homedir()}/a`,
      clientKey: resolve("b"),
      clientCert: "/c",
      accessToken: resolve("d"),
    });
  });

  it.each([
    ["", "needs a URL"],
    ["type=index,push=true", "needs a URL"],
    ["url=x,what", "is not of the form key=value"],
    ["url=x,type=some", "must be one of"],
    ["url=x,push=maybe", "must be true or false"],
    ["url=x,color=red", "has no 'color'"],
  ])("'%s' is refused", (text, message) => {
    expect(() => parseRemoteSpec(text, "all")).toThrow(message);
  });

  it("does not say whether to push where only one is possible", () => {
    expect(() => parseRemoteSpec("url=x,push=true", "pull")).toThrow("cannot be given here");
  });
});
