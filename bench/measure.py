"""Runs a command and writes what it took to a file: wall and processor seconds, peak memory of its largest process.

    measure.py RESULT STDOUT STDERR COMMAND ARGUMENT...
"""
import json
import resource
import subprocess
import sys
import time

result, stdout, stderr, *command = sys.argv[1:]
with open(stdout, "wb") as out, open(stderr, "wb") as err:
    began = time.monotonic()
    code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(result, "w", encoding="utf-8") as file:
    json.dump(
        {
            "code": code,
            "seconds": seconds,
            "processorSeconds": used.ru_utime + used.ru_stime,
            "megabytes": used.ru_maxrss / 1024,
        },
        file,
    )
