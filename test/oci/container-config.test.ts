/** What containers start as: what engines take, and what is refused where it stands. */
import { describe, expect, test } from "vitest";
import { type OciMode, readContainerConfig } from "../../src/oci/container-config.ts";
import { mappingFrom, type Plain } from "../../src/yaml/node.ts";

type Config = { [key: string]: Plain };
const read = (config: Config, mode: OciMode = "oci") => readContainerConfig(mappingFrom(config), mode);

describe("the configuration of containers", () => {
  test("is what engines take", () => {
    for (const port of ["1", "65535/udp", "8000-8010/tcp"]) {
      expect(read({ ExposedPorts: [port] })).toEqual({ ExposedPorts: [port] });
    }
    for (const WorkingDir of ["", "/", "/srv/../x"]) expect(read({ WorkingDir })).toEqual({ WorkingDir });
    expect(read({ MemorySwap: "-1" }, "docker")).toEqual({ MemorySwap: -1 });
    for (const signal of ["SIGTERM", "term", "9", "64", "SIGRTMIN+3", "RTMAX-14", "SIGWINCH"]) {
      expect(read({ StopSignal: signal })).toEqual({ StopSignal: signal });
    }
    for (const Test of [[], ["NONE"], ["CMD", "true"], ["CMD-SHELL", "exit 0"]]) {
      const Healthcheck = { Test, Interval: "0", Timeout: "1000000", Retries: "3" };
      expect(read({ Healthcheck }, "docker")).toEqual({
        Healthcheck: { Test, Interval: 0, Timeout: 1_000_000, Retries: 3 },
      });
    }
  });

  test.each<[string, OciMode, Config, string]>([
    ["Docker's limits in mode oci", "oci", { Memory: "1" }, "have no 'Memory'"],
    ["labels in mode docker", "docker", { Labels: {} }, "have no 'Labels'"],
    ["a name as port", "oci", { ExposedPorts: ["http"] }, "a port"],
    ["port 0", "oci", { ExposedPorts: ["0/tcp"] }, "a port"],
    ["a port that is too high", "oci", { ExposedPorts: ["80", "65536"] }, "a port"],
    ["ports the wrong way round", "oci", { ExposedPorts: ["90-80"] }, "a port"],
    ["a variable without value", "oci", { Env: ["A"] }, "NAME=value"],
    ["a relative volume", "oci", { Volumes: ["data"] }, "absolute"],
    ["a volume over the root", "oci", { Volumes: ["/x", "/a/.."] }, "not the root"],
    ["a relative folder", "oci", { WorkingDir: "srv" }, "'WorkingDir' must be an absolute path"],
    ["a zero byte in a list", "oci", { Cmd: ["a", "b\0c"] }, "zero byte"],
    ["a zero byte in a name", "oci", { Labels: { "a\0": "b" } }, "zero byte"],
    ["a zero byte in a text", "oci", { WorkingDir: "/a\0" }, "zero byte"],
    ["more memory than numbers can say", "docker", { Memory: "99999999999999999999999" }, "'Memory' is too large"],
    ["more swap than numbers can say", "docker", { MemorySwap: "99999999999999999999999" }, "is too large"],
    ["a signal that is none", "oci", { StopSignal: "SIGNOPE" }, "no signal 'SIGNOPE'"],
    ["a signal beyond the last", "oci", { StopSignal: "SIGRTMIN+16" }, "no signal"],
    ["a number that is none", "docker", { Memory: "2k" }, "integer"],
    ["a check that starts with its command", "docker", { Healthcheck: { Test: ["curl", "x"] } }, "NONE, CMD"],
    ["seconds for nanoseconds", "docker", { Healthcheck: { Interval: "30" } }, "nanoseconds"],
  ])("is refused with %s", (_name, mode, config, message) => {
    const reading = () => read(config, mode);
    expect(reading).toThrow(message);
    expect(reading).toThrow(expect.objectContaining({ domain: "load", reason: "invalid-data" }));
  });
});
