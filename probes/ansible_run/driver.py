"""The process that runs ansible-runner: a job comes in on standard input, what happened goes out line by line.

It is started with nothing of the operator's environment. It holds on to everything that Ansible starts (as a
subreaper), and when it is told to end, or the audit dies, it ends all of that and removes the job's folder.

In: one JSON object: ``folder``, ``playbook``, ``forks``. Out: JSON objects, one a line: ``{"host", "task", "kind",
"result"}``, and as the last one ``{"ended": status}``. An answer of more than ``LONGEST`` is left out: its line then
says ``"kind": "too_much"``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from probes.ansible_run.limits import INVENTORY, LONGEST
from probes.ansible_run.tree import descendants

#: Event of ansible-runner → our word for it. All others say nothing about a host.
KINDS = {"runner_on_ok": "ok", "runner_on_failed": "failed", "runner_on_unreachable": "unreachable"}

#: What is passed on of a task's result.
KEPT = ("rc", "stdout", "stderr", "msg", "ansible_facts", "exception")

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    job = json.load(sys.stdin.buffer)
    folder = Path(job["folder"])

    def leave(_number: int, _frame: object) -> None:
        end_all(folder)

    signal.signal(signal.SIGTERM, leave)
    if os.getppid() != parent:
        end_all(folder)
    # Whatever prints, prints into nothing: our own lines go out by another way.
    out = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    status = run(job, folder, out)
    say(out, {"ended": status})
    return 0


def run(job: dict[str, Any], folder: Path, out: BinaryIO) -> str:
    """Runs the playbook; what a host answered is said at once."""
    import ansible_runner

    arguments = ["-P", "-m", "ansible", "playbook", str(job["playbook"])]

    def heard(event: dict[str, Any]) -> bool:
        kind = KINDS.get(str(event.get("event")))
        if kind:
            say(out, answer(kind, event.get("event_data") or {}))
        # No event is kept on the disk.
        return False

    runner = ansible_runner.run(
        private_data_dir=str(folder),
        ident="run",
        inventory=str(folder / INVENTORY),
        binary=sys.executable,
        cmdline=shlex.join(arguments),
        forks=int(job["forks"]),
        event_handler=heard,
        # Left out, ansible-runner would put its own handler in the place of ours.
        cancel_callback=lambda: False,
        quiet=True,
        fact_cache_type="memory",
        suppress_env_files=True,
    )
    return str(runner.status)


def answer(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    result = data.get("res")
    if not isinstance(result, dict) or not result:
        # ansible-runner itself empties what is larger than its limit.
        return {"host": data.get("host"), "task": data.get("task"), "kind": "too_much", "result": {}}
    kept = {name: result[name] for name in KEPT if name in result}
    return {"host": data.get("host"), "task": data.get("task"), "kind": kind, "result": kept}


def say(out: BinaryIO, line: dict[str, Any]) -> None:
    text = json.dumps(line).encode("ascii")
    if len(text) > LONGEST:
        short: dict[str, Any] = {"host": line.get("host"), "task": line.get("task"), "kind": "too_much", "result": {}}
        text = json.dumps(short).encode("ascii")
    out.write(text + b"\n")
    out.flush()


def end_all(folder: Path) -> NoReturn:
    """Ends everything that was started, and this process."""
    for _ in range(100):
        left = descendants(os.getpid())
        if not left:
            break
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
