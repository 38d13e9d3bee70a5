"""Asks a server of caches, by the classes that BuildStream has for that; prints what was answered to each question."""
import hashlib
import json
import sys

import grpc
from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2 as reapi
from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2_grpc as services
from buildstream._protos.google.bytestream import bytestream_pb2 as stream
from buildstream._protos.google.bytestream import bytestream_pb2_grpc as stream_services

channel = grpc.insecure_channel(sys.argv[1])
cas = services.ContentAddressableStorageStub(channel)
actions = services.ActionCacheStub(channel)
blobs = stream_services.ByteStreamStub(channel)
answers = {}


def ask(name, question):
    try:
        answers[name] = question()
    except grpc.RpcError as error:
        answers[name] = error.code().name


def digest(data):
    return reapi.Digest(hash=hashlib.sha256(data).hexdigest(), size_bytes=len(data))


def name_of(data):
    return "blobs/{}/{}".format(digest(data).hash, len(data))


def missing(*digests):
    response = cas.FindMissingBlobs(reapi.FindMissingBlobsRequest(blob_digests=digests))
    return [found.hash for found in response.missing_blob_digests]


def update(*pairs):
    request = reapi.BatchUpdateBlobsRequest()
    for wanted, data in pairs:
        request.requests.add(digest=wanted, data=data)
    return [response.status.code for response in cas.BatchUpdateBlobs(request).responses]


def batch_read(*digests):
    response = cas.BatchReadBlobs(reapi.BatchReadBlobsRequest(digests=digests))
    return [[each.status.code, hashlib.sha256(each.data).hexdigest()] for each in response.responses]


def write(wanted, data, name=None, chunk=1 << 20, finish=True):
    name = name or "uploads/some-id/blobs/{}/{}".format(wanted.hash, wanted.size_bytes)

    def requests():
        for offset in range(0, len(data), chunk):
            piece = data[offset : offset + chunk]
            yield stream.WriteRequest(
                resource_name=name if offset == 0 else "",
                write_offset=offset,
                data=piece,
                finish_write=finish and offset + len(piece) == len(data),
            )

    return blobs.Write(requests()).committed_size


def read(name, **part):
    data = b"".join(message.data for message in blobs.Read(stream.ReadRequest(resource_name=name, **part)))
    return [len(data), hashlib.sha256(data).hexdigest()]


def tree(root, **page):
    request = reapi.GetTreeRequest(root_digest=root, **page)
    found = [each.SerializeToString() for message in cas.GetTree(request) for each in message.directories]
    return sorted({digest(each).hash for each in found})


def result_of(action):
    return actions.GetActionResult(reapi.GetActionResultRequest(action_digest=digest(action))).SerializeToString().hex()


def set_result(action, result):
    request = reapi.UpdateActionResultRequest(action_digest=digest(action), action_result=result)
    return actions.UpdateActionResult(request).SerializeToString().hex()


capabilities = services.CapabilitiesStub(channel).GetCapabilities(reapi.GetCapabilitiesRequest()).cache_capabilities
answers["capabilities"] = [
    list(capabilities.digest_functions),
    capabilities.action_cache_update_capabilities.update_enabled,
    capabilities.symlink_absolute_path_strategy,
]
other = reapi.GetCapabilitiesRequest(instance_name="other")
ask("capabilities of another", lambda: services.CapabilitiesStub(channel).GetCapabilities(other) and "some")

small, large, unknown = b"small", bytes(range(256)) * 20000, b"unknown"
ask("missing before", lambda: missing(digest(small), digest(b""), digest(unknown)))
ask("update", lambda: update((digest(small), small), (digest(b"wrong"), b"other"), (digest(b"wrong"), b"wrong size")))
ask("missing after", lambda: missing(digest(small), digest(b""), digest(unknown)))
ask("batch read", lambda: batch_read(digest(small), digest(b""), digest(unknown)))

