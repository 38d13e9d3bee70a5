import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Purpose, userCredentials } from "../../src/oci/registry/credentials.ts";
import { tempDir, writeFiles } from "../helpers.ts";

const secret = (text: string) => Buffer.from(text).toString("base64");

/** Files below the home folder, and what is found for `HOST/REPOSITORY`. */
async function found(
  files: Parameters<typeof writeFiles>[1],
  place: string,
  options: { readonly env?: Record<string, string>; readonly purpose?: Purpose } = {},
) {
  const home = tempDir("home");
  writeFiles(home, files);
  const [, host = "", repository = ""] = /^([^/]*)\/(.*)$/.exec(place) ?? [];
  const warnings: string[] = [];
  const env = Object.fromEntries(
    Object.entries({ PATH: `${home}/bin:${process.env["PATH"]}`, ...options.env }).map(([key, value]) => [
      key,
      value.replace("~", home),
    ]),
  );
  const find = userCredentials({
    purpose: options.purpose ?? "pull",
    env: { HOME: home, ...env },
    signal: new AbortController().signal,
    warn: (text, detail) =>
      warnings.push([text.replaceAll(join(home, "/"), ""), ...(detail ? [detail] : [])].join(": ")),
  });
  const credentials = await find({ host, repository, server: host });
  // Warnings are told once.
  expect(await find({ host, repository, server: host })).toEqual(credentials);
  return { credentials, warnings };
}

const login = (username: string, password = "p:w") => ({ kind: "password", username, password });
const auths = (entries: object) => JSON.stringify({ auths: entries });
const DOCKER = ".docker/config.json";

