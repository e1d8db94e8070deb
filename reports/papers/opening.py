"""A bureau's own template, looked at before any library takes it apart: no bomb, no macro, nothing from elsewhere."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from inventories.faults import Fault, Faults, clean

#: A template is some pages and perhaps an emblem.
MAX_FILE = 8 << 20
MAX_UNPACKED = 64 << 20
MAX_ENTRIES = 500
#: A part of more than 1 MiB that was packed more than this many times smaller is no page.
_MAX_RATIO = 200
_MAX_DEPTH = 200
_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_SAVE = "open it in WPS or Word and save it as .docx"
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp"})
_OTHERS = frozenset({".xml", ".rels", ".odttf"})
#: Fields that a word processor fills in without looking anywhere else.
_FIELDS = frozenset({"PAGE", "NUMPAGES", "SECTION", "SECTIONPAGES", "STYLEREF", "SEQ", "="})
_HARMLESS = re.compile(r"/printersettings/|^docprops/thumbnail\.")
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*:|//|\\\\", re.IGNORECASE)
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
_CHANGES = frozenset({"ins", "del", "moveFrom", "moveTo"})


def read(path: Path) -> bytes:
    """The file's bytes. Raises :class:`Faults` where it is no plain file, or too large."""
    shown = clean(path.name, 80)
    try:
        # Neither a link to elsewhere nor a pipe that never ends.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Faults([Fault(shown, "is no plain file", "put the template itself into the folder")])
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Faults(
            [Fault(shown, f"cannot be read: {error.strerror}", "put the file itself there, readable")]
        ) from error
    if len(data) > MAX_FILE:
        raise Faults([Fault(shown, f"is larger than {MAX_FILE >> 20} MiB", "take large pictures out of it")])
    return data


def check(data: bytes, shown: str) -> None:
    """Raises :class:`Faults` with everything that a template may not be or hold."""
    if data.startswith(_CFB):
        raise Faults([Fault(shown, "is protected by a password, or in the format of before 2007", _SAVE)])
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_entries(archive.infolist(), shown)
            parts = dict(_unpacked(archive, shown))
    except _DAMAGED as error:
        raise Faults([Fault(shown, f"is no whole .docx: {clean(str(error), 80)}", _SAVE)]) from error
    faults = [*_foreign(parts, shown), *_contents(parts, shown)]
    if faults:
        raise Faults(dict.fromkeys(faults))


def _check_entries(entries: Sequence[zipfile.ZipInfo], shown: str) -> None:
    """What the archive's own list already gives away."""
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Faults([_bomb(shown)])
    if any(e.file_size > 1 << 20 and e.file_size > _MAX_RATIO * max(e.compress_size, 1) for e in entries):
        raise Faults([_bomb(shown)])
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Faults([Fault(shown, "is protected by a password", "save it without")])
    wrong = [name for name in names if _leads_outside(name)]
    if wrong or len({name.lower() for name in names}) != len(names):
        what = f"a part with the path {clean(wrong[0], 60)!r}" if wrong else "two parts of one name"
        raise Faults([Fault(shown, f"has {what}, as no word processor writes it", _SAVE)])
    if "[Content_Types].xml" not in names:
        raise Faults([Fault(shown, "is no .docx", _SAVE)])


def _leads_outside(name: str) -> bool:
    return "\\" in name or ":" in name or "\0" in name or name.startswith("/") or ".." in PurePosixPath(name).parts


def _unpacked(archive: zipfile.ZipFile, shown: str) -> Iterator[tuple[str, bytes]]:
    """Every part under a budget: what the list says of sizes may be a lie."""
    budget = MAX_UNPACKED
    for entry in archive.infolist():
        with archive.open(entry) as stream:
            data = stream.read(min(entry.file_size, budget) + 1)
        budget -= len(data)
        if budget < 0:
            raise Faults([_bomb(shown)])
        yield entry.filename, data


def _bomb(shown: str) -> Fault:
    return Fault(
        shown, f"would unpack to more than {MAX_UNPACKED >> 20} MiB: refused as a zip bomb", "take large pictures out"
    )


def _foreign(parts: Mapping[str, bytes], shown: str) -> Iterator[Fault]:
    """Parts that are no text, style or picture."""
    for name in parts:
        kind = _suffix(name)
        if "vbaproject" in name.lower() or "vbadata" in name.lower() or "/activex/" in name.lower():
            yield Fault(shown, f"holds macros ({clean(name, 60)})", "save it as .docx, without macros")
        elif "/webextensions/" in name.lower():
            yield Fault(shown, f"holds an add-in ({clean(name, 60)})", "take it out")
        elif "/embeddings/" in name.lower():
            yield Fault(shown, f"holds an embedded object ({clean(name, 60)})", "take it out")
        elif not (name.endswith("/") or kind in _PICTURES | _OTHERS or _HARMLESS.search(name.lower())):
            yield Fault(
                shown,
                f"holds {clean(name, 60)}, which is neither text nor a picture of png, jpeg, gif or bmp",
                "take it out",
            )


