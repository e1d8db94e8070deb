"""A pack's files: read once, within bounds, with the place of every value and of every character within it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inventories.documents import MAX_BYTES, Document, parse_yaml
from inventories.faults import Fault, Faults, clean

PACK = "pack.yaml"
TEXT = "text.yaml"
CASES = "cases"
MAX_CASE_FILES = 500


def pack_files(folder: Path) -> dict[str, bytes]:
    """The files that make a pack, by their path within the folder (``cases/x.yaml``), in a fixed order.

    These are what its digest covers and what a snapshot keeps a copy of. Raises :class:`Faults` where the folder
    is no pack or a file cannot be read.
    """
    if not (folder / PACK).is_file():
        raise Faults([Fault(str(folder), f"holds no {PACK}, so it is no pack", "name the folder of a pack")])
    names = [PACK, *([TEXT] if (folder / TEXT).is_file() else [])]
    cases = sorted(path.name for path in (folder / CASES).glob("*.yaml") if path.is_file())
    if len(cases) > MAX_CASE_FILES:
        raise Faults([Fault(str(folder / CASES), f"holds more than {MAX_CASE_FILES} files")])
    names += [f"{CASES}/{name}" for name in cases]
    out: dict[str, bytes] = {}
    faults: list[Fault] = []
    for name in names:
        try:
            with (folder / name).open("rb") as stream:
                out[name] = stream.read(MAX_BYTES + 1)
        except OSError as error:
            faults.append(Fault(str(folder / name), f"cannot be read: {error.strerror or error}"))
            continue
        if len(out[name]) > MAX_BYTES:
            faults.append(Fault(str(folder / name), f"is larger than {MAX_BYTES // 1024} KiB"))
    if faults:
        raise Faults(faults)
    return out


def digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and contents of a pack's files."""
    lines = [f"{name}\0{hashlib.sha256(content).hexdigest()}\n" for name, content in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """One YAML file: its values, and where in the file each of them stands."""

    document: Document
    lines: tuple[str, ...]

    @classmethod
    def parse(cls, content: bytes, name: str) -> Source:
        """Raises :class:`Faults` for what is no acceptable YAML; see :func:`inventories.documents.read_yaml`."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise Faults([Fault(f"{name}:{line}:1", "is not UTF-8 text", "save the file as UTF-8")]) from error
        return cls(parse_yaml(text, name=name), tuple(text.split("\n")))

    @property
    def data(self) -> object:
        return self.document.data

    def fault(self, path: Iterable[str | int], what: str, mend: str = "") -> Fault:
        return self.document.fault(tuple(path), what, mend)

    def fault_at_key(self, path: tuple[str | int, ...], what: str, mend: str = "") -> Fault:
        """A fault at a key itself rather than at its value."""
        line, column = self.document.places.get(path, (1, 1))
        key = str(path[-1])
        for number in range(line, 0, -1):
            text = self.lines[number - 1]
            before = text[: column - 1] if number == line else text
            at = before.rfind(key)
            if at >= 0 and before[at + len(key) :].lstrip(" '\"").startswith(":"):
                return Fault(f"{self.document.name}:{number}:{at + 1}", what, mend)
        return self.fault(path, what, mend)

    def fault_within(self, path: tuple[str | int, ...], value: str, offset: int, what: str, mend: str = "") -> Fault:
        """A fault at a character of a text value, which may be quoted, folded or spread over lines.

        The value's visible characters are followed through the file from the value's own place.
        """
        line, column = self.document.places.get(path, (1, 1))
        wanted = sum(not char.isspace() for char in value[:offset])
        number, at = line - 1, column - 1
        opening = self.lines[number][at : at + 1]
        if opening in ("|", ">"):
            number, at = number + 1, 0
        elif opening in ("'", '"'):
            at += 1
        escape = {"'": "'", '"': "\\"}.get(opening, "")
        while number < len(self.lines):
            text = self.lines[number]
            while at < len(text):
                if text[at] == escape and at + 1 < len(text):
                    at += 1
                if not text[at].isspace():
                    if wanted == 0:
                        return Fault(f"{self.document.name}:{number + 1}:{at + 1}", what, mend)
                    wanted -= 1
                at += 1
            number, at = number + 1, 0
        return self.fault(path, what, mend)


def shown(value: object) -> str:
    """A value of a pack, safe to put into an error."""
    return clean(str(value), 60)
