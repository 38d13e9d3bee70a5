/** Lists of parts as CycloneDX 1.6 has them, in JSON. */
import { VERSION } from "../../base/version.ts";
import { formatPlatform } from "../platform.ts";
import { imageName, imagePurl, imageTag, timeOf, uuidOf } from "./identity.ts";
import type { FileFacts, Inventory, Part, SourceFacts } from "./inventory.ts";
import { type Package, packageOfPart, packageOfSource } from "./packages.ts";

export function cycloneDxDocument(inventory: Inventory): string {
  const { digest, element, parts, bases, files, platform } = inventory;
  const version = imageTag(inventory);
  const root = imagePurl(inventory);
  const refOfBase = (i: number) => `base/${i}`;
  const document = {
    version: 1,
    metadata: {
      timestamp: timeOf(inventory),
      tools: { components: [{ type: "application", name: "bst-ts", version: VERSION }] },
      component: {
        type: "container",
        "bom-ref": root,
        name: imageName(inventory),
        ...(version !== undefined && { version }),
        hashes: [{ alg: "SHA-256", content: digest.replace("sha256:", "") }],
        purl: root,
        properties: [
          { name: "bst-ts:element", value: element },
          ...(platform === undefined ? [] : [{ name: "bst-ts:platform", value: formatPlatform(platform) }]),
        ],
      },
    },
    components: [
      ...bases.map((base, i) => ({ type: "container", "bom-ref": refOfBase(i), ...baseFields(base) })),
      ...parts.map(component),
      ...fileComponents("", files),
    ],
    dependencies: [
      {
        ref: root,
        dependsOn: [...bases.map((_, i) => refOfBase(i)), ...parts.filter(({ isInImage }) => isInImage).map(refOf)],
      },
      ...parts.map((part) => ({ ref: refOf(part), dependsOn: part.runsWith.map((element) => refOf({ element })) })),
    ],
  };
  const head = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(document))}`,
  };
  return `${JSON.stringify({ ...head, ...document }, undefined, 2)}\n`;
}

function refOf({ element }: Pick<Part, "element">): string {
  return `element/${element}`;
}

function component(part: Part): object {
  const { element, project, builtWith, files, isInImage } = part;
  const { others, local, ...facts } = packageOfPart(part);
  const ref = refOf(part);
  const inside = [
    ...others.map((other, i) => ({ type: "library", "bom-ref": `${ref}/source/${i}`, ...fields(other) })),
    ...fileComponents(`${ref}/file/`, files),
  ];
  const properties = [
    { name: "bst-ts:element", value: element },
    ...(project === undefined ? [] : [{ name: "bst-ts:project", value: project }]),
    ...local.map((value) => ({ name: "bst-ts:source", value })),
    ...builtWith.map((name) => ({ name: "bst-ts:built-with", value: refOf({ element: name }) })),
  ];
  return {
    type: "library",
    "bom-ref": ref,
    ...fields(facts),
    scope: isInImage ? "required" : "excluded",
    ...(inside.length > 0 && { components: inside }),
    properties,
  };
}

/** Its checksum is that of what it is itself. */
function baseFields(base: SourceFacts): object {
  const facts = packageOfSource(base);
  const { sha256 } = facts;
  return { ...fields(facts), ...(sha256 !== undefined && { hashes: [{ alg: "SHA-256", content: sha256 }] }) };
}

function fields(facts: Package): object {
  const { name, version, description, supplier, originator, sha256, copyright, cpe, purl } = facts;
  const { url, commit, homepage, issueTracker, declared, concluded, licenseText } = facts;
  const references = [
    ...(url === undefined ? [] : [reference(url, commit, sha256)]),
    ...(homepage === undefined ? [] : [{ type: "website", url: homepage }]),
    ...(issueTracker === undefined ? [] : [{ type: "issue-tracker", url: issueTracker }]),
  ];
  const expression = concluded ?? declared;
  return {
    ...(supplier !== undefined && { supplier: { name: nameOf(supplier) } }),
    ...(originator !== undefined && { publisher: nameOf(originator) }),
    name,
    ...(version !== undefined && { version }),
    ...(description !== undefined && { description }),
    ...(expression !== undefined
      ? { licenses: [{ expression, acknowledgement: concluded === undefined ? "declared" : "concluded" }] }
      : licenseText !== undefined && { licenses: [{ license: { name: licenseText } }] }),
    ...(copyright !== undefined && { copyright }),
    ...(cpe !== undefined && { cpe }),
    ...(purl !== undefined && { purl }),
    ...(references.length > 0 && { externalReferences: references }),
  };
}

/** The checksum is that of what is downloaded, and not of the component, which was built of it. */
function reference(url: string, commit: string | undefined, sha256: string | undefined): object {
  if (commit !== undefined) return { type: "vcs", url, comment: `commit ${commit}` };
  const hashes = sha256 !== undefined && { hashes: [{ alg: "SHA-256", content: sha256 }] };
  return { type: "source-distribution", url, ...hashes };
}

function fileComponents(prefix: string, files: readonly FileFacts[]): object[] {
  return files.map(({ path, sha1, sha256 }) => ({
    type: "file",
    "bom-ref": `${prefix}${path}`,
    name: `/${path}`,
    hashes: [
      { alg: "SHA-1", content: sha1 },
      { alg: "SHA-256", content: sha256 },
    ],
  }));
}

function nameOf(actor: string): string {
  return actor.replace(/^(?:Person|Organization): /, "");
}
