"""From a job over connections that stand to what was read on each host, or why it was not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Protocol

from inventories.faults import clean
from probes.ansible_run.process import Ended, Happened
from probes.inside import EXTRAS, MARK_END, SCRIPT, Inside, from_ansible, from_raw
from probes.ssh.packages import PACKAGES, packages_of
from probes.ssh.said import Refused

#: Bytes that one command may give: a host with 5,000 packages and 1,000 listeners gives a tenth of it.
MOST_OUTPUT = 8 * 1024 * 1024

#: What a connection says of a command that did not come to its end. A host that answers with a module's result of
#: its own making could say the same, and so no more than this.
_REASONS = (
    *("bad_output", "certificate", "forbidden", "login_refused", "no_credentials", "no_shell", "not_installed"),
    *("timed_out", "too_much", "unavailable", "unreachable"),
)
_OURS = re.compile(rf"auditor:({'|'.join(_REASONS)}): ([^\n]{{0,200}})")

LOOK_BEGIN, LOOK_END = "=== auditor look 1", "=== auditor looked 1"

#: Finds an interpreter that can run Ansible's modules without writing: new enough, and able to keep files in memory.
LOOK = f"""\
echo "{LOOK_BEGIN}"
for name in /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11 python3.10 python3.9 python3.8 \\
  /usr/local/bin/python3 /usr/libexec/platform-python; do
  path=$(command -v "$name" 2>/dev/null) || continue
  case $path in /*) ;; *) continue ;; esac
  "$path" -I -B -c 'import os, sys
os.memfd_create("look")
sys.exit(sys.version_info[:2] < (@OLDEST@))' >/dev/null 2>&1 && echo "auditor-python $path" && break
done
echo "{LOOK_END}"
"""


@dataclass(slots=True)
class Answers:
    """What one host said: a task's output by the task's name, and what went wrong last."""

    said: dict[str, Mapping[str, object]] = field(default_factory=dict)
    wrong: Refused | None = None

    def take(self, happened: Happened) -> None:
        found = _OURS.search(happened.text("msg"))
        if found:
            self.wrong = Refused(found[1], clean(found[2], 200))
        elif happened.kind == "too_much":
            self.wrong = Refused("too_much", "a command gave more than can be taken")
        elif happened.kind == "unreachable":
            self.wrong = Refused("unreachable", "the connection broke off")
        else:
            self.said[happened.task] = happened.result

    def text(self, task: str) -> str:
        value = self.said.get(task, {}).get("stdout")
        return value if isinstance(value, str) else ""

    def words(self, task: str) -> str:
        """The last line that a host said in a task, safe to show."""
        both = [self.said.get(task, {}).get(name) for name in ("stdout", "stderr")]
        lines = [line for text in both if isinstance(text, str) for line in text.splitlines() if line.strip()]
        return clean(lines[-1].strip(), 80) if lines else ""


class Reading(Protocol):
    """One way of reading hosts: a playbook, what it is given, and what its answers mean."""

    @property
    def playbook(self) -> str: ...

    @property
    def system(self) -> str:
        """What runs commands there: ``sh`` or ``powershell``."""
        ...

    def texts(self) -> Mapping[str, str]: ...

    def read(self, answers: Answers, path: str, ended: Ended) -> Inside | Refused: ...


@dataclass(frozen=True, slots=True)
class ShellReading:
    """Hosts with a POSIX shell: by Ansible where they have a Python for it, else by a script."""

    playbook: str = "ssh.yaml"
    system: str = "sh"

    def texts(self) -> Mapping[str, str]:
        look = LOOK.replace("@OLDEST@", ", ".join(map(str, oldest_python())))
        return {"look": look, "extras": f"{PACKAGES}\n{EXTRAS}", "script": SCRIPT}

    def read(self, answers: Answers, path: str, ended: Ended) -> Inside | Refused:
        """What a host's answers amount to. Only what came to its end counts: half an answer is none."""
        facts = answers.said.get("facts", {}).get("ansible_facts")
        extras = answers.text("extras")
        if isinstance(facts, Mapping) and facts and MARK_END in extras:
            inside = from_ansible(facts, packages_of(extras), extras)
            if inside.is_complete:
                return inside
        shell = answers.text("shell")
        if MARK_END in shell:
            inside = from_raw(shell)
            return inside if inside.is_complete else Refused("bad_output", "the answer is not whole")
        if answers.wrong is not None:
            return answers.wrong
        return self._without(answers, path, ended)

    def _without(self, answers: Answers, path: str, ended: Ended) -> Refused:
        last = "look" if path == "ansible" else "shell"
        if last in answers.said and "=== " not in answers.text(last):
            said = answers.words(last)
            return Refused("no_shell", "the login runs no commands" + (f": it says “{said}”" if said else ""))
        if "shell" in answers.said:
            return Refused("bad_output", "the answer breaks off")
        if ended.why:
            return Refused(ended.why, ended.message)
        if path == "ansible" and LOOK_END in answers.text("look"):
            found = "\nauditor-python /" in answers.text("look")
            words = "Ansible cannot read it" if found else "no Python that Ansible can use"
            return Refused("unavailable", f"{words}, and this login allows no other path")
        return Refused("bad_output", "no answer")


def oldest_python() -> tuple[int, int]:
    """The oldest Python that the modules of the installed ansible-core run on.

    ansible-core lists the interpreters that it looks for on targets; the oldest of them is the oldest that it
    supports (``INTERPRETER_PYTHON_FALLBACK`` in its ``config/base.yml``).
    """
    spec = find_spec("ansible")
    found: list[tuple[str, str]] = []
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        text = (Path(folder) / "config" / "base.yml").read_text("utf-8")
        lines = text.partition("\nINTERPRETER_PYTHON_FALLBACK:\n")[2].splitlines()
        section = takewhile(lambda line: line.startswith((" ", "-")), lines)
        found += re.findall(r"python(\d+)\.(\d+)", "\n".join(section))
    return min(((int(major), int(minor)) for major, minor in found), default=(3, 8))
