"""Findings in words, for the terminal and the ledgers: see :mod:`reports.papers.facts`, where they live."""

from __future__ import annotations

from reports.papers.facts import citation, fact_words

__all__ = ["citation", "fact_words"]
