"""What a dashboard is made of: small frozen declarations, from which :mod:`reports.grafana.drawing` makes the JSON.

A board is rows from top to bottom, a row is panels from left to right that fill Grafana's 24 columns, and a panel
is a title, a description, a kind, a unit and its queries. Nothing here knows Grafana's JSON.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

#: Grafana's grid: a screen of 1920×1080 shows 24 columns and, below Grafana's own bars, some 26 rows.
COLUMNS = 24
SCREEN = 26

#: The colours, few and told apart by everybody: what is good, a warning, bad, a plain figure, and not known.
GOOD, WARN, ALERT, BAD, WORST = "green", "dark-yellow", "orange", "red", "dark-red"
PLAIN, SECOND, GREY = "blue", "purple", "#8e8e8e"

NOT_TOLD = "不详"
#: Any text at all, as a value that is said by one word.
ANY = ".+"


class Kind(enum.StrEnum):
    """How a panel shows its figures; the values are Grafana's own panel types."""

    FIGURES = "stat"
    BARS = "bargauge"
    COLUMNS = "barchart"
    TREND = "timeseries"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Step:
    """From ``value`` on a figure has this colour; ``None``: from below everything."""

    value: float | None
    colour: str


def plain(colour: str = PLAIN) -> tuple[Step, ...]:
    """One colour, whatever the figure."""
    return (Step(None, colour),)


def wrong_from(value: float, colour: str = BAD) -> tuple[Step, ...]:
    """Good below ``value``, and of ``colour`` from there on: 0 is green, 1 is not."""
    return (Step(None, GOOD), Step(value, colour))


@dataclass(frozen=True, slots=True)
class Link:
    """A way from a figure to what is behind it. ``url`` is a path of Grafana's, or begins with ``${console:raw}``."""

    title: str
    url: str

    @property
    def to_console(self) -> bool:
        return self.url.startswith("${console")


@dataclass(frozen=True, slots=True)
class Look:
    """How one series or column differs from its panel: ``says`` maps values to words (``.+``: any text)."""

    colour: str = ""
    steps: tuple[Step, ...] = ()
    unit: str = ""
    decimals: int | None = None
    says: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    #: Of a table's column: pixels, and whether a bar from 0 to 1 is drawn or the figure coloured.
    width: int = 0
    bar: bool = False
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus. ``name`` is the series' or column's name in Chinese; a table's first has none.

    ``optional``: no answer is as it should be; every other query answers, if only with NaN.
    """

    expr: str
    name: str = ""
    look: Look = field(default_factory=Look)
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """A label as a column of a table, or as the words below a chart's columns; without a title it is not shown."""

    label: str
    title: str
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a table has rows for: ``expr`` has one series for each, told apart by the labels ``on``.

    Where a column's query has no answer for a row it is asked to say NaN: without any, the column would vanish.
    """

    expr: str
    on: str


@dataclass(frozen=True, slots=True)
class Panel:
    """``width`` is in columns; ``unit`` is one of Grafana's (``suffix:个`` writes the word behind the figure)."""

    title: str
    description: str
    kind: Kind
    unit: str
    width: int
    queries: tuple[Query, ...]
    steps: tuple[Step, ...] = (Step(None, PLAIN),)
    #: Values that are no figures: see :mod:`reports.grafana.words`.
    says: Mapping[str, str] = field(default_factory=dict)
    decimals: int | None = None
    labels: tuple[Label, ...] = ()
    rows: Rows | None = None
    #: The column by which a table is sorted: the largest first, after ``-`` the smallest.
    sort: str = ""
    links: tuple[Link, ...] = ()
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    height: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands, in columns and rows from the upper left."""

    x: int
    y: int
    w: int
    h: int


class Variable(enum.StrEnum):
    """The variables that a board can have beside its data source and the console's address."""

    REGION = "region"
    DEPARTMENT = "department"
    ONE_DEPARTMENT = "one_department"
    PACK = "pack"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Board:
    """``since`` is how far back trends look, as Grafana writes it (``now-1y``)."""

    uid: str
    title: str
    description: str
    since: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]

    def placed(self) -> Iterator[tuple[Panel, Place]]:
        """Every panel with its place; ValueError where a row does not fill the grid."""
        y = 0
        for row in self.rows:
            x = 0
            for panel in row.panels:
                yield panel, Place(x, y, panel.width, row.height)
                x += panel.width
            if x != COLUMNS:
                raise ValueError(f"{self.uid}: the row at {y} is {x} columns wide, not {COLUMNS}")
            y += row.height
