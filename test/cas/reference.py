"""Imports trees into trees with BuildStream's own CasBasedDirectory: cases as JSON on stdin, results on stdout."""

import hashlib
import json
import os
import sys
import tempfile

from buildstream._protos.build.bazel.remote.execution.v2 import remote_execution_pb2
from buildstream.storage._casbaseddirectory import CasBasedDirectory
from buildstream.storage.directory import DirectoryError


class Store:
    """What CasBasedDirectory needs of BuildStream's cache, without its server."""

    def __init__(self, root):
        self.root = root

    def objpath(self, digest):
        return os.path.join(self.root, digest.hash)

    def add_object(self, *, buffer):
        digest = remote_execution_pb2.Digest(hash=hashlib.sha256(buffer).hexdigest(), size_bytes=len(buffer))
        if not os.path.exists(self.objpath(digest)):
            with open(self.objpath(digest), "wb") as f:
                f.write(buffer)
        return digest


def write(store, layout):
    directory = remote_execution_pb2.Directory()
    for name, content in sorted(layout.items()):
        if isinstance(content, dict):
            directory.directories.add(name=name).digest.CopyFrom(write(store, content))
        elif content.startswith("-> "):
            directory.symlinks.add(name=name, target=content[3:])
        else:
            executable = content.startswith("* ")
            node = directory.files.add(name=name, is_executable=executable)
            node.digest.CopyFrom(store.add_object(buffer=content[2 if executable else 0 :].encode()))
    return store.add_object(buffer=directory.SerializeToString())


def follow(question, path):
    try:
        return question(path, follow_symlinks=True)
    except RecursionError:  # symlinks that point at each other
        return False


def run(store, case):
    refused = case["refused"]
    filter_callback = None if refused is None else lambda path: path not in refused
    tree = CasBasedDirectory(store, digest=write(store, case["into"]))
    results = []
    try:
        for layout in case["sources"]:
            source = CasBasedDirectory(store, digest=write(store, layout))
            result = tree._import_files_internal(source, filter_callback=filter_callback)
            results.append([result.overwritten, result.ignored, result.files_written])
    except DirectoryError as e:
        return {"error": str(e).rpartition(" ")[2]}
    digest = tree._get_digest()
    exists = [[tree.exists(path), follow(tree.exists, path), follow(tree.isdir, path)] for path in case["probes"]]
    return {
        "digest": "{}/{}".format(digest.hash, digest.size_bytes),
        "results": results,
        "paths": list(tree.list_relative_paths()),
        "exists": exists,
    }


def main():
    with tempfile.TemporaryDirectory() as root:
        store = Store(root)
        json.dump([run(store, case) for case in json.load(sys.stdin)], sys.stdout)


main()
