"""A playbook run over a batch of hosts: starts the driver, passes on what it says, and ends it in time.

What is in a job's folder is no secret: the connections are there already (or fetch what they need from a socket), so
that neither an inventory, an environment nor an artifact has to hold a password.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import probes
from inventories.faults import clean
from probes.ansible_run.limits import INVENTORY, LONGEST
from probes.ansible_run.tree import end_tree
from probes.base import Stop

PLAYBOOKS = Path(__file__).parent.parent / "playbooks"

_POLL_SECONDS = 0.1
_READ_BYTES = 1 << 18

#: Ansible looks for plugins of each kind in the operator's and the machine's folders too: never here.
_PLUGIN_KINDS = (
    *("ACTION_PLUGINS", "BECOME_PLUGINS", "CACHE_PLUGINS", "CALLBACK_PLUGINS", "CLICONF_PLUGINS"),
    *("DOC_FRAGMENT_PLUGINS", "FILTER_PLUGINS", "HTTPAPI_PLUGINS", "INVENTORY_PLUGINS", "LIBRARY"),
    *("LOOKUP_PLUGINS", "MODULE_UTILS", "NETCONF_PLUGINS", "ROLES_PATH", "STRATEGY_PLUGINS", "TERMINAL_PLUGINS"),
    *("TEST_PLUGINS", "VARS_PLUGINS", "COLLECTIONS_PATH"),
)


@dataclass(frozen=True, slots=True)
class Job:
    """What to run. ``hosts`` maps a name (a plain word, no address) to its variables; ``group`` to its names.

    ``texts`` are handed to the playbook as files, so that nothing in them is taken for a template.
    """

    playbook: str
    hosts: Mapping[str, Mapping[str, object]]
    groups: Mapping[str, tuple[str, ...]]
    forks: int
    seconds: float
    texts: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happened:
    """One task on one host. ``kind``: ``ok``, ``failed``, ``unreachable`` or ``too_much`` (its answer is dropped)."""

    host: str
    task: str
    kind: str
    result: Mapping[str, object]

    def text(self, name: str) -> str:
        value = self.result.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: ``why`` is empty where the playbook came to its end, else a reason as failures have it."""

    why: str = ""
    message: str = ""


async def run(job: Job, folder: Path, stop: Stop, take: Callable[[Happened], None]) -> Ended:
    """Runs a job in a folder of its own inside ``folder``; every answer goes to ``take`` as it comes.

    Comes back within about a second once ``stop`` is set, and after ``job.seconds``, with nothing of it left.
    """
    home = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    try:
        return await _run(job, home, stop, take)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _run(job: Job, home: Path, stop: Stop, take: Callable[[Happened], None]) -> Ended:
    _prepare(job, home)
    said = home / "driver.txt"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "probes.ansible_run.driver"],
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=_environment(job, home),
            umask=0o077,
            start_new_session=True,
        )
    try:
        why = await _listen(process, job, home, stop, take)
    finally:
        end_tree(process)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
    if why == "crashed":
        return Ended("crashed", f"ansible-runner ended early: {_last_line(said)}")
    return Ended(why, {"stopped": stop.reason, "timed_out": f"no end within {job.seconds:.0f} s"}.get(why, ""))


def _prepare(job: Job, home: Path) -> None:
    """The inventory, the texts, and ansible-runner's own settings, which keep its output off the disk."""
    for name in ("tmp", "nothing", "texts", "env"):
        (home / name).mkdir(mode=0o700)
    for name, text in job.texts.items():
        (home / "texts" / name).write_text(text, "utf-8")
    (home / "ansible.cfg").write_text("", "ascii")
    (home / "env" / "settings").write_text('{"suppress_output_file": true, "pexpect_timeout": 1}', "ascii")
    groups = {
        name: {"hosts": {host: dict(job.hosts[host]) for host in members}} for name, members in job.groups.items()
    }
    body = {"all": {"children": groups, "vars": {"auditor_texts": str(home / "texts")}}}
    # JSON is YAML, as far as plain values go.
    (home / INVENTORY).write_text(json.dumps(body), "ascii")


def _environment(job: Job, home: Path) -> dict[str, str]:
    """Everything that Ansible sees: nothing of the operator's, no plugins but ours, nothing written outside."""
    nothing = str(home / "nothing")
    plugins = PLAYBOOKS / "plugins"
    programs = [str(Path(sys.executable).parent), *os.environ.get("PATH", os.defpath).split(os.pathsep)]
    out = {f"ANSIBLE_{kind}": nothing for kind in _PLUGIN_KINDS}
    out |= {
        "PATH": os.pathsep.join(programs),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(probes.__file__).parent.parent),
        "PYTHONSAFEPATH": "1",
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_HOME": str(home / "tmp"),
        "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
        "ANSIBLE_CONNECTION_PLUGINS": str(plugins / "connection"),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "False",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_INJECT_FACT_VARS": "False",
        "ANSIBLE_CACHE_PLUGIN": "memory",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_PIPELINING": "True",
        # ansible-runner empties results beyond this, and says nothing.
        "MAX_EVENT_RES": str(LONGEST),
    }
    if site.ENABLE_USER_SITE:
        out["PYTHONUSERBASE"] = site.getuserbase()
    return {**out, **job.environment}


async def _listen(
    process: subprocess.Popen[bytes], job: Job, home: Path, stop: Stop, take: Callable[[Happened], None]
) -> str:
    """Reads lines until the driver has said its last; says why it was not waited for, or how it failed."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the driver needs pipes")
    order = {"folder": str(home), "playbook": str(PLAYBOOKS / job.playbook), "forks": job.forks}
    try:
        process.stdin.write(json.dumps(order).encode("ascii"))
        process.stdin.close()
    except BrokenPipeError:
        return "crashed"
    reader = process.stdout.fileno()
    os.set_blocking(reader, False)
    end = time.monotonic() + job.seconds
    waiting = bytearray()
    while True:
        if stop.is_set:
            return "stopped"
        if time.monotonic() >= end:
            return "timed_out"
        try:
            piece = os.read(reader, _READ_BYTES)
        except BlockingIOError:
            await _readable(reader)
            continue
        if not piece:
            return "crashed"
        waiting += piece
        if b"\n" not in piece:
            await asyncio.sleep(0)
            continue
        *lines, rest = waiting.split(b"\n")
        waiting = bytearray(rest)
        for line in lines:
            told = json.loads(line)
            if "ended" in told:
                return ""
            take(Happened(str(told["host"]), str(told["task"]), str(told["kind"]), told["result"]))
        await asyncio.sleep(0)


async def _readable(handle: int) -> None:
    """Waits until there is something to read, or for a moment."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(handle, ready.set)
    try:
        async with asyncio.timeout(_POLL_SECONDS):
            await ready.wait()
    except TimeoutError:
        return
    finally:
        loop.remove_reader(handle)


def _last_line(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 4096))
            lines = stream.read(4096).decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return clean(next((line for line in reversed(lines) if line.strip()), ""), 200)
