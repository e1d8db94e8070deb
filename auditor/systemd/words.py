"""Values as unit files write them (systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"). Pure.

A path of the machine's may hold blanks, quotes, per cent and dollar signs; all are escaped. What no escape carries
through (control characters, a line's end) is refused.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from inventories.faults import clean

#: As useradd takes them; a number would be some other account's on another machine.
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
#: What the units hide from whatever runs in them.
_HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev", "/proc", "/sys")  # noqa: S108  refused, not used
_MOST = 1024


def user(text: str, option: str) -> str:
    """An account's name. ValueError for what is none, and for root."""
    if text == "root" or not _USER.fullmatch(text):
        raise ValueError(f"{option} {clean(text, 80)!r} is no account to run under: name one such as auditor")
    return text


def path(text: str, option: str, *, seen: bool = True) -> str:
    """An absolute path as it stands. ValueError for others, and for what the units would hide (``seen``)."""
    shown = clean(text, 200)
    if not text.startswith("/") or ".." in PurePosixPath(text).parts or len(text.encode()) > _MOST:
        raise ValueError(f"{option} {shown!r} is no absolute path")
    if clean(text, 2 * _MOST) != text:
        raise ValueError(f"{option} {shown!r} holds a character that no unit file can carry")
    where = PurePosixPath(text)
    if seen and any(where.is_relative_to(hidden) for hidden in _HIDDEN):
        raise ValueError(f"{option} {shown!r} lies where a service sees nothing: move it, such as to /srv/auditor")
    return text


def program(text: str, option: str) -> str:
    """A program's path. ValueError as for :func:`path`, and for what systemd takes in no program's name."""
    if set(text) & set("\"'\\$"):
        raise ValueError(f"{option} {clean(text, 200)!r} has a quote, a backslash or a dollar sign in it: move it")
    return path(text, option)


def word(text: str) -> str:
    """One word of a setting that takes several, in quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def argument(text: str) -> str:
    """One word of a command line, where a dollar sign would begin a variable."""
    plain = re.fullmatch(r"[A-Za-z0-9_./:@,=+-]+", text)
    return text if plain else word(text.replace("$", "$$"))


def command(*arguments: str) -> str:
    return " ".join(map(argument, arguments))


def line(text: str) -> str:
    """The rest of a line that is read as it stands, such as a description."""
    return clean(text, 200).replace("%", "%%").replace("\\", "\\\\")
