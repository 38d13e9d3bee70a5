/** Configurations of images as Dockerfiles: what podman builds of one is configured in the same way. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { BstError } from "../../src/base/errors.ts";
import { dockerfile } from "../../src/oci/dockerfile.ts";
import { tempDir } from "../helpers.ts";
import { Podman, podmanAbsent } from "../podman/podman.ts";

const odd = `a "b" \\ $HOME \${x} 'c' #d =é`;
const config = {
  User: "1000:100",
  ExposedPorts: { "8080/tcp": {}, "53/udp": {} },
  Env: ["PATH=/usr/bin", `ODD=${odd}`, "EMPTY="],
  Entrypoint: ["/bin/app", odd],
  Cmd: ["--flag", ""],
  Volumes: { "/var/lib/a b": {}, "/data": {} },
  WorkingDir: "/home/$user",
  Labels: { "org.example.a b": odd, plain: "x" },
  StopSignal: "SIGINT",
};

test("every field of a container's configuration has its instruction", () => {
  expect(dockerfile({ config }, "scratch").split("\n")).toEqual([
    "FROM scratch",
    String.raw`LABEL "org.example.a b"="a \"b\" \\ \$HOME \${x} 'c' #d =é"`,
    'LABEL "plain"="x"',
    'ENV PATH="/usr/bin"',
    String.raw`ENV ODD="a \"b\" \\ \$HOME \${x} 'c' #d =é"`,
    'ENV EMPTY=""',
    "EXPOSE 8080/tcp",
    "EXPOSE 53/udp",
    'VOLUME ["/var/lib/a b","/data"]',
    String.raw`WORKDIR /home/\$user`,
    "USER 1000:100",
    "STOPSIGNAL SIGINT",
    `ENTRYPOINT ["/bin/app",${JSON.stringify(odd)}]`,
    'CMD ["--flag",""]',
    "",
  ]);
  expect(dockerfile({}, "docker.io/library/debian:12")).toBe("FROM docker.io/library/debian:12\n");
  expect(dockerfile({ config: { Env: null, User: "" } }, "scratch")).toBe("FROM scratch\n");
});

test("checks of health keep their units", () => {
  const check = { Test: ["CMD", "/bin/test", "x y"], Interval: 50_000_000_000, Timeout: 10, Retries: 2 };
  const line = (value: object) => dockerfile({ config: { Healthcheck: value } }, "scratch").split("\n")[1];
  expect(line(check)).toBe('HEALTHCHECK --interval=50000000000ns --timeout=10ns --retries=2 CMD ["/bin/test","x y"]');
  expect(line({ Test: ["CMD-SHELL", String.raw`curl "$URL\n" || exit 1`] })).toBe(
    String.raw`HEALTHCHECK CMD curl "$URL\n" || exit 1`,
  );
  expect(line({ Test: ["NONE"] })).toBe("HEALTHCHECK NONE");
});

test.each([
  { Env: ["A=a\nb"] },
  { Env: "A" },
  { Labels: { a: 1 } },
  { Cmd: [["x"]] },
  { Healthcheck: { Test: ["CMD-SHELL", "x \\"] } },
])("%j is refused", (bad) => {
  expect(() => dockerfile({ config: bad }, "scratch")).toThrow(BstError);
});

if (podmanAbsent !== undefined) console.warn(`skipped: images built of Dockerfiles: ${podmanAbsent}`);

describe.skipIf(podmanAbsent !== undefined)("podman", () => {
  it("builds an image that is configured in the same way", { timeout: 120_000 }, async () => {
    const file = join(tempDir("dockerfile"), "Dockerfile");
    writeFileSync(file, dockerfile({ config }, "scratch"));
    using podman = new Podman();
    const image = await podman.build(file);
    expect(await podman.inspect(image)).toMatchObject({ Config: config });
    const Healthcheck = { Test: ["CMD-SHELL", String.raw`curl "$X\$" || exit 1`] };
    writeFileSync(file, dockerfile({ config: { Healthcheck } }, "scratch"));
    // The form of OCI has none.
    const checked = await podman.build(file, "--format", "docker");
    expect(await podman.inspect(checked)).toMatchObject({ Healthcheck });
  });
});
