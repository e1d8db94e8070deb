"""What may stand in a label: codes, few and safe. Never a host, an address, or the name of a system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from inventories.faults import clean
from reports.model import DepartmentView

#: Series of one metric: a fuse far above what departments × rules come to in the largest city. What is beyond is
#: folded into the department ``other``, so that sums stay true.
MAX_SERIES = 250_000
OTHER, UNASSIGNED = "other", "unassigned"

#: What a label may look like; anything else might be an address (which has a point or a colon), a name or a text
#: from outside.
_CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}")
#: Departments' codes are the bureau's own, and may be Chinese.
_DEPARTMENT = re.compile(r"[\w-]{1,40}")

Labels: TypeAlias = tuple[str, ...]
Owner: TypeAlias = Callable[[str], str]


def owners(departments: Iterable[DepartmentView]) -> Owner:
    """Department ids as labels: only departments of the register are named, whatever an asset claims."""
    return among(department.id for department in departments)


def among(ids: Iterable[str]) -> Owner:
    """The same, by the ids alone."""
    known = {name: name if _DEPARTMENT.fullmatch(name) else OTHER for name in ids}
    return lambda department: known.get(department, UNASSIGNED)


def code(text: object, empty: str = UNASSIGNED) -> str:
    """A code fit for a label; whatever may be an address or free text becomes ``other``."""
    if not text:
        return empty
    word = str(text)
    return word if _CODE.fullmatch(word) else OTHER


def title(text: str, limit: int = 120) -> str:
    """The name of a department, rule, zone or regulation, escaped and on one line."""
    return clean(text, limit)


@lru_cache(maxsize=10_000)
def rule_labels(name: str, pack: str = "") -> tuple[str, str]:
    """``yuncheng-2021/registered`` → its two labels; a bare name takes the pack beside it."""
    before, slash, after = name.partition("/")
    return (code(before), code(after)) if slash else (code(pack), code(name))


def bounded(labels: Sequence[str], series: Mapping[Labels, float]) -> Mapping[Labels, float]:
    """At most :data:`MAX_SERIES` series and those of ``other``, into which the smallest departments are folded."""
    if len(series) <= MAX_SERIES or "department" not in labels:
        return series
    place = labels.index("department")
    size, total = Counter(key[place] for key in series), Counter[str]()
    for key, value in series.items():
        total[key[place]] += int(value)
    kept, room = set(), MAX_SERIES
    for department in sorted(size, key=lambda d: (-total[d], d)):
        room -= size[department]
        if room < 0:
            break
        kept.add(department)
    out: dict[Labels, float] = {}
    for key, value in series.items():
        folded = key if key[place] in kept else (*key[:place], OTHER, *key[place + 1 :])
        out[folded] = out.get(folded, 0) + value
    return out
