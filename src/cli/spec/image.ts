/** Commands on container images. */

import { artifactRemotes, force, IMAGE, ignoreProjectArtifactRemotes, NEW_FILE, TEXT } from "./common.ts";
import { any, choice, choiceOr, command, flag, integer, path, single, some, text, textOr, texts } from "./types.ts";

const insecure = flag("--insecure", "Make do with plain http, and certificates that nobody vouches for");
const anonymous = flag("--anonymous", "Show registries no credentials");
const platform = text("--platform", "The image for this platform, such as linux/arm64/v8", {
  metavar: "OS/ARCH[/VARIANT]",
});
const all = flag("-a --all", "All images of an index, and not just one");
const referrers = flag("-r --referrers", "What is said of the image, too: signatures, lists of parts and the like");
const servers = { artifactRemotes: artifactRemotes.pull, ignoreProjectArtifactRemotes };

const KEY = { type: "file", mustExist: true, readable: true } as const;

const PLACES = [
  "Images are named with the place where they are:",
  " docker://HOST/NAME:TAG          in a registry, or @sha256:DIGEST\n" +
    " oci:FOLDER[:REF]                in an OCI layout\n" +
    " oci-archive:FILE[:REF]          in a tar of one\n" +
    " docker-archive:FILE[:NAME:TAG]  in what docker save writes\n" +
    " oci/app.bst                     the artifact of an element, pulled if needed",
];

const STATEMENTS =
  "With --referrers, all that refers to the image is copied, and what refers to that, with the signatures that cosign keeps " +
  "under tags. Of a single image out of an index, it is what is said of this image. Archives can't hold any of it.";

const CREDENTIALS = [
  "Registries are shown the credentials of docker login and podman login, or those of the environment: " +
    "BST_TS_PULL_REGISTRY names the host that BST_TS_PULL_USERNAME and BST_TS_PULL_PASSWORD, or BST_TS_PULL_TOKEN, " +
    "are for; BST_TS_PUSH_… the same for what is pushed.",
];

