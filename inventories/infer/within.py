"""Which of many texts stand in another, without asking each. Pure."""

from __future__ import annotations

from collections.abc import Iterable


class Within:
    """Texts that are looked for: what follows the first letters is looked up by its length, not tried one by one."""

    __slots__ = ("_least", "_lengths", "_texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = frozenset(texts)
        self._least = min((len(text) for text in self._texts if text), default=1)
        lengths: dict[str, set[int]] = {}
        for text in self._texts:
            lengths.setdefault(text[: self._least], set()).add(len(text))
        self._lengths = {begins: sorted(found) for begins, found in lengths.items()}

    def of(self, text: str) -> set[str]:
        """Those that stand in a text; the empty one stands in every text."""
        found = {""} & self._texts
        for start in range(len(text) - self._least + 1):
            for length in self._lengths.get(text[start : start + self._least], ()):
                if start + length > len(text):
                    break
                if (part := text[start : start + length]) in self._texts:
                    found.add(part)
        return found
