"""Runs the reference implementation so that it leaves the same error record as bst-ts (see docs/errors.md)."""
import json
import os
import platform
import sys

record_path = os.environ.pop("BST_TS_ERROR_FILE", None)
uname = os.environ.pop("BST_TS_UNAME", None)

if uname:
    real = platform.uname()
    system, machine = uname.split("|")
    pretended = real._replace(system=system, machine=machine)
    platform.uname = lambda: pretended

# BuildStream remembers the last failed job's error in this mode only.
os.environ["BST_TEST_SUITE"] = "1"

from buildstream import _exceptions  # noqa: E402
from buildstream._frontend import app, cli  # noqa: E402

ended_by = None
error_exit = app.App._error_exit


def remember(self, error, prefix=None):
    global ended_by
    ended_by = error
    return error_exit(self, error, prefix)


app.App._error_exit = remember


def name(value):
    """An enumeration's name as the record spells it; anything else as it is."""
    return value.name.lower().replace("_", "-") if getattr(value, "name", None) else value


def write_record(crash=None):
    record = {}
    if crash is not None:
        record = {"domain": None, "reason": None, "unhandled": True, "message": repr(crash)}
    elif ended_by is not None:
        record = {
            "domain": name(ended_by.domain),
            "reason": name(ended_by.reason),
            "message": str(ended_by),
            "detail": ended_by.detail,
        }
    task_domain = _exceptions._last_task_error_domain
    if task_domain is not None:
        record["task"] = {"domain": name(task_domain), "reason": name(_exceptions._last_task_error_reason)}
    if record and record_path:
        with open(record_path, "w", encoding="utf-8") as file:
            json.dump(record, file, default=str)


# BuildStream's helper processes import this file again.
if __name__ == "__main__":
    try:
        cli.main(args=sys.argv[1:], prog_name="bst")
    except SystemExit as end:
        if end.code:
            write_record()
        raise
    except Exception as error:
        write_record(error)
        raise
