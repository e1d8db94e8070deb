"""``deploy grafana``: data source, dashboards and where they lie, into Grafana's folder of settings."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from auditor.commands.deployed import Place, put, tell
from auditor.errors import Exit, Refused
from inventories.faults import clean
from reports.grafana.provisioning import DASHBOARDS, provisioned

#: Grafana runs as another user, and reads them by its group, which is that of the folder given.
_FILE, _FOLDER = 0o640, 0o750
#: What was written, as ``sha256sum`` writes it: a file that is not as it says was edited by a person.
RECORD = "auditor-grafana.sha256"
_OURS = re.compile(rf"{DASHBOARDS}/auditor-[a-z-]+\.json")


def deploy_grafana(
    directory: Path, *, prometheus: str, console: str, seen_as: str, force: bool, as_json: bool
) -> int:
    """Writes the data source, the provider and the dashboards into ``directory``.

    ``seen_as`` is what Grafana calls the folder, where that differs (a container). :class:`Refused`, before anything
    is written, for an address that is none or holds a password, and where a file was edited, or is not ours;
    ``force`` replaces these and keeps each as ``NAME.bak``.
    """
    source = address(prometheus, "--prometheus-url")
    desk = address(console, "--console-url") if console else ""
    texts = {
        path: text.encode() for path, text in provisioned(source, desk, _folder_named(directory, seen_as)).items()
    }
    place = Place(directory, RECORD, _OURS, _FILE, _FOLDER, with_group=True)
    done = put(place, texts, force=force)
    step = f"next: chgrp -R grafana {directory}, where that is not its group; then restart Grafana"
    tell(place, done, [step], as_json=as_json)
    return Exit.DONE


def address(text: str, option: str) -> str:
    """An address without its last slash; :class:`Refused` for what is none, or holds a password."""
    shown = clean(text, 200)
    # No blank, quote, brace or dollar: it goes into settings, and into addresses that Grafana completes.
    if len(text) > 300 or not re.fullmatch(r"https?://[\w.:@\[\]/~%+-]+", text, re.ASCII):
        raise Refused(f"{option} {shown!r} is no address: write one such as http://127.0.0.1:9090")
    try:
        parts = urlsplit(text)
        host, secret, _ = parts.hostname, "@" in parts.netloc, parts.port
    except ValueError:
        raise Refused(f"{option} {shown!r} is no address: its host or port cannot be read") from None
    if secret:
        raise Refused(
            f"{option} holds a user or password, and everybody who reads the file would have it",
            "write a data source of your own, with the password as $__file{…}: see docs/grafana.md",
        )
    if not host:
        raise Refused(f"{option} {shown!r} names no host")
    return text.rstrip("/")


def _folder_named(directory: Path, seen_as: str) -> PurePosixPath:
    if not seen_as:
        return PurePosixPath(directory.resolve())
    path = PurePosixPath(seen_as)
    if not path.is_absolute() or ".." in path.parts or clean(seen_as, 1000) != seen_as:
        raise Refused(f"--seen-as {clean(seen_as, 200)!r} is no absolute path")
    return path
