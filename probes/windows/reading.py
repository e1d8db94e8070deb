"""What a Windows server's answer amounts to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from inventories.faults import clean
from probes.ansible_run.process import Ended, Happened
from probes.inside.model import Inside
from probes.inside.windows import POWERSHELL, from_windows
from probes.ssh.reading import Answers
from probes.ssh.said import Refused

#: What our own connection over WinRM says; no module runs there that could put words into its mouth.
_OURS = re.compile(r"auditor:([a-z_]{3,30}): ([^\n]{0,200})")

#: Ansible's words for a task that took longer than its time.
_LATE = re.compile(r"\bTimed out after \d+ second")


class WinrmAnswers(Answers):
    """What one host said over WinRM."""

    def take(self, happened: Happened) -> None:
        if "stdout" in happened.result:
            # The script was run: whatever the result says, the server says it.
            self.said[happened.task] = happened.result
        elif found := _OURS.search(happened.text("msg")):
            self.wrong = Refused(found[1], clean(found[2], 200))
        else:
            super().take(happened)


@dataclass(frozen=True, slots=True)
class WindowsReading:
    """Servers with PowerShell, over whatever connection: one script, one JSON document."""

    playbook: str = "windows.yaml"
    system: str = "powershell"

    def texts(self) -> Mapping[str, str]:
        return {"script": POWERSHELL}

    def read(self, answers: Answers, path: str, ended: Ended) -> Inside | Refused:
        """A whole document, or why there is none."""
        text = answers.text("shell")
        inside = from_windows(text)
        if inside.is_complete:
            return inside
        if answers.wrong is not None:
            return answers.wrong
        if "shell" not in answers.said:
            return Refused(ended.why, ended.message) if ended.why else Refused("bad_output", "no answer")
        if "{" in text:
            return Refused("bad_output", "the answer is no whole document")
        if _LATE.search(str(answers.said["shell"].get("msg", ""))):
            return Refused("timed_out", "the script did not end in time")
        said = answers.words("shell")
        if not said:
            return Refused(
                "no_shell", "PowerShell says nothing: version 3 or later is needed (Windows Server 2012, WMF 3)"
            )
        return Refused("no_shell", f"PowerShell does not run: it says “{said}”")
