"""Pages as poppler sees them: words with their places, and pictures as plain pixels. All lengths in mm."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from pathlib import Path

#: Pixels a millimetre.
SCALE = 5
_PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', re.DOTALL)
_WORD = re.compile(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>')


@dataclass(frozen=True)
class Word:
    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Picture:
    """``pixels``: three bytes each, row by row."""

    width: int
    height: int
    pixels: bytes

    def places(self, wanted: Callable[[int, int, int], bool]) -> Iterator[tuple[float, float, float]]:
        """Rows that have such a pixel: how far down, and the first and last of them, in mm."""
        for y in range(self.height):
            row = self.pixels[3 * self.width * y : 3 * self.width * (y + 1)]
            if row.count(b"\xff") == len(row):
                continue
            found = [x for x in range(self.width) if wanted(*row[3 * x : 3 * x + 3])]
            if found:
                yield y / SCALE, found[0] / SCALE, (found[-1] + 1) / SCALE


def red(r: int, g: int, b: int) -> bool:
    return r > 180 and g < 110 and b < 110


def dark(r: int, g: int, b: int) -> bool:
    return r < 140 and g < 140 and b < 140


@dataclass(frozen=True)
class Page:
    pdf: Path
    number: int
    width: float
    height: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Line by line, without any space, and full-width ones neither."""
        return "".join("".join(word.text for line in self.lines for word in line).split())

    @cached_property
    def picture(self) -> Picture:
        command = ["pdftoppm", "-r", str(SCALE * 25.4), "-f", str(self.number), "-l", str(self.number), str(self.pdf)]
        data = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
        kind, size, depth, pixels = data.split(b"\n", 3)
        assert (kind, depth) == (b"P6", b"255")
        width, height = map(int, size.split())
        return Picture(width, height, pixels)

    def find(self, text: str) -> list[Word]:
        """Words that hold this text."""
        return [word for word in self.words if text in word.text]

    @cached_property
    def lines(self) -> list[list[Word]]:
        """Words of one height together, from top to bottom."""
        out: list[list[Word]] = []
        for word in sorted(self.words, key=lambda word: (word.middle, word.left)):
            if out and abs(out[-1][0].middle - word.middle) < 2:
                out[-1].append(word)
            else:
                out.append([word])
        return [sorted(line, key=lambda word: word.left) for line in out]


def pages(pdf: Path) -> list[Page]:
    command = ["pdftotext", "-bbox", str(pdf), "-"]
    said = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
    # poppler writes characters outside the basic plane as two halves.
    said = said.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
    out = []
    for number, (width, height, inner) in enumerate(_PAGE.findall(said), 1):
        words = tuple(Word(*(_mm(x) for x in place), unescape(text)) for *place, text in _WORD.findall(inner))
        out.append(Page(pdf, number, _mm(width), _mm(height), words))
    return out


def fonts(pdf: Path) -> list[str]:
    """Names of the fonts in a PDF, all of which must be in it."""
    said = subprocess.run(["pdffonts", str(pdf)], check=True, capture_output=True, text=True, timeout=60).stdout
    rows = [line.split() for line in said.splitlines()[2:]]
    assert all(row[-5] == "yes" for row in rows), said
    return [row[0].partition("+")[2] for row in rows]


def bands(places: list[tuple[float, float, float]], gap: float = 0.5) -> list[tuple[float, float, float, float]]:
    """Rows that follow each other as one: top, bottom, left, right."""
    out: list[tuple[float, float, float, float]] = []
    for y, left, right in places:
        if out and y - out[-1][1] <= gap:
            top, _, least, most = out[-1]
            out[-1] = (top, y, min(least, left), max(most, right))
        else:
            out.append((y, y, left, right))
    return out


def _mm(points: str) -> float:
    return float(points) / 72 * 25.4
