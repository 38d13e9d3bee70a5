/** Lists of parts as SPDX 2.3 has them, in JSON. */
import { createHash } from "node:crypto";
import { VERSION } from "../../base/version.ts";
import { imageName, imagePurl, imageTag, Names, timeOf, uuidOf } from "./identity.ts";
import type { FileFacts, Inventory } from "./inventory.ts";
import { ownLicenses } from "./license.ts";
import { type Package, packageOfPart, packageOfSource } from "./packages.ts";

const NOTHING_SAID = "NOASSERTION";
const DOCUMENT = "SPDXRef-DOCUMENT";

export function spdxDocument(inventory: Inventory): string {
  const document = new Writer(inventory).document();
  const name = imageName(inventory);
  // Of all that it says, and so another for each document, as it has to be.
  const uuid = uuidOf(JSON.stringify(document));
  const documentNamespace = `https://spdx.org/spdxdocs/${name.replace(/[^A-Za-z0-9.-]+/g, "-")}-${uuid}`;
  return `${JSON.stringify({ ...document, documentNamespace }, undefined, 2)}\n`;
}

class Writer {
  readonly #inventory: Inventory;
  readonly #names = new Names();
  readonly #packages: object[] = [];
  readonly #files: object[] = [];
  readonly #relationships: object[] = [];
  /** That are in no list. */
  readonly #licenses = new Set<string>();

  constructor(inventory: Inventory) {
    this.#inventory = inventory;
  }

  document(): object {
    const inventory = this.#inventory;
    const { parts, bases } = inventory;
    const image = this.#image();
    for (const base of bases) {
      const facts = packageOfSource(base);
      const id = this.#names.take(`SPDXRef-Base-${facts.name}`);
      this.#packages.push({ ...this.#fields(id, facts), primaryPackagePurpose: "CONTAINER" });
      this.#relate(image, "DESCENDANT_OF", id);
    }
    const ids = new Map(
      parts.map(({ element }) => [element, this.#names.take(`SPDXRef-Element-${element.replace(/\.bst$/, "")}`)]),
    );
    for (const part of parts) {
      const id = ids.get(part.element) ?? "";
      const { local, others, ...facts } = packageOfPart(part);
      this.#packages.push({
        ...this.#fields(id, facts),
        ...this.#filesOf(id, part.files),
        sourceInfo: `Element ${part.element}${part.project === undefined ? "" : ` of project ${part.project}`}${local.length > 0 ? `, with ${local.join(", ")}` : ""}`,
      });
      if (part.isInImage) this.#relate(image, "CONTAINS", id);
      for (const other of others) {
        const source = this.#names.take(`${id.replace("-Element-", "-Source-")}-${other.name}`);
        this.#packages.push({ ...this.#fields(source, other), primaryPackagePurpose: "SOURCE" });
        this.#relate(id, "GENERATED_FROM", source);
      }
      for (const name of part.runsWith) this.#relate(id, "DEPENDS_ON", ids.get(name) ?? "");
      for (const name of part.builtWith) this.#relate(ids.get(name) ?? "", "BUILD_DEPENDENCY_OF", id);
    }
    return {
      spdxVersion: "SPDX-2.3",
      dataLicense: "CC0-1.0",
      SPDXID: DOCUMENT,
      name: imageName(inventory),
      creationInfo: { created: timeOf(inventory), creators: [`Tool: bst-ts-${VERSION}`] },
      packages: this.#packages,
      ...(this.#files.length > 0 && { files: this.#files }),
      ...(this.#licenses.size > 0 && { hasExtractedLicensingInfos: [...this.#licenses].sort().map(unknownLicense) }),
      relationships: this.#relationships,
    };
  }

  #image(): string {
    const inventory = this.#inventory;
    const { digest, files, element } = inventory;
    const id = this.#names.take("SPDXRef-Image");
    const version = imageTag(inventory);
    this.#packages.push({
      SPDXID: id,
      name: imageName(inventory),
      ...(version !== undefined && { versionInfo: version }),
      downloadLocation: NOTHING_SAID,
      ...this.#filesOf(id, files),
      checksums: [{ algorithm: "SHA256", checksumValue: digest.replace("sha256:", "") }],
      externalRefs: [packageReference(imagePurl(inventory))],
      primaryPackagePurpose: "CONTAINER",
      sourceInfo: `Element ${element}`,
      ...NO_LICENSE,
    });
    this.#relate(DOCUMENT, "DESCRIBES", id);
    return id;
  }

  #fields(id: string, facts: Package): object {
    for (const expression of [facts.declared, facts.concluded]) {
      for (const name of ownLicenses(expression ?? "")) this.#licenses.add(name);
    }
    return packageFields(id, facts);
  }

  #filesOf(owner: string, files: readonly FileFacts[]): object {
    if (files.length === 0) return { filesAnalyzed: false };
    for (const { path, sha1, sha256 } of files) {
      const id = this.#names.take(`SPDXRef-File-${path}`);
      this.#files.push({
        SPDXID: id,
        fileName: `./${path}`,
        checksums: [
          { algorithm: "SHA1", checksumValue: sha1 },
          { algorithm: "SHA256", checksumValue: sha256 },
        ],
        licenseConcluded: NOTHING_SAID,
        licenseInfoInFiles: [NOTHING_SAID],
        copyrightText: NOTHING_SAID,
      });
      this.#relate(owner, "CONTAINS", id);
    }
    const hash = createHash("sha1");
    for (const sha1 of files.map((file) => file.sha1).sort()) hash.update(sha1);
    return {
      filesAnalyzed: true,
      packageVerificationCode: { packageVerificationCodeValue: hash.digest("hex") },
      licenseInfoFromFiles: [NOTHING_SAID],
    };
  }

  #relate(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): void {
    this.#relationships.push({ spdxElementId, relationshipType, relatedSpdxElement });
  }
}

