/** Records of artifacts: a small one, and random ones. */
import fc from "fast-check";
import type { ArtifactRecord } from "../../src/artifact/record.ts";
import { type Digest, digestOf } from "../../src/cas/digest.ts";

export function smallRecord(changes: Partial<ArtifactRecord> = {}): ArtifactRecord {
  return {
    version: 2,
    buildSuccess: true,
    buildError: "succeeded",
    buildErrorDetails: "",
    strongKey: "a".repeat(64),
    strictKey: "a".repeat(64),
    weakKey: "b".repeat(64),
    wasWorkspaced: false,
    files: undefined,
    buildDeps: [],
    publicData: digestOf("public"),
    logs: [],
    buildTree: undefined,
    sources: undefined,
    lowDiversityMeta: digestOf("low"),
    highDiversityMeta: digestOf("high"),
    buildRoot: undefined,
    buildSandbox: undefined,
    ...changes,
  };
}

const digest: fc.Arbitrary<Digest> = fc.string().map(digestOf);
const tree = fc.option(digest, { nil: undefined });
const text = fc.string({ unit: "grapheme" });
const key = fc.stringMatching(/^[0-9a-f]{64}$/);

export function arbitraryRecord(): fc.Arbitrary<ArtifactRecord> {
  return fc.record({
    version: fc.nat(300),
    buildSuccess: fc.boolean(),
    buildError: text,
    buildErrorDetails: text,
    strongKey: key,
    strictKey: key,
    weakKey: key,
    wasWorkspaced: fc.boolean(),
    files: tree,
    buildDeps: fc.array(
      fc.record({ projectName: text, elementName: text, cacheKey: key, wasWorkspaced: fc.boolean() }),
    ),
    publicData: digest,
    logs: fc.array(fc.record({ name: text, digest })),
    buildTree: tree,
    sources: tree,
    lowDiversityMeta: digest,
    highDiversityMeta: digest,
    buildRoot: tree,
    buildSandbox: fc.option(
      fc.record({
        environment: fc.dictionary(fc.stringMatching(/^[A-Za-z_\u{1f600}\uffee]{1,6}$/u), text, {
          noNullPrototype: true,
        }),
        workingDirectory: text,
        subsandboxes: fc.array(digest),
        markedDirectories: fc.array(text),
      }),
      { nil: undefined },
    ),
  });
}
