/** What lists of parts say of a package, whatever their form. */
import { publicUrl } from "../../base/public-url.ts";
import type { Part, SourceFacts } from "./inventory.ts";
import { isLicenseExpression } from "./license.ts";
import { nameOfUrl, purlOf } from "./purl.ts";

export interface Package {
  readonly name: string;
  readonly version: string | undefined;
  /** Where it is downloaded from: undefined for what is on no server. */
  readonly url: string | undefined;
  /** Of a git repository at {@link url}. */
  readonly commit: string | undefined;
  /** Hexadecimal digits, of the file at {@link url}. */
  readonly sha256: string | undefined;
  readonly purl: string | undefined;
  /** Of form 2.3. */
  readonly cpe: string | undefined;
  /** Expressions. */
  readonly declared: string | undefined;
  readonly concluded: string | undefined;
  /** What is said of the licence where that is no expression. */
  readonly licenseText: string | undefined;
  readonly copyright: string | undefined;
  readonly supplier: string | undefined;
  readonly originator: string | undefined;
  readonly description: string | undefined;
  readonly homepage: string | undefined;
  readonly issueTracker: string | undefined;
}

/** An element: what it is made of, the first of its sources that is on a server being what it is. */
export interface PartPackage extends Package {
  /** Sources besides that one, as packages of their own. */
  readonly others: readonly Package[];
  /** What else it is made of: folders, patches. */
  readonly local: readonly string[];
}

export function packageOfPart({ element, stated, cpe, sources }: Part): PartPackage {
  const isRemote = ({ medium, url }: SourceFacts) => !["local", "workspace"].includes(medium) && !isLocalUrl(url);
  const [first, ...others] = sources.filter(isRemote);
  const main = first && packageOfSource(first);
  const file = element.slice(Math.max(element.lastIndexOf("/"), element.lastIndexOf(":")) + 1);
  const own = statementsOf(stated);
  const name = stated["name"] ?? file.replace(/\.bst$/, "");
  const version = stated["version"] ?? cpe["version"] ?? main?.version;
  return {
    ...NOTHING,
    ...main,
    ...defined(own),
    name,
    version,
    purl: stated["purl"] ?? main?.purl,
    cpe: cpeOf(cpe, name, version),
    others: others.map(packageOfSource),
    local: sources
      .filter((source) => !isRemote(source))
      .map(({ kind, url }) => `${kind} ${isLocalUrl(url) ? nameOfUrl(url) : publicUrl(url)}`),
  };
}

export function packageOfSource(source: SourceFacts): Package {
  const {
    medium,
    version,
    "version-type": type,
    "version-guess": guess,
    "extra-data": extra = {},
    provenance,
  } = source;
  const stated = Object.fromEntries(Object.entries(provenance ?? {}).map(([key, value]) => [key, String(value)]));
  const known = version === "None" ? undefined : version;
  const url = publicUrl(source.url);
  return {
    ...NOTHING,
    ...statementsOf(stated),
    name:
      stated["name"] ??
      source.module ??
      extra["crate-name"] ??
      extra["package-name"] ??
      nameOfUrl(extra["image-name"] ?? url),
    // A checksum is no version.
    version: guess ?? (type === "sha256" || type === "cas-digest" ? undefined : known),
    // Images are got by asking a registry, as their package URL says, and not from a URL.
    url: isLocalUrl(url) || medium === "oci-image" ? undefined : url,
    commit: medium === "git" ? known : undefined,
    sha256: type === "sha256" ? known : type === "oci-digest" ? known?.replace("sha256:", "") : undefined,
    purl: known === undefined ? undefined : purlOf(source),
    homepage: source.homepage ?? stated["homepage"],
    issueTracker: source["issue-tracker"],
  };
}

function statementsOf(stated: Readonly<Record<string, string>>) {
  const { "declared-license": declared, "concluded-license": concluded } = stated;
  const odd = [declared, concluded].filter((text) => text !== undefined && !isLicenseExpression(text));
  const expression = (text: string | undefined) => (text !== undefined && isLicenseExpression(text) ? text : undefined);
  return {
    declared: expression(declared),
    concluded: expression(concluded),
    licenseText: odd[0],
    copyright: stated["copyright-text"],
    supplier: stated["supplier"],
    originator: stated["originator"],
    description: stated["description"],
    homepage: stated["homepage"],
  };
}

const NOTHING: Package = {
  name: "",
  version: undefined,
  url: undefined,
  commit: undefined,
  sha256: undefined,
  purl: undefined,
  cpe: undefined,
  declared: undefined,
  concluded: undefined,
  licenseText: undefined,
  copyright: undefined,
  supplier: undefined,
  originator: undefined,
  description: undefined,
  homepage: undefined,
  issueTracker: undefined,
};

function isLocalUrl(url: string): boolean {
  return url.startsWith("/") || url.startsWith("file:");
}

/** Only where the element says something: names that are guessed match the wrong product. */
function cpeOf(cpe: Readonly<Record<string, string>>, name: string, version: string | undefined): string | undefined {
  const { product, vendor } = cpe;
  if (product === undefined && vendor === undefined) return undefined;
  const escaped = (text: string) =>
    text
      .toLowerCase()
      .replace(/\s+/g, "_")
      .replace(/[^a-z0-9._-]/g, "\\$&");
  const fields = [vendor ?? "*", product ?? name, cpe["version"] ?? version ?? "*"].map(escaped);
  return `cpe:2.3:a:${fields.map((field) => (field === "\\*" ? "*" : field)).join(":")}:*:*:*:*:*:*:*`;
}

function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
