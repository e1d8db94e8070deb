"""Settings written into a folder of another program's: whole files, and nothing that a person edited is lost.

Beside the files lies a record of what was written, as ``sha256sum`` writes it. A file that is not as the record says
was edited by a person, or is not ours: it stops everything before anything is written, unless it may be replaced.
"""

from __future__ import annotations

import enum
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from auditor.errors import Refused
from auditor.output import print_json, say, write
from inventories.faults import clean
from reports.files import write_whole

#: Ours are some 100 kB; what is larger was written by somebody else, and is not read.
_MOST_BYTES = 5_000_000


class Standing(enum.Enum):
    """How the file that is there compares with the one to be written."""

    MISSING = "missing"
    SAME = "same"
    OURS = "ours"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of settings. ``record`` is the file that remembers what was written, ``ours`` the paths that we may
    have written and would take back. With ``with_group`` files get the folder's group, by which others read them."""

    directory: Path
    record: str
    ours: re.Pattern[str]
    file_mode: int
    folder_mode: int
    with_group: bool = False


@dataclass(slots=True)
class Done:
    """What became of every file, by its path below the folder. ``replaced`` ones are kept as ``NAME.bak``."""

    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def put(place: Place, texts: Mapping[PurePosixPath, bytes], *, force: bool) -> Done:
    """Writes files by their paths below the folder, and removes those of ours that are shipped no more.

    :class:`Refused`, before anything is written, where a file was edited or is not ours; ``force`` replaces these and
    keeps each as ``NAME.bak``.
    """
    directory = place.directory
    record = _recorded(place)
    standings = {path: _standing(directory, path, data, record) for path, data in texts.items()}
    edited = [path for path, standing in standings.items() if standing is Standing.EDITED]
    if edited and not force:
        raise Refused(
            *(f"{directory / path} was edited, or is not ours" for path in edited),
            "nothing was written: --force replaces them, and keeps each as NAME.bak",
        )
    done = Done()
    _make(place, {path.parent for path in texts})
    for path, data in texts.items():
        _put(place, path, data, standings[path], done)
    _tidy(place, [path for path in record if path not in texts], record, done)
    _write(place, PurePosixPath(place.record), _record_of(texts))
    return done


def tell(place: Place, done: Done, next_steps: Iterable[str], *, as_json: bool) -> None:
    """What was done, and what a person does next."""
    directory = place.directory
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
    for step in next_steps:
        say(clean(step, 2000))


# --- what is there ------------------------------------------------------------------------------------------


def _recorded(place: Place) -> dict[PurePosixPath, str]:
    """What was written here before; empty where that cannot be read: then every other file counts as edited."""
    path = place.directory / place.record
    if not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    found = (re.fullmatch(r"([0-9a-f]{64})  ([\w./@-]+)", line) for line in lines)
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


def _make(place: Place, folders: Iterable[PurePosixPath]) -> None:
    """The folders that are missing; the rights of those that are there stay as they are."""
    directory = place.directory
    wanted = {directory / parent for folder in folders for parent in (folder, *folder.parents)} | {directory}
    for folder in sorted(wanted):
        if folder.is_dir():
            continue
        if folder.exists() or folder.is_symlink():
            raise Refused(f"{folder} is not a folder")
        folder.mkdir(parents=True)
        folder.chmod(place.folder_mode)
        if folder != directory:
            _give(place, folder)


def _put(place: Place, relative: PurePosixPath, data: bytes, standing: Standing, done: Done) -> None:
    if standing is Standing.SAME:
        done.same.append(str(relative))
        return
    if standing is Standing.EDITED:
        path = place.directory / relative
        path.replace(path.with_name(f"{path.name}.bak"))
        done.replaced.append(str(relative))
    else:
        done.written.append(str(relative))
    _write(place, relative, data)


def _write(place: Place, relative: PurePosixPath, data: bytes) -> None:
    write_whole(place.directory / relative, data, mode=place.file_mode)
    _give(place, place.directory / relative)


def _give(place: Place, path: Path) -> None:
    """The group of the folder given, as far as we may, where that is by whom they are read."""
    group = place.directory.stat().st_gid
    if place.with_group and path.stat().st_gid != group and (os.geteuid() == 0 or group in os.getgroups()):
        os.chown(path, -1, group)


def _tidy(place: Place, gone: Iterable[PurePosixPath], record: Mapping[PurePosixPath, str], done: Done) -> None:
    """Removes files of ours that are shipped no more, unless somebody edited them."""
    for relative in gone:
        path = place.directory / relative
        if not place.ours.fullmatch(str(relative)) or path.is_symlink() or not path.is_file():
            continue
        found = _read(path)
        if found is not None and hashlib.sha256(found).hexdigest() == record[relative]:
            path.unlink()
            done.removed.append(str(relative))
        else:
            done.left.append(str(relative))
