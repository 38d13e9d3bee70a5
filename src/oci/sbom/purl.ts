/** Package URLs of sources: what databases of packages and of vulnerabilities call them. */
import { publicUrl } from "../../base/public-url.ts";
import type { SourceFacts } from "./inventory.ts";

/** Archives in registries of packages, by their URL: type, then what the groups are. */
const REGISTRIES: readonly { readonly at: RegExp; readonly make: (found: RegExpExecArray) => string | undefined }[] = [
  {
    at: /^https:\/\/(?:static\.)?crates\.io\/(?:api\/v1\/)?crates\/([^/]+)\/(?:[^/]+-)?(\d[^/]*?)(?:\.crate|\/download)$/,
    make: ([, name = "", version = ""]) => purl("cargo", [name], version),
  },
  {
    at: /^https:\/\/(?:files\.pythonhosted\.org|pypi\.org|pypi\.python\.org)\/packages\/.*\/([^/]+)$/,
    make: ([, file = ""]) => pypi(file),
  },
  {
    at: /\/authors\/id\/[A-Z]\/[A-Z]{2}\/([A-Z0-9-]+)\/(?:.*\/)?([^/]+)-v?(\d[^/-]*(?:-TRIAL)?)\.(?:tar\.gz|tgz|tar\.bz2|zip)$/,
    make: ([, author = "", name = "", version = ""]) => purl("cpan", [author, name], version),
  },
  {
    at: /^https:\/\/registry\.npmjs\.org\/((?:@[^/]+\/)?[^/]+)\/-\/[^/]+?-(\d[^/]*)\.tgz$/,
    make: ([, name = "", version = ""]) => purl("npm", name.split("/"), version),
  },
  {
    at: /^https:\/\/rubygems\.org\/(?:downloads|gems)\/([^/]+)-(\d[^/-]*)\.gem$/,
    make: ([, name = "", version = ""]) => purl("gem", [name], version),
  },
  {
    at: /\/([^/_]+)_([^/_]+)_([^/_]+)\.deb$/,
    make: (found) => {
      const [, name = "", version = "", arch = ""] = found;
      const [distribution] = /debian|ubuntu/.exec(found.input) ?? ["debian"];
      // An epoch is not in the name of the file.
      return purl("deb", [distribution, name], version, { arch });
    },
  },
  {
    at: /^https:\/\/github\.com\/([^/]+)\/([^/]+)\/(?:archive\/(?:refs\/tags\/)?|releases\/download\/)([^/]+?)(?:\.tar\.\w+|\.tgz|\.zip)?(?:\/.*)?$/,
    make: ([, owner = "", name = "", version = ""]) =>
      purl("github", [owner.toLowerCase(), name.toLowerCase()], version),
  },
];

/** Undefined for what is no package, such as folders of the project. */
export function purlOf(source: SourceFacts): string | undefined {
  const { kind, medium, version, "version-guess": guess, "extra-data": extra = {}, module } = source;
  const url = publicUrl(source.url);
  switch (medium) {
    case "git":
      if (extra["crate-name"] !== undefined) {
        return purl("cargo", [extra["crate-name"]], guess, { vcs_url: `git+${url}@${version}` });
      }
      return module !== undefined ? goModule(module, extra["tag-name"] ?? version) : repository(source, url);
    case "pypi":
      return purl("pypi", [pythonName(extra["package-name"] ?? "")], version);
    case "oci-image": {
      const place = url.replace(/^[a-z]+:\/\//, "");
      // Some sources name the registry, and the image apart.
      const name = extra["image-name"] === undefined ? place : `${place.replace(/\/+$/, "")}/${extra["image-name"]}`;
      return purl("oci", [name.slice(name.lastIndexOf("/") + 1).toLowerCase()], version, {
        repository_url: name.includes("/") ? name : undefined,
      });
    }
    case "remote-file": {
      if (!/^https?:|^ftp:/.test(url)) return undefined;
      for (const { at, make } of REGISTRIES) {
        const found = at.exec(decode(url));
        const made = found && make(found);
        if (made) return made;
      }
      if (kind === "cargo" || kind === "cargo2") return crateOf(url);
      const name = nameOfUrl(url);
      const checksum = source["version-type"] === "sha256" ? `sha256:${version}` : undefined;
      return purl("generic", [name], guess, { checksum, download_url: url });
    }
    default:
      return undefined;
  }
}

/** What a source is called: without versions and endings. */
export function nameOfUrl(url: string): string {
  const file = decode(url.replace(/[?#].*$/, "").replace(/\/+$/, ""));
  const last = file.slice(file.lastIndexOf("/") + 1);
  return (
    last
      .replace(/\.(?:git|crate|deb|gem|whl|zip|jar|t?gz|tgz|tbz2?|txz|tar(?:\.\w+)?)$/, "")
      .replace(/[-_]v?\d+(?:[._].*)?$/, "") || last
  );
}

/** A mirror of a registry of crates has the same names of files. */
function crateOf(url: string): string | undefined {
  const [, name, version] = /\/([^/]+?)-(\d+\.[^/]*?)(?:\.crate|\/download)$/.exec(url) ?? [];
  return name === undefined ? undefined : purl("cargo", [name], version);
}

function pypi(file: string): string | undefined {
  const wheel = /^([^-]+)-([^-]+)-.*\.whl$/.exec(file) ?? /^(.+)-([^-]+?)\.(?:tar\.\w+|zip|tgz)$/.exec(file);
  return wheel === null ? undefined : purl("pypi", [pythonName(wheel[1] ?? "")], wheel[2]);
}

function pythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

function goModule(module: string, version: string): string {
  return purl("golang", module.toLowerCase().split("/"), version);
}

function repository(
  { version, "version-guess": guess, "extra-data": extra }: SourceFacts,
  url: string,
): string | undefined {
  const { "tag-name": tag, "commit-offset": offset } = extra ?? {};
  const at = tag !== undefined && (offset ?? "0") === "0" ? tag : version;
  const [, host, owner = "", name = ""] =
    /^[a-z+]+:\/\/(?:git@)?(github\.com|bitbucket\.org)\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(url) ?? [];
  if (host !== undefined) {
    const type = host === "github.com" ? "github" : "bitbucket";
    return purl(type, [owner.toLowerCase(), name.toLowerCase()], at);
  }
  if (!/^[a-z+]+:\/\//.test(url) || url.startsWith("file:")) return undefined;
  return purl("generic", [nameOfUrl(url)], guess ?? at, { vcs_url: `git+${url}@${version}` });
}

function purl(
  type: string,
  path: readonly string[],
  version: string | undefined,
  qualifiers: Readonly<Record<string, string | undefined>> = {},
): string {
  const known = Object.entries(qualifiers).flatMap(([key, value]) => (value ? [`${key}=${encode(value)}`] : []));
  const at = version === undefined || version === "" ? "" : `@${encode(version)}`;
  return `pkg:${type}/${path.map(encode).join("/")}${at}${known.length === 0 ? "" : `?${known.sort().join("&")}`}`;
}

/** Colons stay as they are there. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%3A", ":")
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
