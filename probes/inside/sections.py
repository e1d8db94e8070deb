"""The script's output as parts: taken apart with distrust, never invented.

A line of the host's begins with a bar, a mark does not: no text of the host can look like a mark. What a login prints
before or between (a banner, a warning of the shell) is not read at all; of several runs the last complete one counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from probes.inside.script import MARK_BEGIN, MARK_END

#: More than a run prints; of longer texts the end is read.
MAX_CHARS = 1_000_000
#: What is kept of one line.
MAX_LINE = 2_000

_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Sections:
    """Name → lines. ``whole`` names the parts that ended by themselves and without fault."""

    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    is_complete: bool = False

    def get(self, name: str) -> tuple[str, ...]:
        return self.lines.get(name, ())

    def first(self, name: str) -> str:
        return next(iter(self.get(name)), "")

    def pairs(self, name: str, separator: str = "\t") -> list[tuple[str, str]]:
        """``KEY<separator>VALUE`` lines, both stripped; lines without the separator are left out."""
        cut = [line.partition(separator) for line in self.get(name)]
        return [(key.strip(), value.strip()) for key, found, value in cut if found and key.strip()]

    def files(self) -> dict[str, tuple[str, ...]]:
        """Path → lines, of the files that were read."""
        return {name[5:]: lines for name, lines in self.lines.items() if name.startswith("file:")}

    def with_parts(self, parts: Mapping[str, Iterable[str]]) -> Sections:
        """The same with more parts, which count as whole; a part that is there already stays."""
        new = {
            name: tuple(cleaned(line) for line in lines) for name, lines in parts.items() if name not in self.lines
        }
        return Sections({**self.lines, **new}, self.whole | new.keys(), self.is_complete)


def cleaned(text: str) -> str:
    """One line without what could steer a terminal, cut to :data:`MAX_LINE`; tabs stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text[:MAX_LINE])


def split(text: str) -> Sections:
    """The parts of the last complete run; of the last one that began, where none is complete."""
    # Not splitlines(): that would cut at a dozen characters which a host's text may hold.
    lines = [line.rstrip("\r") for line in text[-MAX_CHARS:].split("\n")]
    end = _last(lines, MARK_END, len(lines))
    begin = _last(lines, MARK_BEGIN, len(lines) if end is None else end)
    if begin is None:
        return Sections()
    return _parts(lines[begin + 1 : end], end is not None)


def _last(lines: list[str], mark: str, before: int) -> int | None:
    return next((i for i in range(before - 1, -1, -1) if lines[i] == mark), None)


def _parts(lines: list[str], is_complete: bool) -> Sections:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        if line.startswith("=== "):
            # Each part is printed once: of a second one nobody knows which is true.
            name = line[4:].strip()
            current = None if name in found else found.setdefault(name, [])
        elif line.startswith("|") and current is not None:
            current.append(cleaned(line[1:]))
    whole = frozenset(name for name, told in found.items() if _ended(told))
    return Sections({name: tuple(_told(told)) for name, told in found.items()}, whole, is_complete)


def _ended(told: list[str]) -> bool:
    """Whether a part's last line is its status, and a good one: 1 is grep's word for "nothing there"."""
    last = next((line for line in reversed(told) if line.strip()), "")
    return last in ("= 0", "= 1")


def _told(told: list[str]) -> list[str]:
    lines = [line for line in told if line.strip()]
    return lines[:-1] if lines and re.fullmatch(r"= \d{1,3}", lines[-1]) else lines
