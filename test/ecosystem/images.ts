/** Images of every form, built once for all who judge them. */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheConfig, project, runCli, tempDir } from "../helpers.ts";
import { layered } from "../oci/layered.ts";
import { writeRoot } from "../root.ts";

const linux = "os: linux, architecture: '%{go-arch}'";
const configured = `
    tags: ['example/NAME:1']
    source-date-epoch: 1000000000
    author: Somebody
    comment: What is above
    config:
      User: app
      ExposedPorts: [80/tcp, 53/udp]
      Env: ["PATH=/usr/bin:/bin", "A=b c"]
      Entrypoint: [/usr/bin/sh, -c, 'echo "$A $1"', sh]
      Cmd: [given]
      Volumes: [/srv/data]
      WorkingDir: /srv`;
/** Of mode oci. */
const further = `
      Labels: {org.example.label: 'yes'}
      StopSignal: SIGTERM
    annotations: {org.example.of: manifest}`;

/** An image on base.bst that holds what is in above.bst. */
function onBase(name: string, head: string, image = ""): string {
  return `kind: oci
build-depends: [base.bst, above.bst]
config:
  ${head}
  images:
  - os: linux
    architecture: '%{go-arch}'
    parent: {element: base.bst}
    layer: [above.bst]
    ${image}${configured.replace("NAME", name)}${head === "mode: docker" ? "" : further}
`;
}

const files = {
  "project.conf": `name: test
min-version: 2.0
element-path: elements
variables: {go-arch: ${process.arch === "x64" ? "amd64" : process.arch}}
`,
  ...layered,
  "elements/tools.bst": `
kind: import
sources: [{kind: local, path: tools}]
public:
  oci:
    files:
      /usr/bin/setuid-cat: {mode: '4755'}
      /usr/share/note: {mode: '0640', xattrs: {user.note: told}}
`,
  "elements/base.bst": `kind: oci
build-depends: [below.bst]
config:
  images:
  - {${linux}, layer: [below.bst], tags: ['example/base:1']}
`,
  "elements/layers.bst": onBase("layers", "annotations: {org.example.of: index}", "layers: {max: 5}"),
  "elements/plain.bst": onBase("plain", "compression: none"),
  "elements/zstd.bst": onBase("zstd", "compression: zstd"),
  "elements/docker.bst": onBase("docker", "mode: docker"),
  "elements/several.bst": `kind: oci
build-depends: [old.bst, new.bst]
config:
  images:
  - {${linux}, layer: [old.bst], tags: ['example/several:1']}
  - {os: linux, architecture: riscv64, layer: [old.bst]}
  - {os: linux, architecture: arm, variant: v7, layer: [old.bst], config: {User: '1'}}
`,
  "elements/script.bst": `kind: script
build-depends: [root.bst, {filename: base.bst, config: {location: /parent}}, {filename: above.bst, config: {location: /layer}}]
environment: {SOURCE_DATE_EPOCH: '1000000000'}
config:
  build-oci: True
  commands:
  - |
    cd "%{install-root}"
    build-oci <<'EOF'
    images:
    - os: linux
      architecture: "%{go-arch}"
      parent: {image: /parent}
      layer: /layer${`${configured}${further}`.replace("NAME", "script").replaceAll("\n", "\n  ")}
    EOF
`,
  "root/tmp/": "",
  "root/proc/": "",
  "root/sys/": "",
  "root/dev/": "",
  [`old/srv/${"long/".repeat(40)}path`]: "1",
  [`new/srv/${"long/".repeat(40)}other`]: "2",
  "new/srv/ümlaut ☃": "2",
};

/** What differs from 0755 and 0644 of root, by path in above.bst: mode, user and group. */
export function declaredOf(path: string): { mode?: number; uid: number; gid: number } {
  if (path === "usr/bin/setuid-cat") return { mode: 0o4755, uid: 0, gid: 0 };
  if (path === "usr/share/note") return { mode: 0o640, uid: 0, gid: 0 };
  if (!path.startsWith("srv/")) return { uid: 0, gid: 0 };
  return { uid: 1000, gid: 7, ...(path === "srv/data" && { mode: 0o1777 }) };
}

export const onBaseNames = ["layers", "plain", "zstd", "script"] as const;
/** In mode oci. */
export const ociNames = ["base", ...onBaseNames, "several"] as const;
export interface Images {
  readonly cwd: string;
  readonly config: string;
  /** A folder with the artifact of an element. */
  checkout(element: string): Promise<string>;
  /** A tar with the artifact of an element. */
  tar(element: string): Promise<string>;
  /** A tar as `image save` writes it. */
  save(element: string, format?: "all" | "oci-archive" | "docker-archive"): Promise<string>;
  /** Standard output of a command that goes well. */
  run(...args: readonly string[]): Promise<string>;
}

export async function buildImages(): Promise<Images> {
  const cwd = project(files);
  const config = cacheConfig();
  const dir = tempDir("images");
  writeRoot(join(cwd, "root"));
  copyFileSync(join(cwd, "root/usr/bin/cat"), join(cwd, "tools/usr/bin/setuid-cat"));
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runCli(args, { cwd, config });
    if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  await run("build", ...[...ociNames, "docker"].map((name) => `${name}.bst`));
  const made = new Map<string, Promise<string>>();
  const once = (path: string, make: (path: string) => Promise<unknown>) => {
    const known = made.get(path) ?? make(path).then(() => path);
    made.set(path, known);
    return known;
  };
  return {
    cwd,
    config,
    run,
    checkout: (element) =>
      once(join(dir, element), (path) => run("artifact", "checkout", `${element}.bst`, "--directory", path)),
    tar: (element) =>
      once(join(dir, `${element}.tar`), (path) => run("artifact", "checkout", `${element}.bst`, "--tar", path)),
    save: (element, format = "all") =>
      once(join(dir, `${element}-${format}.tar`), (path) =>
        run("image", "save", `${element}.bst`, path, "--format", format),
      ),
  };
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface Layout {
  readonly index: { readonly manifests: readonly Descriptor[] };
  readonly manifests: readonly { readonly config: Descriptor; readonly layers: readonly Descriptor[] }[];
  readonly configs: readonly { readonly rootfs: { readonly diff_ids: readonly string[] } }[];
}

export function blobPath(folder: string, { digest }: Pick<Descriptor, "digest">): string {
  return join(folder, "blobs", digest.replace(":", "/"));
}

/** The JSON in a layout. */
export function readLayout(folder: string): Layout {
  const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const index: Layout["index"] = json(join(folder, "index.json"));
  const manifests: Layout["manifests"] = index.manifests.map((entry) => json(blobPath(folder, entry)));
  return { index, manifests, configs: manifests.map(({ config }) => json(blobPath(folder, config))) };
}
