"""A working paper of the office's own, drawn straight from its words: no template, the same sheet and styles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from reports.papers import wml, wordfile


class Paper:
    """A paper under construction: parts are added in order, then :meth:`content` gives the file's bytes.

    ``mark`` stands at the head of every page.
    """

    def __init__(self, *, title: str, author: str, on: date, mark: str) -> None:
        self._title, self._author, self._on, self._mark = title, author, on, mark
        self._body: list[str] = []

    def title(self, lines: Sequence[str], *, blank: int = 2) -> None:
        """标题: 二号小标宋, centred, ``blank`` lines below what stands above."""
        self._body += [wml.paragraph("Kept")] * blank
        self._body += [wml.paragraph("Title", line) for line in lines]

    def heading(self, words: str, level: int) -> None:
        """一、in 黑体 (level 1), （一）in 楷体 (level 2)."""
        self._body.append(wml.paragraph(f"Heading{level}", words))

    def text(self, words: str, lead: str = "") -> None:
        """正文, indented by two characters; ``lead`` in bold before it."""
        runs = (wml.run(lead, bold=True) if lead else "") + wml.run(words)
        self._body.append(wml.paragraph("Body", runs=runs))

    def table(self, widths: Sequence[float], head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A ruled table of fixed column widths (mm), whose head repeats on every page; cells may have lines (\\n)."""
        drawn = [
            wml.row([wml.cell(width, _lines(words)) for width, words in zip(widths, cells, strict=True)])
            for cells in rows
        ]
        # Without a paragraph between them two tables would be one.
        self._body += [wml.table(widths, [wml.head_row(widths, head), *drawn]), wml.paragraph("TableNote")]

    def content(self) -> bytes:
        """The file; the same calls give the same bytes."""
        head = wml.paragraph("Mark", self._mark)
        layout = wordfile.Layout(
            "".join(self._body),
            {"default": head, "even": head},
            {"default": wml.page_number("right"), "even": wml.page_number("left")},
        )
        return wordfile.write(layout, title=self._title, author=self._author, on=self._on)


def _lines(words: str) -> str:
    return "".join(wml.paragraph("TableText", line) for line in words.split("\n"))