const NO_LICENSE = { licenseConcluded: NOTHING_SAID, licenseDeclared: NOTHING_SAID, copyrightText: NOTHING_SAID };

function packageFields(id: string, facts: Package): object {
  const { name, version, supplier, originator, sha256, homepage, description, purl, cpe, licenseText } = facts;
  const references = [
    ...(cpe === undefined
      ? []
      : [{ referenceCategory: "SECURITY", referenceType: "cpe23Type", referenceLocator: cpe }]),
    ...(purl === undefined ? [] : [packageReference(purl)]),
  ];
  return {
    SPDXID: id,
    name,
    ...(version !== undefined && { versionInfo: version }),
    ...(supplier !== undefined && { supplier: actor(supplier) }),
    ...(originator !== undefined && { originator: actor(originator) }),
    downloadLocation: location(facts),
    filesAnalyzed: false,
    ...(sha256 !== undefined && { checksums: [{ algorithm: "SHA256", checksumValue: sha256 }] }),
    ...(homepage !== undefined && { homepage }),
    licenseConcluded: facts.concluded ?? NOTHING_SAID,
    licenseDeclared: facts.declared ?? NOTHING_SAID,
    ...(licenseText !== undefined && { licenseComments: licenseText }),
    copyrightText: facts.copyright ?? NOTHING_SAID,
    ...(description !== undefined && { summary: description }),
    ...(references.length > 0 && { externalRefs: references }),
  };
}

function unknownLicense(licenseId: string): object {
  return { licenseId, extractedText: "The element that names this licence does not say its text." };
}

/** A repository is named with how to get it, and where in it. */
function location({ url, commit }: Package): string {
  if (url === undefined || !/^[a-z][a-z+]*:\/\//.test(url)) return NOTHING_SAID;
  if (commit === undefined) return url;
  return `${url.startsWith("git:") ? url : `git+${url}`}@${commit}`;
}

function packageReference(purl: string): object {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl };
}

/** Who is no person is an organization. */
function actor(name: string): string {
  return name === NOTHING_SAID || /^(?:Person|Organization): /.test(name) ? name : `Organization: ${name}`;
}
