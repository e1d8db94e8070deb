"""Whose a cloud's resource is, by the site's table of patterns (:class:`probes.access.Belongs`). Pure.

vSphere and OpenStack say of a resource only in which project or folder it lies, what it is called and which tags
and metadata it bears. The site's table turns these texts into a department and the codes of systems. Nothing is
guessed: what no row names belongs to nobody, and is an observation all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from inventories.faults import clean
from probes.access import Belongs

#: What stands for the text that matched, in a row's system.
VALUE = "{value}"
#: The one kind of text of which a resource has several at once.
TAG = "tag"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a resource is. ``department_id`` is empty, and ``systems`` too, where no row of the table says so.

    ``systems`` are register codes, in the order of the rows, each once. ``evidence`` names the rows that counted
    and the texts they matched, cleaned.
    """

    department_id: str = ""
    systems: tuple[str, ...] = ()
    evidence: str = ""


def owner(rows: Sequence[Belongs], texts: Mapping[str, Sequence[str]]) -> Owner:
    """The owner of a resource of which ``texts`` are known.

    ``texts`` maps a row's ``where`` (``project``, ``name``, ``tag``, ``folder``, ``metadata:KEY``) to the resource's
    texts of that kind, as the cloud says them. The first row that matches and names a department gives the
    department; every row that matches and names a system gives a system, in which ``{value}`` stands for the text
    that matched. Of tags a resource has many, and each that matches counts; further texts of any other kind are
    other spellings of the same (a folder's whole path, then its name), of which the first that matches counts. A
    shell pattern matches with case and the whole text; an empty text matches nothing.
    """
    department = ""
    systems: dict[str, None] = {}
    evidence: list[str] = []
    for row in rows:
        values = list(_matching(row, texts))
        if not values:
            continue
        named = [code for value in values if (code := _code(row.system, value))]
        if (row.department and not department) or not set(named) <= systems.keys():
            evidence.append(f"{clean(row.where, 60)} {clean(values[0], 80)}")
        department = department or row.department
        systems.update(dict.fromkeys(named))
    return Owner(department, tuple(systems), "; ".join(evidence))


def _matching(row: Belongs, texts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for value in texts.get(row.where, ()):
        if value and fnmatchcase(value, row.match):
            yield value
            if row.where != TAG:
                return


def _code(system: str, value: str) -> str:
    """The system's code; what the cloud wrote goes into it cleaned, and without the spaces around it."""
    return system.replace(VALUE, clean(value, 100).strip()).strip()
