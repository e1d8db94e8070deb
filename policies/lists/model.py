"""What stands on the lists: tables, announcements, rows, and how far a table is whole."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from inventories.products import Name

#: The announcement's tables → their titles, with other words for them.
TABLES: Mapping[str, tuple[str, ...]] = {
    "cpu": ("中央处理器", "CPU", "处理器", "中央处理器（CPU）"),
    "desktop_os": ("桌面操作系统", "操作系统（桌面）"),
    "server_os": ("服务器操作系统", "操作系统（服务器）"),
    "central_database": ("集中式数据库", "数据库（集中式）"),
    "distributed_database": ("分布式数据库", "数据库（分布式）"),
    "ai_chip": ("AI训练推理芯片", "人工智能训练推理芯片", "AI芯片"),
}
#: Category of a component → the tables that it may stand on.
TABLES_OF: Mapping[str, tuple[str, ...]] = {
    "cpu": ("cpu",),
    "os": ("desktop_os", "server_os"),
    "database": ("central_database", "distributed_database"),
}
#: Table → the category by whose names its products are told.
CATEGORY_OF = {table: category for category, tables in TABLES_OF.items() for table in tables}

YEARS = 3
#: A result that ends within so many days is about to run out.
EXPIRING_DAYS = 90
#: New announcements come out every few months, and each may list what the tables lack. So long after the day through
#: which a person called a table complete, what is not on it still counts as not listed.
COMPLETE_DAYS = 31


def after_years(day: date, years: int) -> date:
    """The same day of a later year; the 29th of February becomes the 28th."""
    year = day.year + years
    return date(year, day.month, min(day.day, calendar.monthrange(year, day.month)[1]))


@dataclass(frozen=True, slots=True)
class Announcement:
    """``earliest`` and ``latest`` are the same day, or a month's first and last where no day is known."""

    id: str
    title: str
    earliest: date
    latest: date
    source: str
    verified: bool = False
    url: str = ""

    @property
    def is_dated(self) -> bool:
        return self.earliest == self.latest

    @property
    def ends(self) -> tuple[date, date]:
        """The last day of its results: the earliest that it can be, and the latest."""
        first, last = (after_years(day, YEARS) - timedelta(days=1) for day in (self.earliest, self.latest))
        return first, last


@dataclass(frozen=True, slots=True)
class Row:
    """One result. ``name`` is the product as the table of names tells it, None where it knows none such."""

    table: str
    product: str
    vendor: str
    level: str
    announcement: Announcement
    ends: tuple[date, date]
    source: str
    verified: bool
    name: Name | None = None
    superseded_by: Announcement | None = None
    where: str = ""

    @property
    def valid_to(self) -> date | None:
        """The last day; None where only a month is known."""
        return self.ends[0] if self.ends[0] == self.ends[1] else None


@dataclass(frozen=True, slots=True)
class Complete:
    """A person's word that a table holds every row of every announcement up to a day."""

    table: str
    through: date
    by: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """When the support of one release ends; ``extended_to``: of what is sold beyond that."""

    product: str
    release: str
    on: date
    source: str
    extended_to: date | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Book:
    """One file of results, or several as one. ``levels`` are in rising order."""

    levels: tuple[str, ...] = ()
    announcements: Mapping[str, Announcement] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    complete: tuple[Complete, ...] = ()