def _suffix(name: str) -> str:
    """``.rels`` of ``_rels/.rels`` too, which pathlib takes for a hidden file's name."""
    return f".{name.lower().rpartition('.')[2]}"


def _contents(parts: Mapping[str, bytes], shown: str) -> Iterator[Fault]:
    for name, data in parts.items():
        if _suffix(name) in (".xml", ".rels"):
            yield from _Part(name, shown).faults(data)
    if _MAIN not in parts["[Content_Types].xml"].decode("utf-8", "replace"):
        yield Fault(shown, "is no .docx document (a template .dotx, or one with macros)", _SAVE)


class _Part:
    """One XML part, read as a stream: no tree is built before it is known to be harmless."""

    def __init__(self, name: str, shown: str) -> None:
        self.name, self.shown = name, shown
        self.found: list[Fault] = []
        self.depth = 0
        #: Instructions of the fields that are open, the innermost last; None once their result has begun.
        self.codes: list[list[str] | None] = []
        self.in_code = False

    def faults(self, data: bytes) -> list[Fault]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            self._fault(f"has a damaged part {clean(self.name, 60)}: {expat.ErrorString(error.code)}", _SAVE)
        return self.found

    def _fault(self, what: str, mend: str) -> None:
        self.found.append(Fault(self.shown, what, mend))

    def _doctype(self, *_: object) -> None:
        self._fault(f"declares a document type in {clean(self.name, 60)}, as no word processor does", _SAVE)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == _MAX_DEPTH:
            self._fault(f"nests deeper than {_MAX_DEPTH} in {clean(self.name, 60)}", _SAVE)
        space, _, local = tag.rpartition(" ")
        if local == "Relationship" and self.name.endswith(".rels"):
            self._relationship(attributes)
        elif local in ("Override", "Default") and "macroenabled" in attributes.get("ContentType", "").lower():
            self._fault("holds macros", "save it as .docx, without macros")
        if any(key.rpartition(" ")[2] in ("src", "href") and _REMOTE.match(v) for key, v in attributes.items()):
            self._fault(f"takes something from outside in {clean(self.name, 60)}", "insert pictures as such")
        if space == _W:
            self._word(local, {key.rpartition(" ")[2]: value for key, value in attributes.items()})

    def _relationship(self, attributes: Mapping[str, str]) -> None:
        kind = attributes.get("Type", "").rpartition("/")[2]
        target = clean(attributes.get("Target", ""), 80)
        if attributes.get("TargetMode", "").lower() == "external":
            self._fault(
                f"takes something from outside: {clean(kind, 40)} {target!r}",
                "insert pictures as such, take links and an attached template off",
            )
        elif kind in ("aFChunk", "oleObject", "control", "vbaProject", "package"):
            self._fault(f"holds a foreign part: {clean(kind, 40)} {target!r}", "take it out")

    def _word(self, local: str, attributes: Mapping[str, str]) -> None:
        if local in _CHANGES:
            self._fault("has tracked changes", "accept or reject them all, then save")
        elif local == "comment":
            self._fault("has comments", "delete them: they would go out with every paper")
        elif local == "fldSimple":
            self._field(attributes.get("instr", ""))
        elif local == "instrText":
            self.in_code = True
        elif local == "fldChar":
            self._field_mark(attributes.get("fldCharType", ""))

    def _field_mark(self, kind: str) -> None:
        """A field begins, its result begins, or it ends: only between the first two stands what it does."""
        if kind == "begin":
            self.codes.append([])
        elif self.codes and (code := self.codes[-1]) is not None:
            self._field("".join(code))
            self.codes[-1] = None
        if kind == "end" and self.codes:
            self.codes.pop()

    def _field(self, code: str) -> None:
        word = (code.split() or [""])[0]
        if re.sub(r"^=.*", "=", word).upper() not in _FIELDS:
            self._fault(f"has a field {clean(word, 30)!r}", f"only {', '.join(sorted(_FIELDS))} may stand in a paper")

    def _text(self, text: str) -> None:
        if self.in_code:
            if self.codes and (code := self.codes[-1]) is not None:
                code.append(text)
            elif text.strip():
                self._field(text)

    def _end(self, tag: str) -> None:
        self.depth -= 1
        if tag == f"{_W} instrText":
            self.in_code = False