export const image = {
  summary: "Work with container images",
  description: [
    "Commands on container images: those that elements of kind 'oci' make, and those in registries, folders and " +
      "archives.",
  ],
  own: true,
  commands: {
    push: command({
      summary: "Push the images of elements to registries",
      description: [
        "Pushes the image of an element, which must be in the cache or on a server of artifacts, to one or more " +
          "places: the words that end in '.bst' are elements, the others names in registries (HOST/NAME:TAG). What is " +
          "there already is not sent again.",
        "Several images, of one element or of several, become one index, from which clients choose by platform.",
        "With --sbom, the list of each image's parts that 'image sbom --files' gives is pushed, too, and found by asking " +
          "what refers to the image. With --sign-key, what is pushed is signed as 'image sign' does.",
        "The digest that was pushed is printed.",
        ...CREDENTIALS,
      ],
      options: {
        allPlatforms: flag("--all-platforms", "Push an index, even of a single image"),
        platform,
        sbom: choice("--sbom", ["spdx", "cyclonedx"], "Push a list of the image's parts as well, which refers to it"),
        signKey: path("--sign-key", KEY, "Sign what is pushed with this private key", { metavar: "FILE" }),
        digestfile: path("--digestfile", NEW_FILE, "Write the digest to this file as well", { metavar: "FILE" }),
        chunkSize: integer("--chunk-size", "Send larger blobs in pieces of so many megabytes (5)"),
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { words: some("ELEMENT|NAME", IMAGE) },
    }),
    pull: command({
      summary: "Get an image from a registry",
      description: [
        "Gets an image from a registry (HOST/NAME:TAG) to a folder or an archive: oci:FOLDER[:REF], " +
          "oci-archive:FILE[:REF] or docker-archive:FILE[:NAME:TAG]. Where there is one for each platform, that for " +
          "this machine is meant, unless --platform or --all says otherwise. Its digest is printed.",
        STATEMENTS,
        ...CREDENTIALS,
      ],
      options: { platform, all, referrers, force, insecure, anonymous },
      arguments: { image: single("NAME", IMAGE), destination: single("DESTINATION", IMAGE) },
    }),
    copy: command({
      summary: "Copy an image from one place to another",
      description: [
        "Copies an image, and prints its digest. Between repositories of one registry, nothing is sent.",
        STATEMENTS,
        ...PLACES,
        ...CREDENTIALS,
      ],
      options: {
        platform,
        all,
        referrers,
        force,
        chunkSize: integer("--chunk-size", "Send larger blobs in pieces of so many megabytes (5)"),
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { source: single("SOURCE", IMAGE), destination: single("DESTINATION", IMAGE) },
    }),
    inspect: command({
      summary: "Show what an image is",
      description: [
        "Shows an image or an index of images: platforms, configuration, layers with their sizes, history, and what " +
          "the registry has that says something about it.",
        ...PLACES,
      ],
      options: {
        raw: flag("--raw", "Print the manifest or index as it is"),
        config: flag("--config", "Print the configuration of the image as it is"),
        json: flag("--json", "Print all as JSON"),
        platform,
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { image: single("IMAGE", IMAGE) },
    }),
    verify: command({
      summary: "Check that an image is whole",
      description: [
        "Reads all of an image, and checks digests, sizes and kinds of all of its parts, that layers are what the " +
          "configuration says when they are decompressed, and that nothing in them leads outside of the image.",
        ...PLACES,
      ],
      options: {
        key: path("--key", KEY, "Also check that the image is signed with the private half of this key", {
          metavar: "FILE",
        }),
        recursive: flag("-r --recursive", "Each image of an index must be signed as well"),
        platform,
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { image: single("IMAGE", IMAGE) },
    }),
    sign: command({
      summary: "Sign an image of a registry",
      description: [
        "Signs an image or an index of images in a registry (HOST/NAME:TAG), as cosign does: 'cosign verify --key' finds the " +
          "signature, and so does 'image verify --key'. What is signed with the key already is left alone. The digest is " +
          "printed.",
        "The key is an ECDSA key on the curve P-256 in PEM, encrypted by cosign or not. COSIGN_PASSWORD is its password.",
        ...CREDENTIALS,
      ],
      options: {
        key: path("--key", KEY, "The private key", { metavar: "FILE" }),
        recursive: flag("-r --recursive", "Sign each image of an index as well"),
        insecure,
        anonymous,
      },
      arguments: { image: single("NAME", IMAGE) },
    }),
    sbom: command({
      summary: "List what the image of an element consists of",
      description: [
        "Prints a list of parts (SBOM) of the image of an element: each element of which there are files in the image, with " +
          "version, sources, checksums, licence, package URL and dependencies. Sources and refs are those of the project; " +
          "licences are what elements say under 'public: sbom:', or sources by the project's provenance attributes.",
        "The same image gives the same list, to the byte. Its date is SOURCE_DATE_EPOCH, that of the image, or 1970.",
      ],
      options: {
        format: choiceOr("--format", ["spdx", "cyclonedx"], "spdx", "SPDX 2.3 or CycloneDX 1.6, in JSON"),
        output: path("--output", NEW_FILE, "Write the list to this file", { metavar: "FILE" }),
        files: flag("--files", "List each file too, with SHA-1 and SHA-256, under the element that it comes from"),
        buildDeps: flag("--build-deps", "List elements too that were only needed to build others"),
        platform,
        ...servers,
      },
      arguments: { element: single("ELEMENT", IMAGE) },
    }),
    save: command({
      summary: "Write the image of an element to a file",
      description: [
        "Writes the image of an element to a file:",
        " oci             an OCI layout, in a folder\n" +
          " oci-archive     a tar of one\n" +
          " docker-archive  what docker save writes, with layers decompressed\n" +
          " all             a tar that is an OCI layout and that docker and podman load",
        "Its names are the element's tags, unless --tag says another; a layout, and a tar of one, has the first. '-' for " +
          "FILE is the standard output.",
      ],
      options: {
        format: choiceOr("--format", ["oci", "oci-archive", "docker-archive", "all"], "all", "What to write"),
        platform,
        sbom: choice("--sbom", ["spdx", "cyclonedx"], "Write a list of the image's parts as well, with --format oci"),
        tag: text("--tag", "Name of the image in the file", { metavar: "NAME:TAG" }),
        force,
        ...servers,
      },
      arguments: { element: single("ELEMENT", IMAGE), file: single("FILE", { kind: "path", path: NEW_FILE }) },
    }),
    run: command({
      summary: "Run an image, to see that it works",
      description: [
        "Loads an image into podman or docker, runs it, and removes the image again unless it was there before. The exit " +
          "status is that of the container.",
        "What follows '--' is the command to run instead of the image's own:",
        " bst-ts image run oci/app.bst -- /bin/sh -c 'id'",
        ...PLACES,
      ],
      options: {
        engine: choice(
          "--engine",
          ["podman", "docker"],
          "The program to run it with; else podman, or docker without it",
        ),
        publish: texts("-p --publish", "Show a port of the container on this machine, such as 8080:80", "PORTS"),
        network: text("--network", "The container's network, such as none"),
        keep: flag("--keep", "Leave the image in the program's storage"),
        platform,
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { image: single("IMAGE", IMAGE), command: any("COMMAND", TEXT) },
    }),
    dockerfile: command({
      summary: "Print an image's configuration as a Dockerfile",
      description: [
        "Prints the instructions of a Dockerfile that configures an image in the same way: labels, environment, ports, " +
          "volumes, folder, user, entry point, command. The files of the image are not among them: --from names the image " +
          "that has these.",
        ...PLACES,
      ],
      options: {
        from: textOr("--from", "scratch", "The image that the Dockerfile begins with"),
        platform,
        insecure,
        anonymous,
        ...servers,
      },
      arguments: { image: single("IMAGE", IMAGE) },
    }),
  },
};
