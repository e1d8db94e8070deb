"""All dashboards: as files, and as the list of questions that they ask Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reports.grafana.boards.assessments import ASSESSMENTS
from reports.grafana.boards.cases import CASES
from reports.grafana.boards.city import CITY
from reports.grafana.boards.department import DEPARTMENT_BOARD
from reports.grafana.boards.domestic import DOMESTIC
from reports.grafana.boards.places import PLACES
from reports.grafana.boards.scanning import SCANNING
from reports.grafana.drawing import asked, dashboard, is_instant
from reports.grafana.model import Board
from reports.grafana.variables import QUERIES, name_of

#: In the order in which they are read.
BOARDS: tuple[Board, ...] = (CITY, DEPARTMENT_BOARD, PLACES, DOMESTIC, ASSESSMENTS, CASES, SCANNING)
#: Where the JSON lies that is shipped.
FOLDER = Path(__file__).parent / "dashboards"

INSTANT, RANGE = "instant", "range"


class Asked(NamedTuple):
    """One query of a panel. ``kind`` is ``instant`` or ``range``; ``expr`` has variables (:func:`substituted`).

    ``name`` is the series' or column's name; empty where the query only names a table's rows. Every query has an
    answer, if only NaN, but the ``optional`` ones.
    """

    uid: str
    title: str
    expr: str
    kind: str
    name: str
    optional: bool


def files(console: str = "") -> dict[str, str]:
    """File name → JSON. ``console`` is the console's address; empty: no link leads there. Same input, same text."""
    return {
        f"{board.uid}.json": json.dumps(dashboard(board, console), ensure_ascii=False, indent=2) + "\n"
        for board in BOARDS
    }


def queries() -> list[Asked]:
    """Every query of every panel, also the ones that a trend asks again for now."""
    return [
        Asked(
            board.uid,
            panel.title,
            query.expr,
            INSTANT if is_instant(panel, ref) else RANGE,
            query.name,
            query.optional,
        )
        for board in BOARDS
        for panel, _ in board.placed()
        for ref, query in asked(panel)
    ]


def variable_queries() -> list[tuple[str, str]]:
    """What the variables are filled from: name, PromQL."""
    return list(dict.fromkeys((name_of(variable), expr) for variable, expr in QUERIES.items()))


_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|([A-Za-z_]\w*))")
#: What Grafana escapes in a value that goes into a regular expression inside a quoted string.
_SPECIAL = re.compile(r"[$^*{}\[\]+?.()|]")


def substituted(expr: str, values: Mapping[str, str | Sequence[str]]) -> str:
    """``expr`` as Grafana asks it: text as it is (``.*``: all), a list as alternatives.

    ``site`` is every site where it has no value; KeyError for any other variable that has none. ``$1`` of
    ``label_replace`` is left alone.
    """
    chosen_of = {"site": ".*", **values}

    def one(match: re.Match[str]) -> str:
        value = chosen_of[match[1] or match[2]]
        if isinstance(value, str):
            return value
        chosen = [_SPECIAL.sub(r"\\\\\g<0>", text.replace("\\", "\\" * 4)) for text in value]
        return chosen[0] if len(chosen) == 1 else f"({'|'.join(chosen)})"

    return _VARIABLE.sub(one, expr)


def variables_of(expr: str) -> Iterator[str]:
    """The names of the variables in an expression or an address."""
    for match in _VARIABLE.finditer(expr):
        yield match[1] or match[2]
