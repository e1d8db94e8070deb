"""How a script reaches PowerShell: on standard input, so that no command line's length limits it, nor a code page."""

from __future__ import annotations

import base64

_TAKE = (
    "$t=[Console]::In.ReadToEnd();"
    "$s=[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($t));"
    "& ([ScriptBlock]::Create($s))"
)

#: The program and its arguments: no profile is run, nobody is asked, and what comes on standard input is the script.
COMMAND = (
    "powershell",
    "-NoProfile",
    "-NonInteractive",
    "-EncodedCommand",
    base64.b64encode(_TAKE.encode("utf-16-le")).decode("ascii"),
)


def on_standard_input(script: str) -> bytes:
    """A script as :data:`COMMAND` takes it."""
    return base64.b64encode(script.encode("utf-8"))
