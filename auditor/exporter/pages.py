"""The text of a moment: written once, in whichever form is asked for first, and joined to the little that moves.

What an audit and its cases came to stands still between two changes; it is written and packed once. The disk's free
room is asked anew at each scrape, and its few lines are put at the end of what is packed already.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.exporter.gathering import Gathered
from auditor.exporter.scheduled import scheduled, watch
from auditor.exporter.trail_check import Checked
from auditor.site import Site
from inventories import __version__
from reports import metrics_office as office
from reports.metrics import Format, joined, render
from reports.metrics_figures import Figures
from reports.metrics_names import Part
from reports.metrics_office import Store, Trail

#: Two thirds of the size of the best, in a tenth of its time.
_LEVEL = 3
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True, slots=True)
class Packed:
    """A text's beginning as deflated blocks that end on a byte, so that more can follow."""

    blocks: bytes
    checksum: int
    size: int


class Piece:
    """A part's figures and their text, written when it is first asked for."""

    def __init__(self, figures: Sequence[Figures]) -> None:
        self.figures = figures
        self._texts: dict[Format, bytes] = {}

    def text(self, form: Format) -> bytes:
        if form not in self._texts:
            self._texts[form] = render(self.figures, form)
        return self._texts[form]


class Page:
    """Everything but the store, as it stands until something changes."""

    def __init__(self, gathered: Gathered, before: Page | None = None) -> None:
        self.gathered = gathered
        old = before.pieces if before is not None else {}
        self.pieces: Mapping[Part, Piece] = {
            part: old[part] if part in old and old[part].figures is figures else Piece(figures)
            for part, figures in gathered.figures.items()
        }
        self._writing = threading.Lock()
        self._bodies: dict[Format, bytes] = {}
        self._packed: dict[Format, Packed] = {}

    def body(self, form: Format) -> bytes:
        with self._writing:
            if form not in self._bodies:
                told = (self.pieces[part].text(form) for part in Part if part in self.pieces)
                self._bodies[form] = b"".join(told)
            return self._bodies[form]

    def packed(self, form: Format) -> Packed:
        body = self.body(form)
        with self._writing:
            if form not in self._packed:
                deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
                blocks = deflate.compress(body) + deflate.flush(zlib.Z_FULL_FLUSH)
                self._packed[form] = Packed(blocks, zlib.crc32(body), len(body))
            return self._packed[form]

    def plain(self, tail: bytes, form: Format) -> bytes:
        return joined((self.body(form), tail), form)

    def gzip(self, tail: bytes, form: Format) -> bytes:
        """One gzip member: the packed body, with the tail behind it."""
        start, end = self.packed(form), joined((tail,), form)
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        blocks = deflate.compress(end) + deflate.flush()
        trailer = struct.pack("<LL", zlib.crc32(end, start.checksum), (start.size + len(end)) & 0xFFFFFFFF)
        return b"".join((_GZIP_HEAD, start.blocks, blocks, trailer))


def tail(site: Site, gathered: Gathered, checked: Checked | None, form: Format) -> bytes:
    """What is asked at each scrape: trail, store, schedule and looks, and which parts are told."""
    shown: dict[Part, list[Figures]] = {}
    if gathered.mark is not None:
        faults, at = (checked.faults, checked.at) if checked is not None else (None, None)
        shown[Part.TRAIL] = office.trail(Trail(gathered.mark.seq, faults, at))
    if (found := store(site, gathered.size)) is not None:
        shown[Part.STORE] = office.store(found)
    if (planned := scheduled(site)) is not None:
        shown[Part.SCHEDULE] = office.schedule(planned)
    if (looks := watch(site)) is not None:
        shown[Part.LOOKS] = office.watch(looks)
    success = {part.value: part in gathered.figures or part in shown for part in Part}
    told = (one for part in shown.values() for one in part)
    return render([*told, *office.always(__version__, success)], form)


def store(site: Site, database: int | None = None) -> Store | None:
    """How the store stands, with the bytes of its database where it is no file; None where that cannot be told."""
    size = site.ledger.size() if database is None else database
    try:
        room = os.statvfs(site.state)
    except OSError:
        return None
    return Store(size, room.f_bavail * room.f_frsize) if size is not None else None
