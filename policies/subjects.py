"""What predicates may name: the columns of each subject's view, and those computed at evaluation.

A *derived* column is not stored in a snapshot: it is computed from stored columns for each pack, or joined from lists
in force on the day. ``is_on_recognised_cloud`` is one; a component's ``list_status`` is another. A derived column is
declared here once, with the stored columns that carry its evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from inventories.kinds import KINDS, Column, Type
from inventories.kinds.declare import INFERRED
from policies import mlps
from policies.lists import join
from policies.lists.words import LEVELS, STATUS
from policies.statements import text

GOV_CLOUD = "gov_cloud"


@dataclass(frozen=True, slots=True)
class Derived:
    """A column computed at evaluation.

    ``sql`` takes the SQL of a column by name and the pack's recognised levels; ``examples`` gives, for a value,
    stored columns that lead to it, so that a pack's case may state the conclusion alone. Where no stored column
    leads to it without lists or a calendar, the example is the conclusion itself: the case's table then has it as a
    column, which outranks ``sql``. ``joined`` columns are laid beside the rows by :mod:`policies.lists.join`.
    """

    subject: str
    column: Column
    sources: tuple[str, ...]
    sql: Callable[[Callable[[str], str], Sequence[str]], str]
    examples: Callable[[object, Sequence[str]], Mapping[str, object]]
    joined: bool = False


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


def _itself(name: str) -> Callable[[object, Sequence[str]], Mapping[str, object]]:
    return lambda value, _levels: {name: value}


def _listed(column: Column) -> Derived:
    """A component's column that the lists give by the day of the audit."""
    name = column.name
    sources = ("category", "product", "version")
    return Derived(join.KIND, column, sources, lambda of, _levels: of(name), _itself(name), joined=True)


def _mlps(column: Column, sources: tuple[str, ...], sql: Callable[[Callable[[str], str]], str]) -> Derived:
    return Derived("system", column, sources, lambda of, _levels: sql(of), _itself(column.name))


_LISTED = (
    Column(
        "list_status",
        Type.TEXT,
        "安全可靠测评结果",
        origins=INFERRED,
        values=STATUS,
        note="NULL where the product is not identified, or the tables that would show it are not complete.",
    ),
    Column("list_level", Type.TEXT, "安全可靠等级", origins=INFERRED, values=LEVELS, note="An open, ordered set."),
    Column("list_announcement", Type.TEXT, "测评结果公告", origins=INFERRED),
    Column("list_valid_to", Type.DATE, "测评结果有效期至", origins=INFERRED, note="Three years on."),
    Column(
        "is_domestic",
        Type.BOOLEAN,
        "是否为测评名录内产品",
        origins=INFERRED,
        note="TRUE: listed at some time up to the day. FALSE: a foreign maker's, and not on complete tables.",
    ),
    Column("eol_on", Type.DATE, "厂商停止支持日期", origins=INFERRED, note="The last day of support for everybody."),
    Column("eol_extended_on", Type.DATE, "厂商付费支持截止日期", origins=INFERRED, note="Paid support included."),
)
_FILING = ("mlps_filed_on", "mlps_assessed_on")

DERIVED: Mapping[tuple[str, str], Derived] = {
    (d.subject, d.column.name): d
    for d in (
        *map(_listed, _LISTED),
        _mlps(
            Column(
                "mlps_filing_expires_on",
                Type.DATE,
                "等保备案最晚失效日期",
                origins=INFERRED,
                note="The latest last day that what is shown allows: three years, and one more by each assessment.",
            ),
            _FILING,
            mlps.expires_sql,
        ),
        _mlps(
            Column(
                "mlps_filing_no_fits", Type.BOOLEAN, "备案证明编号格式相符", origins=INFERRED, note="11 + 5 digits."
            ),
            ("mlps_filing_no",),
            mlps.filing_no_sql,
        ),
        _mlps(
            Column(
                "mlps_form",
                Type.TEXT,
                "等保报告版本",
                origins=INFERRED,
                values={form.id: (form.title,) for form in mlps.FORMS.values()},
                note="By the register, else by the date; NULL where they contradict each other.",
            ),
            ("mlps_template", "mlps_assessed_on"),
            mlps.form_sql,
        ),
        _mlps(
            Column(
                "mlps_failed",
                Type.BOOLEAN,
                "等保测评结论是否为不符合（差）",
                origins=INFERRED,
                note="In the words of the report's own form; NULL where the conclusion is none of that form's.",
            ),
            ("mlps_conclusion", "mlps_template", "mlps_assessed_on"),
            mlps.failed_sql,
        ),
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