ask("write", lambda: write(digest(large), large))
ask("write again", lambda: write(digest(large), large))
ask("write other", lambda: write(digest(b"wanted"), b"gotten"))
ask("write longer", lambda: write(digest(b"wanted"), b"wanted and more"))
ask("write shorter", lambda: write(digest(b"wanted"), b"want"))
ask("write without end", lambda: write(digest(b"wanted"), b"wanted", finish=False))
ask("write elsewhere", lambda: write(digest(b"wanted"), b"wanted", name="else/where"))
ask("write outside", lambda: write(digest(b"wanted"), b"wanted", name="uploads/some-id/blobs/../../outside/6"))
ask("write to another", lambda: write(digest(b"wanted"), b"wanted", name="other/uploads/some-id/" + name_of(b"wanted")))
ask("write with more in its name", lambda: write(digest(b"x"), b"x", name="uploads/id/" + name_of(b"x") + "/a/name"))
ask("missing after writing", lambda: missing(digest(b"wanted"), digest(large), digest(b"x")))

ask("read", lambda: read(name_of(large)))
ask("read the end", lambda: read(name_of(large), read_offset=len(large) - 7))
ask("read a part", lambda: read(name_of(large), read_offset=3, read_limit=1000))
ask("read nothing", lambda: read(name_of(large), read_offset=len(large)))
ask("read the empty one", lambda: read(name_of(b"")))
ask("read behind", lambda: read(name_of(large), read_offset=len(large) + 1))
ask("read before", lambda: read(name_of(large), read_offset=-1))
ask("read fewer than none", lambda: read(name_of(large), read_limit=-1))
ask("read unknown", lambda: read(name_of(unknown)))
ask("read outside", lambda: read("blobs/../../../../etc/passwd/4"))
ask("read of another", lambda: read("other/" + name_of(large)))
ask("too much at once", lambda: batch_read(digest(large)))
ask("a message that is too large", lambda: update((digest(large), large)))

leaf = reapi.Directory(files=[reapi.FileNode(name="file", digest=digest(small))]).SerializeToString()
root = reapi.Directory(
    directories=[reapi.DirectoryNode(name="a", digest=digest(leaf)), reapi.DirectoryNode(name="b", digest=digest(leaf))]
).SerializeToString()
part = reapi.Directory(directories=[reapi.DirectoryNode(name="a", digest=digest(unknown))]).SerializeToString()
ask("directories", lambda: update(*((digest(each), each) for each in (leaf, root, part))))
ask("tree", lambda: tree(digest(root)))
ask("tree in pages", lambda: tree(digest(root), page_size=1))
ask("the part of a tree", lambda: tree(digest(part)))
ask("no tree", lambda: tree(digest(unknown)))
ask("a file as a tree", lambda: tree(digest(large)))

whole = reapi.Tree(root=reapi.Directory(files=[reapi.FileNode(name="file", digest=digest(small))])).SerializeToString()
broken = reapi.Tree(root=reapi.Directory(files=[reapi.FileNode(name="file", digest=digest(unknown))]))
ask("trees", lambda: update(*((digest(each), each) for each in (whole, broken.SerializeToString()))))
results = {
    "file": reapi.ActionResult(output_files=[reapi.OutputFile(path="o", digest=digest(small), is_executable=True)]),
    "missing file": reapi.ActionResult(output_files=[reapi.OutputFile(path="o", digest=digest(unknown))]),
    "tree": reapi.ActionResult(output_directories=[reapi.OutputDirectory(path="d", tree_digest=digest(whole))]),
    "broken tree": reapi.ActionResult(
        output_directories=[reapi.OutputDirectory(path="d", tree_digest=digest(broken.SerializeToString()))]
    ),
    "directory": reapi.ActionResult(
        output_directories=[reapi.OutputDirectory(path="d", root_directory_digest=digest(root))]
    ),
    "broken directory": reapi.ActionResult(
        output_directories=[reapi.OutputDirectory(path="d", root_directory_digest=digest(part))]
    ),
    "text": reapi.ActionResult(stdout_digest=digest(small), stderr_raw=b"raw"),
    "missing text": reapi.ActionResult(stderr_digest=digest(unknown)),
    "failure": reapi.ActionResult(exit_code=3, stdout_raw=b"why"),
}
for kind, result in results.items():
    action = kind.encode()
    ask("before: " + kind, lambda: result_of(action))
    ask("update: " + kind, lambda: set_result(action, result))
    ask("after: " + kind, lambda: result_of(action))
ask("replaced", lambda: set_result(b"failure", reapi.ActionResult(exit_code=4, stdout_raw=b"now")))
ask("after it was replaced", lambda: result_of(b"failure"))

print(json.dumps(answers))
