"""The named functions that predicates may call: what they take, their SQL, and what they mean.

Each is given twice, in DuckDB's SQL (which judges) and in Python (which lets a pack be checked as it is loaded);
a test holds the two together. All of them answer NULL to what is not known, so that a missing fact stays unknown.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from inventories.kinds import Type

#: Months and days beyond this many are a slip of the pen, not a period of law.
MAX_AMOUNT = 40_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument: its type, whether it must be written out, and whether it may be repeated (last one only).

    ``set`` allows one that is written out to be a setting of the pack instead.
    """

    name: str
    type: Type
    literal: bool = False
    set: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """``sql`` joins the SQL of the arguments; ``value`` computes from their values, of which None is NULL.

    Both get ``as_of``, the audit's clock, as the last argument.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    sql: Callable[[Sequence[str], str], str]
    value: Callable[[Sequence[Any], date], object]
    doc: str

    @property
    def signature(self) -> str:
        shown = [p.name + (", …" if p.repeated else "") for p in self.parameters]
        return f"{self.name}({', '.join(shown)})"


def shift_months(day: date, months: int) -> date:
    """The same day of another month, or that month's last day. OverflowError beyond the calendar."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError("beyond the calendar")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _known(*values: object) -> bool:
    return all(value is not None for value in values)


def _begun_since_sql(args: Sequence[str], _as_of: str) -> str:
    bound, start, *later = args
    past = " OR ".join(f"{day} < {bound}" for day in later)
    return f"(CASE WHEN {start} IS NOT NULL THEN {start} >= {bound} WHEN {past} THEN FALSE END)"


def _begun_since(args: Sequence[Any], _as_of: date) -> bool | None:
    bound, start, *later = args
    if bound is None:
        return None
    if start is not None:
        return bool(start >= bound)
    return False if any(day is not None and day < bound for day in later) else None


_LIST = Parameter("list", Type.TEXTS)
_DAY = Parameter("date", Type.DATE)
_AMOUNT = Parameter("n", Type.INTEGER, literal=True, set=True)

FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function(
            "has",
            (_LIST, Parameter("'value'", Type.TEXT, literal=True)),
            Type.BOOLEAN,
            lambda a, _: f"list_contains({a[0]}, {a[1]})",
            lambda a, _: a[1] in a[0] if _known(*a) else None,
            "TRUE where the list holds the value.",
        ),
        Function(
            "has_any",
            (_LIST, Parameter("'value'", Type.TEXT, literal=True, repeated=True)),
            Type.BOOLEAN,
            # Several list_contains take half as long as one list_has_any.
            lambda a, _: "(" + " OR ".join(f"list_contains({a[0]}, {text})" for text in a[1:]) + ")",
            lambda a, _: not set(a[1:]).isdisjoint(a[0]) if _known(*a) else None,
            "TRUE where the list holds at least one of the values.",
        ),
        Function(
            "days_since",
            (_DAY,),
            Type.INTEGER,
            lambda a, as_of: f"({as_of} - {a[0]})",
            lambda a, as_of: (as_of - a[0]).days if _known(*a) else None,
            "Days from the date to the audit's clock; negative where it lies ahead.",
        ),
        Function(
            "add_days",
            (_DAY, _AMOUNT),
            Type.DATE,
            lambda a, _: f"CAST({a[0]} + to_days({a[1]}) AS DATE)",
            lambda a, _: a[0] + timedelta(days=a[1]) if _known(*a) else None,
            "The date n days later (earlier where n is negative).",
        ),
        Function(
            "add_months",
            (_DAY, _AMOUNT),
            Type.DATE,
            lambda a, _: f"CAST({a[0]} + to_months({a[1]}) AS DATE)",
            lambda a, _: shift_months(a[0], a[1]) if _known(*a) else None,
            "The same day n months later, or that month's last day.",
        ),
        Function(
            "begun_since",
            (
                Parameter("bound", Type.DATE),
                Parameter("start", Type.DATE),
                Parameter("later", Type.DATE, repeated=True),
            ),
            Type.BOOLEAN,
            _begun_since_sql,
            _begun_since,
            "Whether something was begun on or after the bound. Only the start itself can show that it was; "
            "where the start is not known, a later milestone before the bound shows that it was not.",
        ),
    )
}
