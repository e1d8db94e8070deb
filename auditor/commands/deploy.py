"""``deploy grafana``: data source, dashboards and where they lie, into Grafana's folder of settings."""

from __future__ import annotations

import enum
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from auditor.errors import Exit, Refused
from auditor.output import print_json, say, write
from inventories.faults import clean
from reports.files import write_whole
from reports.grafana.provisioning import DASHBOARDS, provisioned

#: Grafana runs as another user, and reads them by its group, which is that of the folder given.
_FILE, _FOLDER = 0o640, 0o750
#: What was written, as ``sha256sum`` writes it: a file that is not as it says was edited by a person.
RECORD = "auditor-grafana.sha256"
#: Ours are some 100 kB; what is larger was written by somebody else, and is not read.
_MOST_BYTES = 5_000_000
_OURS = re.compile(rf"{DASHBOARDS}/auditor-[a-z-]+\.json")


class Standing(enum.Enum):
    """How the file that is there compares with the one to be written."""

    MISSING = "missing"
    SAME = "same"
    OURS = "ours"
    EDITED = "edited"


@dataclass(slots=True)
class Done:
    """What became of every file, by its path below the folder. ``replaced`` ones are kept as ``NAME.bak``."""

    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


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
    record = _recorded(directory)
    standings = {path: _standing(directory, path, data, record) for path, data in texts.items()}
    edited = [path for path, standing in standings.items() if standing is Standing.EDITED]
    if edited and not force:
        raise Refused(
            *(f"{directory / path} was edited, or is not ours" for path in edited),
            "nothing was written: --force replaces them, and keeps each as NAME.bak",
        )
    done = Done()
    _make(directory, {path.parent for path in texts})
    for path, data in texts.items():
        _put(directory, path, data, standings[path], done)
    _tidy(directory, [path for path in record if path not in texts], record, done)
    _write(directory, PurePosixPath(RECORD), _record_of(texts))
    _tell(directory, done, as_json=as_json)
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


# --- what is there ------------------------------------------------------------------------------------------


def _recorded(directory: Path) -> dict[PurePosixPath, str]:
    """What was written here before; empty where that cannot be read: then every other file counts as edited."""
    path = directory / RECORD
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = (re.fullmatch(r"([0-9a-f]{64})  ([\w./-]+)", line) for line in lines)
    return {PurePosixPath(match[2]): match[1] for match in found if match}


def _record_of(texts: Mapping[PurePosixPath, bytes]) -> bytes:
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(texts.items()))
    return "".join(lines).encode()


def _standing(directory: Path, relative: PurePosixPath, data: bytes, record: Mapping[PurePosixPath, str]) -> Standing:
    path = directory / relative
    if path.is_dir() and not path.is_symlink():
        raise Refused(f"{path} is a folder: a file has to stand there")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return Standing.EDITED
    found = _read(path)
    if found is None:
        return Standing.MISSING
    if found == data:
        return Standing.SAME
    return Standing.OURS if hashlib.sha256(found).hexdigest() == record.get(relative) else Standing.EDITED


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None


# --- writing ------------------------------------------------------------------------------------------------


def _make(directory: Path, folders: Iterable[PurePosixPath]) -> None:
    """The folders that are missing; the rights of those that are there stay as they are."""
    wanted = {directory / parent for folder in folders for parent in (folder, *folder.parents)} | {directory}
    for folder in sorted(wanted):
        if folder.is_dir():
            continue
        if folder.exists() or folder.is_symlink():
            raise Refused(f"{folder} is not a folder")
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER)
        if folder != directory:
            _give(directory, folder)


def _put(directory: Path, relative: PurePosixPath, data: bytes, standing: Standing, done: Done) -> None:
    if standing is Standing.SAME:
        done.same.append(str(relative))
        return
    if standing is Standing.EDITED:
        path = directory / relative
        path.replace(path.with_name(f"{path.name}.bak"))
        done.replaced.append(str(relative))
    else:
        done.written.append(str(relative))
    _write(directory, relative, data)


def _write(directory: Path, relative: PurePosixPath, data: bytes) -> None:
    write_whole(directory / relative, data, mode=_FILE)
    _give(directory, directory / relative)


def _give(directory: Path, path: Path) -> None:
    """The group of the folder given, as far as we may: Grafana's own folder is its group's."""
    group = directory.stat().st_gid
    if path.stat().st_gid != group and (os.geteuid() == 0 or group in os.getgroups()):
        os.chown(path, -1, group)


def _tidy(directory: Path, gone: Iterable[PurePosixPath], record: Mapping[PurePosixPath, str], done: Done) -> None:
    """Removes dashboards that are shipped no more, unless somebody edited them."""
    for relative in gone:
        path = directory / relative
        if not _OURS.fullmatch(str(relative)) or path.is_symlink() or not path.is_file():
            continue
        found = _read(path)
        if found is not None and hashlib.sha256(found).hexdigest() == record[relative]:
            path.unlink()
            done.removed.append(str(relative))
        else:
            done.left.append(str(relative))


def _tell(directory: Path, done: Done, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "directory": str(directory),
                "written": done.written,
                "same": done.same,
                "replaced": done.replaced,
                "removed": done.removed,
                "left": done.left,
            }
        )
        return
    for relative in (*done.written, *done.replaced):
        write(str(directory / relative))
    say(f"{len(done.written) + len(done.replaced)} files written, {len(done.same)} as they were")
    for relative in done.replaced:
        say(clean(f"replaced; the edited one is {directory / relative}.bak", 2000))
    for relative in done.removed:
        say(clean(f"removed, shipped no more: {directory / relative}", 2000))
    for relative in done.left:
        say(clean(f"shipped no more, and left because it was edited: {directory / relative}", 2000))
    say(clean(f"next: chgrp -R grafana {directory}, where that is not its group; then restart Grafana", 2000))
