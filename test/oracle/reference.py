"""Runs the reference implementation so that it leaves the same error record as bst-ts (see docs/errors.md).

Each line of standard input is a command in JSON: id, args, cwd, env, timeout in seconds, and the files that get its output,
stdout and stderr. It runs in a copy of this process, as loading BuildStream takes longer than most commands do. When it has
ended, standard output gets a line with its id and exit code, which is negative for a signal.
"""
import json
import os
import platform
import signal
import sys

# BuildStream remembers the last failed job's error in this mode only.
os.environ["BST_TEST_SUITE"] = "1"

from buildstream import _exceptions, _stream  # noqa: E402,F401
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


def write_record(record_path, crash=None):
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
    if record:
        with open(record_path, "w", encoding="utf-8") as file:
            json.dump(record, file, default=str)


def run(command):
    """Becomes the command: ends the process."""
    os.setsid()
    os.chdir(command["cwd"])
    for descriptor, path in enumerate([os.devnull, command["stdout"], command["stderr"]]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(command["env"], BST_TEST_SUITE="1")
    record_path = os.environ.pop("BST_TS_ERROR_FILE")
    uname = os.environ.pop("BST_TS_UNAME", None)
    if uname:
        system, machine = uname.split("|")
        pretended = platform.uname()._replace(system=system, machine=machine)
        platform.uname = lambda: pretended
    sys.argv[1:] = command["args"]
    try:
        cli.main(args=command["args"], prog_name="bst")
    except SystemExit as end:
        if end.code:
            write_record(record_path)
        raise
    except Exception as error:
        write_record(record_path, error)
        raise


def attend(command, answers):
    """Runs a command in a process of its own, and says how it ended."""
    process = os.fork()
    if process == 0:
        os.close(answers)
        run(command)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(process, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, command["timeout"])
    _, status = os.waitpid(process, 0)
    answer = {"id": command["id"], "code": os.waitstatus_to_exitcode(status)}
    os.write(answers, (json.dumps(answer) + "\n").encode())
    os._exit(0)


def serve():
    answers = os.dup(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            attend(json.loads(line), answers)


# BuildStream's helper processes import this file again.
if __name__ == "__main__":
    serve()
