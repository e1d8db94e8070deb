"""Installed packages, asked of dpkg and rpm themselves and handed on in the form of Ansible's ``package_facts``.

The module itself is not used: as root, on Debian's line, it rewrites apt's cache files on the target (python-apt
does); and it fails where the interpreter lacks python3-apt or python3-rpm, which minimal and older systems do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: More packages than any distribution has.
MOST_PACKAGES = 100_000

_BEGIN, _END = "=== auditor packages 1", "=== auditor packages end 1"

#: One package a line: source, name, version, architecture, and then rpm's release and epoch, or dpkg's state.
PACKAGES = f"""\
LC_ALL=C; export LC_ALL
echo "{_BEGIN}"
if command -v dpkg-query >/dev/null 2>&1; then
  dpkg-query -W -f='apt\\t${{Package}}\\t${{Version}}\\t${{Architecture}}\\t${{db:Status-Abbrev}}\\t\\n' 2>/dev/null
fi
if command -v rpm >/dev/null 2>&1; then
  rpm -qa --qf 'rpm\\t%{{NAME}}\\t%{{VERSION}}\\t%{{ARCH}}\\t%{{RELEASE}}\\t%{{EPOCH}}\\n' 2>/dev/null
fi
echo "{_END}"
"""

_LINE = re.compile(r"(apt|rpm)\t([^\t]{1,200})\t([^\t]{0,200})\t([^\t]{0,40})\t([^\t]{0,200})\t([^\t]{0,40})")


def packages_of(text: str) -> Mapping[str, object]:
    """Name → its installed versions, as ``ansible_facts.packages`` has them; empty where the list breaks off."""
    _, begun, rest = text.rpartition(_BEGIN)
    listed, ended, _ = rest.partition(_END)
    if not begun or not ended:
        return {}
    out: dict[str, list[dict[str, str | None]]] = {}
    for line in listed.splitlines()[:MOST_PACKAGES]:
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            continue
        source, name, version, arch, more, epoch = found.groups()
        # dpkg remembers what was removed, too.
        if source == "apt" and more[1:2] != "i":
            continue
        entry: dict[str, str | None] = {"name": name, "version": version, "arch": arch, "source": source}
        if source == "rpm":
            entry |= {"release": more, "epoch": None if epoch in ("", "(none)") else epoch}
        out.setdefault(name, []).append(entry)
    return out
