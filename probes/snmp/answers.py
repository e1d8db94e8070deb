"""What one agent answered: object numbers and plain values, whatever library asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

#: Text and hardware addresses come as bytes, numbers as int, object numbers and IPv4 addresses as text.
Raw: TypeAlias = bytes | int | str


@dataclass(frozen=True, slots=True)
class Answers:
    """``scalars``: object → value. ``tables``: column → (index → value), each column read to its end."""

    scalars: Mapping[str, Raw] = field(default_factory=dict)
    tables: Mapping[str, Mapping[tuple[int, ...], Raw]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        return text(self.scalars.get(name))

    def column(self, name: str) -> Mapping[tuple[int, ...], Raw]:
        return self.tables.get(name, {})

    def texts(self, name: str) -> Iterator[tuple[tuple[int, ...], str]]:
        for index, value in self.column(name).items():
            said = text(value)
            if said:
                yield index, said


def text(value: Raw | None) -> str:
    """A value as text: bytes as UTF-8, or as GB 18030 where that fails, what is neither with marks."""
    if value is None:
        return ""
    if not isinstance(value, bytes):
        return str(value)
    for encoding in ("utf-8", "gb18030"):
        try:
            return value.decode(encoding).strip("\0 \r\n\t")
        except UnicodeDecodeError:
            continue
    return value.decode("utf-8", "replace").strip("\0 \r\n\t")


def number(value: Raw | None) -> int | None:
    return value if isinstance(value, int) else None


def hardware(value: Raw | None) -> str:
    """``aa:bb:cc:dd:ee:ff`` of six bytes; the empty string for anything else."""
    return value.hex(":") if isinstance(value, bytes) and len(value) == 6 else ""
