/** Records equal those of BuildStream byte by byte, and say the same. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeArtifact, decodeSource, encodeArtifact, encodeSource } from "../../src/artifact/record.ts";
import { digestOf } from "../../src/cas/digest.ts";
import { absent } from "../oracle/oracle.ts";
import { askEach } from "../oracle/python.ts";
import { arbitraryRecord, smallRecord } from "./records.ts";

/** Builds the message from our record with BuildStream's own classes. */
const SCRIPT = `
from buildstream._protos.buildstream.v2.artifact_pb2 import Artifact
from buildstream._protos.buildstream.v2.source_pb2 import Source
def fill(target, digest):
    if digest is not None:
        target.hash = digest["hash"]
        target.size_bytes = digest["size"]
        target.SetInParent()
def artifact(record):
    a = Artifact()
    a.version = record["version"]
    a.build_success = record["buildSuccess"]
    a.build_error = record["buildError"]
    a.build_error_details = record["buildErrorDetails"]
    a.strong_key = record["strongKey"]
    a.strict_key = record["strictKey"]
    a.weak_key = record["weakKey"]
    a.was_workspaced = record["wasWorkspaced"]
    for name, field in (("files", "files"), ("publicData", "public_data"), ("buildTree", "buildtree"),
                        ("sources", "sources"), ("lowDiversityMeta", "low_diversity_meta"),
                        ("highDiversityMeta", "high_diversity_meta"), ("buildRoot", "buildroot")):
        fill(getattr(a, field), record.get(name))
    for dep in record["buildDeps"]:
        d = a.build_deps.add()
        d.project_name = dep["projectName"]
        d.element_name = dep["elementName"]
        d.cache_key = dep["cacheKey"]
        d.was_workspaced = dep["wasWorkspaced"]
    for log in record["logs"]:
        l = a.logs.add()
        l.name = log["name"]
        fill(l.digest, log["digest"])
    box = record.get("buildSandbox")
    if box is not None:
        a.buildsandbox.SetInParent()
        for key, value in sorted(box["environment"].items()):
            a.buildsandbox.environment.add(name=key, value=value)
        for directory in box["markedDirectories"]:
            a.buildsandbox.marked_directories.append(directory)
        a.buildsandbox.working_directory = box["workingDirectory"]
        for digest in box["subsandboxes"]:
            fill(a.buildsandbox.subsandbox_digests.add(), digest)
    return a
def answer(question):
    if "files" in question and len(question) == 1:
        s = Source()
        fill(s.files, question["files"])
        return s.SerializeToString().hex()
    return artifact(question).SerializeToString().hex()
`;

describe("artifact records", () => {
  test("are read as they were written", () => {
    fc.assert(
      fc.property(arbitraryRecord(), (record) => {
        expect(decodeArtifact(encodeArtifact(record))).toEqual(record);
      }),
    );
  });

  test.skipIf(absent)("have the bytes that BuildStream writes", () => {
    const records = fc.sample(arbitraryRecord(), { numRuns: 300, seed: 7 });
    const answers = askEach<string>(SCRIPT, records);
    for (const [index, record] of records.entries()) {
      expect(answers[index]).toEqual({ value: encodeArtifact(record).toString("hex") });
    }
  });

  test("without metadata or cut off are refused", () => {
    const bytes = encodeArtifact(smallRecord());
    // After the fields that come before the keys.
    expect(() => decodeArtifact(bytes.subarray(0, 15))).toThrow(expect.objectContaining({ domain: "artifact" }));
    expect(() => decodeArtifact(bytes.subarray(0, 16))).toThrow(expect.objectContaining({ domain: "cas" }));
  });
});

describe("records of staged sources", () => {
  const files = digestOf("some tree");

  test("name their tree", () => {
    expect(decodeSource(encodeSource(files))).toEqual(files);
    expect(() => decodeSource(new Uint8Array())).toThrow(expect.objectContaining({ domain: "cas" }));
  });

  test.skipIf(absent)("have the bytes that BuildStream writes", () => {
    expect(askEach(SCRIPT, [{ files }])).toEqual([{ value: encodeSource(files).toString("hex") }]);
  });
});
