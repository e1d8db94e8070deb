"""Putting SQL together from parts that are SQL already. Nothing that a person typed comes this way."""

from __future__ import annotations

from collections.abc import Sequence


def select(
    columns: Sequence[str],
    source: str,
    *,
    where: str = "",
    group_by: str = "",
    order_by: str = "",
    limit: int | None = None,
) -> str:
    parts = ["SELECT", ", ".join(columns), "FROM", source]
    for word, part in (("WHERE", where), ("GROUP BY", group_by), ("ORDER BY", order_by)):
        if part:
            parts += [word, part]
    return " ".join(parts if limit is None else [*parts, "LIMIT", str(int(limit))])


def create(table: str, query: str) -> str:
    """A temporary table that replaces an earlier one of the name."""
    return " ".join(["CREATE OR REPLACE TEMP TABLE", table, "AS", query])


def common(name: str, query: str, then: str) -> str:
    """A query whose result is computed once, under a name, for another."""
    return " ".join(["WITH", name, "AS MATERIALIZED", nested(query), then])


def nested(query: str) -> str:
    return f"({query})"


def text(value: str) -> str:
    """A text written out."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: Sequence[str]) -> str:
    """Texts written out, with commas between them."""
    return ", ".join(text(value) for value in values)


def identifier(name: str) -> str:
    """A name of a table or column."""
    return '"' + name.replace('"', '""') + '"'
