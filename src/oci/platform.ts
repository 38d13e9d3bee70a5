/** Platforms of images, `os/architecture[/variant]`, and the choice among the images of an index. */
import { arch } from "node:os";
import { BstError } from "../base/errors.ts";
import type { Descriptor, Platform } from "./descriptor.ts";
import { invalidImage } from "./json.ts";
import { isAttestation } from "./manifest.ts";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** Of this machine, whose programs images for Linux are meant to run. */
export function hostPlatform(): Platform {
  return { os: "linux", architecture: ARCHITECTURES[arch()] ?? arch() };
}

/** What the kernel and compilers call architectures, in Go's words. */
const IN_GO: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  x64: "amd64",
  i386: "386",
  i486: "386",
  i586: "386",
  i686: "386",
  aarch64: "arm64",
  armhf: "arm",
  armv6l: "arm",
  armv7: "arm",
  armv7l: "arm",
  powerpc64le: "ppc64le",
  ppc64el: "ppc64le",
  loong64el: "loong64",
  loongarch64: "loong64",
};

/** The word for an architecture that images have; any other stays as it is. */
export function goArchitecture(word: string): string {
  return IN_GO[word.toLowerCase()] ?? word;
}

/** @throws BstError domain element, reason invalid-platform */
export function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...rest] = text.split("/");
  const isWord = (word: string | undefined) => word === undefined || /^[\w.-]+$/.test(word);
  if (os === "" || architecture === "" || rest.length > 0 || ![os, architecture, variant].every(isWord)) {
    throw new BstError("element", `This is no platform: '${text}'`, {
      reason: "invalid-platform",
      detail: "A platform is OS/ARCHITECTURE[/VARIANT], such as linux/amd64 or linux/arm64/v8.",
    });
  }
  return { os, architecture, ...(variant !== undefined && { variant }) };
}

export function formatPlatform(platform: Platform | undefined): string {
  if (platform === undefined) return "unknown platform";
  const { os, architecture, variant } = platform;
  return [os, architecture, variant].filter((part) => part !== undefined && part !== "").join("/");
}

/** What is meant where nothing is said. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { arm64: "v8", arm: "v7", amd64: "v1" };

/** Whether an image is for a platform, whichever variant where none is asked for. */
export function isFor(image: Platform | undefined, wanted: Platform): boolean {
  if (image?.os !== wanted.os || image.architecture !== wanted.architecture) return false;
  const usual = USUAL_VARIANTS[wanted.architecture] ?? "";
  return wanted.variant === undefined || (image.variant ?? usual) === wanted.variant;
}

/**
 * The image of an index for a platform; with no platform the only one.
 * @throws BstError domain element, reason no-image-for-platform, with what there is
 */
export function choose(images: readonly Descriptor[], wanted: Platform | undefined, name: string): Descriptor {
  const real = images.filter((image) => !isAttestation(image));
  const usual = wanted && { ...wanted, variant: wanted.variant ?? USUAL_VARIANTS[wanted.architecture] ?? "" };
  const found =
    wanted === undefined
      ? undefined
      : (real.find(({ platform }) => usual && isFor(platform, usual)) ??
        real.find(({ platform }) => isFor(platform, wanted)));
  const [only, ...others] = real;
  // One that says nothing is for everybody.
  const image = found ?? (others.length === 0 && (wanted === undefined || !only?.platform) ? only : undefined);
  if (image !== undefined) return image;
  if (real.length === 0) throw invalidImage(`${name} holds no image`);
  const what = wanted === undefined ? `${name} holds several images` : `${name} has none for ${formatPlatform(wanted)}`;
  throw new BstError("element", what, {
    reason: "no-image-for-platform",
    detail: `It has images for: ${real.map(({ platform }) => formatPlatform(platform)).join(", ")}`,
  });
}
