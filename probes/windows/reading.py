"""What a Windows server's answer amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probes.ansible_run.process import Ended
from probes.inside.model import Inside
from probes.inside.windows import POWERSHELL, from_windows
from probes.ssh.reading import Answers
from probes.ssh.said import Refused


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
        said = answers.words("shell")
        return Refused("no_shell", "PowerShell does not run" + (f": it says “{said}”" if said else ""))
