"""The lists' answers laid beside a snapshot's components, as one table to join with.

A city has a million components and a few hundred products: each distinct product is looked up once, and the database
joins the answers to the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from policies.lists.answers import answer, end_of_support
from policies.lists.load import Lists
from policies.statements import identifier, nested, select, text

KIND = "component"
#: The stored columns that decide the answers.
SOURCES = ("category", "product", "version", "vendor")
#: A register may give a product's whole name and no more.
NAMED = "name"
#: The columns that are joined.
COLUMNS = (
    "list_status",
    "list_level",
    "list_announcement",
    "list_valid_to",
    "is_domestic",
    "eol_on",
    "eol_extended_on",
)
TABLE = identifier("answers of the lists")


def answers(lists: Lists, facts: Mapping[str, object], as_of: date) -> dict[str, object]:
    """Every joined column of one component; None where the lists do not tell.

    ``facts`` are its stored columns, as far as they are known.
    """
    category, product, version, vendor = (_text(facts.get(name)) for name in SOURCES)
    product = product or (_text(facts.get(NAMED)) if facts.get("is_declared") else "")
    found = answer(lists, category, product, version, vendor, as_of)
    end = end_of_support(lists, category, product, version)
    told = found.status is not None
    row = found.row if told else None
    return {
        "list_status": str(found.status) if found.status is not None else None,
        "list_level": (row.level or None) if row else None,
        "list_announcement": row.announcement.title if row else None,
        "list_valid_to": row.valid_to if row else None,
        "is_domestic": found.is_domestic,
        "eol_on": end.on if end else None,
        "eol_extended_on": (end.extended_to or end.on) if end else None,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def source_columns(column: Callable[[str], str]) -> list[str]:
    """SQL of the columns by which a row is looked up; ``column`` gives that of a stored one."""
    declared, product = column("is_declared"), column("product")
    named = f"CASE WHEN {declared} AND {product} IS NULL THEN {column(NAMED)} ELSE {product} END"
    return [column("category"), named, column("version"), column("vendor")]


def missing(name: str, column: Callable[[str], str]) -> dict[str, str]:
    """Column → SQL that names it where it is what a joined column lacks: the product, or else the lists' own word.

    A processor has no version.
    """
    lacks = {
        "category": f"{column('category')} IS NULL",
        "product": f"{column('product')} IS NULL",
        "version": f"({column('version')} IS NULL AND {column('category')} <> 'cpu')",
    }
    silent = f"{column(name)} IS NULL"
    out = {source: f"CASE WHEN {silent} AND {lack} THEN {text(source)} END" for source, lack in lacks.items()}
    told = " OR ".join(lacks.values())
    return {**out, name: f"CASE WHEN {silent} AND NOT ({told}) THEN {text(name)} END"}


def answer_table(lists: Lists, products: Iterable[tuple[Any, ...]], as_of: date) -> Any:
    """An Arrow table of the answers to the distinct products of a snapshot: four key columns, then the answers."""
    import pyarrow as pa

    types = {"list_valid_to": pa.date32(), "eol_on": pa.date32(), "eol_extended_on": pa.date32()}
    types["is_domestic"] = pa.bool_()
    shape = pa.schema([(f"its {name}", pa.string()) for name in SOURCES])
    for name in COLUMNS:
        shape = shape.append(pa.field(name, types.get(name, pa.string())))
    held: dict[str, list[object]] = {name: [] for name in shape.names}
    for product in products:
        facts = dict(zip(SOURCES, product, strict=True))
        found = answers(lists, facts, as_of)
        if all(value is None for value in found.values()):
            continue
        for name in SOURCES:
            held[f"its {name}"].append(facts[name])
        for name in COLUMNS:
            held[name].append(found[name])
    return pa.Table.from_pydict(held, schema=shape)


def joined(rows: str, column: Callable[[str], str]) -> str:
    """SQL of the rows of ``rows`` with the answers beside them. ``column`` gives the SQL of a column of ``c``."""
    keys = source_columns(column)
    alike = " AND ".join(
        f"l.{identifier(f'its {name}')} IS NOT DISTINCT FROM {key}" for name, key in zip(SOURCES, keys, strict=True)
    )
    shown = [f"l.{identifier(name)}" for name in COLUMNS]
    return nested(select(["c.*", *shown], f"{rows} c LEFT JOIN {TABLE} l ON {alike}"))
