"""Document numbers as GB/T 9704-2012 writes them (7.2.5): 运审管改〔2026〕1号, no 第, no leading zero. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from auditor.errors import Refused
from auditor.site_office import DocumentsConfig
from reports.papers.view import Form

_NUMBER = re.compile(r"(?P<word>[^\W\d_]{1,12})〔(?P<year>\d{4})〕(?P<sequence>[1-9]\d*)号")


@dataclass(frozen=True, slots=True)
class Number:
    """One number; of a word and a year each sequence is given once, from 1 on and without gaps."""

    word: str
    year: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.word}〔{self.year}〕{self.sequence}号"

    @classmethod
    def parse(cls, text: str) -> Number:
        """ValueError for anything that is not written as :meth:`__str__` writes it."""
        found = _NUMBER.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is no document number such as 运审管改〔2026〕1号")
        return cls(found["word"], int(found["year"]), int(found["sequence"]))


def word_of(documents: DocumentsConfig, form: Form) -> str:
    """The bureau's word for a form; :class:`Refused` where the site gives none."""
    words = {str(name): word for name, word in documents.words.items()}
    if form.value not in words:
        raise Refused(
            f"a paper of the form {form.value!r} needs the bureau's word for its number",
            f"add it to site.yaml: documents: {{words: {{{form.value}: …}}}}",
        )
    return words[form.value]


def following(documents: DocumentsConfig, word: str, year: int, last: int | None) -> Number:
    """The number after ``last``, which is the highest that the ledger holds of that word and year."""
    by_hand = documents.taken.get(word, {}).get(year, 0)
    return Number(word, year, max(last or 0, by_hand) + 1)
