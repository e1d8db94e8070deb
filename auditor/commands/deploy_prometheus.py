"""``deploy prometheus``: rules, examples and runbooks into a folder; what was edited there is not overwritten."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from auditor.commands.deployed import Standing
from auditor.errors import Exit, Refused
from auditor.output import say
from inventories.faults import clean
from reports.files import write_whole
from reports.prometheus.bundle import Piece, bundle, untouched
from reports.prometheus.shipped import RUNBOOKS

#: Prometheus and Alertmanager run as other users and have to read them; they hold no figure of the city.
_FILE, _FOLDER = 0o644, 0o755
#: A file of ours is some 40 kB; what is larger was written by somebody else, and is not read.
_MOST_BYTES = 1_000_000


def deploy_prometheus(directory: Path, *, target: str, force: bool, runbooks: str = RUNBOOKS) -> int:
    """Writes ``prometheus.yml``, ``alertmanager.yml``, ``auditor.tmpl``, ``rules/`` and ``runbooks/``.

    ``target`` is the exporter's ``host:port``; ``runbooks`` where people read the pages (a URL or a path), for the
    links in alerts. Edited rules or runbooks end it with :class:`Refused` before anything is written; edited examples
    and thresholds are kept. ``force`` replaces all of them, and keeps each edited one as ``NAME.bak``.
    """
    try:
        pieces = bundle(target, runbooks)
    except ValueError as error:
        raise Refused(str(error)) from None
    folders = (directory, *sorted({(directory / piece.path).parent for piece in pieces} - {directory}))
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            raise Refused(f"{folder} is not a folder")
    standings = [(piece, _standing(directory, piece)) for piece in pieces]
    edited = [piece for piece, standing in standings if standing is Standing.EDITED]
    refused = [piece for piece in edited if not piece.editable]
    if refused and not force:
        raise Refused(
            *(f"{directory / piece.path} was edited, or is not ours" for piece in refused),
            "nothing was written: --force replaces them, and keeps each as NAME.bak",
        )
    for folder in folders:
        _folder(folder)
    written = [piece for piece, standing in standings if standing in (Standing.MISSING, Standing.OURS)]
    if force:
        for piece in edited:
            path = directory / piece.path
            path.replace(path.with_name(f"{path.name}.bak"))
        written += edited
    for piece in written:
        write_whole(directory / piece.path, piece.text.encode(), mode=_FILE)
    _tell(directory, pieces, written, kept=() if force else edited, replaced=edited if force else ())
    return Exit.DONE


def _standing(directory: Path, piece: Piece) -> Standing:
    path = directory / piece.path
    if path.is_dir() and not path.is_symlink():
        raise Refused(f"{path} is a folder: a file has to stand there")
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return Standing.EDITED
    try:
        with path.open("rb") as stream:
            found = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return Standing.MISSING
    if found == piece.text.encode():
        return Standing.SAME
    ours = len(found) <= _MOST_BYTES and untouched(piece.path, found.decode(errors="replace"))
    return Standing.OURS if ours else Standing.EDITED


def _folder(path: Path) -> None:
    """The folder, made if need be so that others may enter it; the rights of one that is there stay as they are."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(_FOLDER)


def _tell(
    directory: Path,
    pieces: Iterable[Piece],
    written: Iterable[Piece],
    *,
    kept: Iterable[Piece],
    replaced: Iterable[Piece],
) -> None:
    def line(text: str) -> None:
        say(clean(text, 2000))

    line(f"{directory}: {len(list(written))} of {len(list(pieces))} files written")
    for piece in kept:
        line(f"kept, because it was edited: {directory / piece.path} (--force replaces it)")
    for piece in replaced:
        line(f"replaced; the edited one is {directory / piece.path}.bak")
    line(f"next: promtool check config {directory / 'prometheus.yml'}")
    line(f"      amtool check-config {directory / 'alertmanager.yml'}")
