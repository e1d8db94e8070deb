"""``deploy container``: a file from which a container is built of the offline bundle."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path, PurePosixPath

from auditor.commands.deployed import Place, put, tell
from auditor.errors import Exit

_FILE, _FOLDER = 0o644, 0o755
#: Nothing goes into the build but the bundle: a folder may hold a site, or keys.
IGNORED = "*\n!auditor-*-offline-*.tar.gz\n"


def deploy_container(directory: Path, *, force: bool, as_json: bool) -> int:
    """Writes ``Containerfile`` and ``.containerignore`` into a folder. :class:`Refused` where they were edited."""
    text = files("auditor").joinpath("templates/Containerfile").read_bytes()
    place = Place(
        directory, "auditor-container.sha256", re.compile(r"Containerfile|\.containerignore"), _FILE, _FOLDER
    )
    done = put(
        place,
        {PurePosixPath("Containerfile"): text, PurePosixPath(".containerignore"): IGNORED.encode()},
        force=force,
    )
    tell(
        place,
        done,
        ["next: put the offline bundle beside them, and follow the lines at the file's head"],
        as_json=as_json,
    )
    return Exit.DONE
