"""Regions by GB/T 2260: the first two digits are the province, the next two the city, the last two the county."""

from __future__ import annotations

#: The region of what binds the whole country.
EVERYWHERE = "000000"


def stem(code: str) -> str:
    """The digits that a region's own code shares with every region inside it; none for the whole country."""
    for length in (2, 4):
        if code[length:] == "0" * (6 - length):
            return "" if code == EVERYWHERE else code[:length]
    return code


def related(one: str, other: str) -> bool:
    """Whether one of two regions lies in the other, so that the law of one can bind somebody in the other."""
    a, b = stem(one), stem(other)
    return a.startswith(b) or b.startswith(a)