describe("credentials", () => {
  test("are those of docker login", async () => {
    const file = auths({
      "host.example": { auth: secret("a:p:w") },
      "https://index.docker.io/v1/": { username: "hub", password: "p:w" },
      "https://old.example/v1/": { auth: secret("old:p:w") },
      "token.example": { auth: secret("<token>:"), identitytoken: "t" },
      "direct.example": { registrytoken: "r" },
      "empty.example": {},
    });
    const of = async (place: string) => (await found({ [DOCKER]: file }, place)).credentials;
    expect(await of("host.example/x")).toEqual(login("a"));
    expect(await of("docker.io/library/debian")).toEqual(login("hub"));
    expect(await of("old.example/x")).toEqual(login("old"));
    expect(await of("token.example/x")).toEqual({ kind: "identity-token", token: "t" });
    expect(await of("direct.example/x")).toEqual({ kind: "bearer", token: "r" });
    expect(await of("empty.example/x")).toBeUndefined();
    expect(await of("other.example/x")).toBeUndefined();
    expect((await found({}, "host.example/x")).credentials).toBeUndefined();
  });

  test("are those of podman login first, for the most exact name", async () => {
    const podman = auths({ "h.example/a/b": { auth: secret("b:p:w") }, "h.example/a": { auth: secret("a:p:w") } });
    const files = { "run/containers/auth.json": podman, [DOCKER]: auths({ "h.example": { auth: secret("d:p:w") } }) };
    const env = { XDG_RUNTIME_DIR: "~/run" };
    const of = async (place: string) => (await found(files, place, { env })).credentials;
    expect(await of("h.example/a/b")).toEqual(login("b"));
    expect(await of("h.example/a/bc")).toEqual(login("a"));
    expect(await of("h.example/x")).toEqual(login("d"));
    const moved = { "mine.json": auths({ "h.example": { auth: secret("m:p:w") } }), ...files };
    const mine = await found(moved, "h.example/a", { env: { ...env, REGISTRY_AUTH_FILE: "~/mine.json" } });
    expect(mine.credentials).toEqual(login("m"));
    const other = { "cfg/config.json": auths({ "h.example": { auth: secret("c:p:w") } }) };
    expect((await found(other, "h.example/x", { env: { DOCKER_CONFIG: "~/cfg" } })).credentials).toEqual(login("c"));
  });

  test("come from helper programs", async () => {
    const helper = {
      executable: '#!/bin/sh\nread server\necho "{\\"Username\\":\\"$1 $server\\",\\"Secret\\":\\"p:w\\"}"\n',
    };
    const config = JSON.stringify({ credsStore: "store", credHelpers: { "h.example": "own" } });
    const files = { "bin/docker-credential-own": helper, "bin/docker-credential-store": helper, [DOCKER]: config };
    expect((await found(files, "h.example/x")).credentials).toEqual(login("get h.example"));
    expect((await found(files, "docker.io/x")).credentials).toEqual(login("get https://index.docker.io/v1/"));
    const token = { executable: '#!/bin/sh\necho "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"t\\"}"\n' };
    const other = await found({ ...files, "bin/docker-credential-own": token }, "h.example/x");
    expect(other.credentials).toEqual({ kind: "identity-token", token: "t" });
  });

  test.each<[string, string | undefined, string[]]>([
    ["knows nothing", '#!/bin/sh\necho "credentials not found in native keychain"; exit 1\n', []],
    [
      "fails",
      "#!/bin/sh\necho locked >&2; exit 3\n",
      ["docker-credential-own failed: going on without credentials: locked"],
    ],
    [
      "says something else",
      "#!/bin/sh\necho x\n",
      ["docker-credential-own gave something else than JSON: going on without credentials"],
    ],
    [
      "is missing",
      undefined,
      ["docker-credential-own cannot be run: going on without credentials: spawn docker-credential-own ENOENT"],
    ],
  ])("are nobody's where the helper program %s", async (_, script, warnings) => {
    const config = JSON.stringify({ credHelpers: { "h.example": "own" } });
    const program = script === undefined ? {} : { "bin/docker-credential-own": { executable: script } };
    expect(await found({ ...program, [DOCKER]: config }, "h.example/x")).toEqual({ credentials: undefined, warnings });
  });

  test.each([
    ["no base64", { auth: "%%%" }],
    ["no user name", { auth: secret("token") }],
  ])("that are %s are told of", async (_, entry) => {
    const { credentials, warnings } = await found({ [DOCKER]: auths({ "h.example": entry }) }, "h.example/x");
    expect([credentials, warnings]).toEqual([
      undefined,
      [`The entry of h.example in ${DOCKER} holds no credentials that can be read`],
    ]);
  });

  test("are none in an empty file", async () => {
    expect(await found({ [DOCKER]: "\n" }, "h.example/x")).toEqual({ credentials: undefined, warnings: [] });
  });

  test("name no program elsewhere", async () => {
    const config = JSON.stringify({ credHelpers: { "h.example": "x/../../evil" } });
    const { credentials, warnings } = await found({ [DOCKER]: config }, "h.example/x");
    expect([credentials, warnings]).toEqual([undefined, ["No name of a credential helper: 'x/../../evil'"]]);
  });

  test("of the environment are for one registry and one purpose", async () => {
    const env = {
      BST_TS_PUSH_REGISTRY: "h.example",
      BST_TS_PUSH_USERNAME: "ci",
      BST_TS_PUSH_PASSWORD: "p:w",
      BST_TS_PULL_REGISTRY: "h.example",
      BST_TS_PULL_TOKEN: "t",
    };
    const of = async (place: string, purpose: Purpose) => (await found({}, place, { env, purpose })).credentials;
    expect(await of("h.example/x", "push")).toEqual(login("ci"));
    expect(await of("h.example/x", "pull")).toEqual({ kind: "bearer", token: "t" });
    expect(await of("evil.example/x", "push")).toBeUndefined();
    expect(await of("evil.example/x", "pull")).toBeUndefined();
  });

  test("are never shown, not even of a broken file", async () => {
    const attempt = found({ [DOCKER]: '{"auths": "hidden" secret' }, "h.example/x");
    await expect(attempt).rejects.toMatchObject({ reason: "registry-credentials" });
    await expect(attempt).rejects.not.toThrow("secret");
  });
});
