"""What predicates may name: the columns of each subject's view, and those computed at evaluation.

A *derived* column is not stored in a snapshot: it is computed for each pack from stored columns, and perhaps from
lists in force on the day. ``is_on_recognised_cloud`` is one; a component's ``list_status`` will be another, joined
by date. A derived column is declared here once, with the stored columns that carry its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from inventories.kinds import KINDS, Column, Type
from inventories.kinds.declare import INFERRED
from policies.statements import text

GOV_CLOUD = "gov_cloud"


@dataclass(frozen=True, slots=True)
class Derived:
    """A column computed at evaluation.

    ``sql`` takes the SQL of a column by name and the pack's recognised levels; ``examples`` gives, for a value,
    stored columns that lead to it, so that a pack's case may state the conclusion alone.
    """

    subject: str
    column: Column
    sources: tuple[str, ...]
    sql: Callable[[Callable[[str], str], Sequence[str]], str]
    examples: Callable[[object, Sequence[str]], Mapping[str, object]]


def _recognised_sql(column: Callable[[str], str], levels: Sequence[str]) -> str:
    """NULL where nothing shows the place, or nothing shows which government's cloud it is."""
    hosting, shown = column("hosting"), column("hosting_levels")
    # Several list_contains take half as long as one list_has_any.
    theirs = " OR ".join(f"list_contains({shown}, {text(level)})" for level in levels) or "FALSE"
    return (
        f"(CASE WHEN NOT list_contains({hosting}, {text(GOV_CLOUD)}) THEN FALSE "
        f"WHEN {hosting} IS NOT NULL THEN {theirs} END)"
    )


def _recognised_example(value: object, levels: Sequence[str]) -> Mapping[str, object]:
    if value is None:
        return {"hosting": None, "hosting_levels": None}
    if value:
        return {"hosting": [GOV_CLOUD], "hosting_levels": list(levels[:1])}
    return {"hosting": ["own_room"], "hosting_levels": None}


DERIVED: Mapping[tuple[str, str], Derived] = {
    (d.subject, d.column.name): d
    for d in (
        Derived(
            "system",
            Column(
                "is_on_recognised_cloud",
                Type.BOOLEAN,
                "是否在认可的政务云上",
                origins=INFERRED,
                note="By each pack's own recognised levels of government.",
            ),
            ("hosting", "hosting_levels"),
            _recognised_sql,
            _recognised_example,
        ),
    )
}

#: Kinds that have rules; every kind of the inventory.
SUBJECTS = tuple(KINDS)


@cache
def columns_of(subject: str) -> Mapping[str, Column]:
    """Every column that a predicate over the subject may name. KeyError for an unknown subject."""
    out = {column.name: column for column in KINDS[subject].all_columns}
    out.update({name: d.column for (kind, name), d in DERIVED.items() if kind == subject})
    return out


def codes(subject: str, name: str) -> tuple[str, ...]:
    """The values of an enumeration, or none where the column is free text.

    The sector that every subject has from its department is the department register's enumeration.
    """
    column = columns_of(subject)[name]
    if name == "sector":
        column = KINDS["department"].column("sector")
    return tuple(column.values)


def derived(subject: str, name: str) -> Derived | None:
    return DERIVED.get((subject, name))


def stored(subject: str, names: Sequence[str]) -> tuple[str, ...]:
    """The stored columns behind those named, in order, each once."""
    out: dict[str, None] = {}
    for name in names:
        found = DERIVED.get((subject, name))
        out.update(dict.fromkeys(found.sources if found else (name,)))
    return tuple(out)
