"""Rooms, networks, products and papers of a view, counted as the dashboards count them. Pure.

What lasts until a day is told as of ``today``, the day on which the report is made, and not of the audit's day.

What was asked for and does not exist (``missing``) and what nobody has told (``not_known``) are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from policies.subjects import columns_of
from reports.late import of_kind
from reports.ledger_columns import as_day
from reports.ledger_components import standing
from reports.ledger_terms import (
    EXPIRED,
    NOT_ASKED,
    VALID,
    WARNINGS,
    Standing,
    assessment,
    cryptography,
    filing,
)
from reports.model import AssetView, AuditView, SystemView

_LIST_STATUS = columns_of("component")["list_status"]
#: Papers in the order in which they are told, with their Chinese titles.
PAPERS: Mapping[str, str] = {"filing": "等保备案", "assessment": "等保测评", "crypto": "密评"}
#: How a paper stands, from good to bad, and then what is not told or not asked for.
STATUSES: Mapping[str, str] = {
    "valid": "有效",
    "expiring_90d": "61～90日内到期",
    "expiring_60d": "31～60日内到期",
    "expiring_30d": "30日内到期",
    "expired": "已到期",
    "missing": "没有",
    "not_known": "不明",
    "not_applicable": "不适用",
}
#: How good or bad a status is, as a tone of :class:`~reports.ledger_cells.Mark`.
TONES = {
    "valid": "good",
    "expiring_90d": "warn",
    "expiring_60d": "warn",
    "expiring_30d": "bad",
    "expired": "bad",
    "missing": "bad",
}
#: What the announcements say of a product; the last two where they say nothing.
STANDINGS: Mapping[str, str] = {
    **{code: _LIST_STATUS.label(code) for code in _LIST_STATUS.values},
    "no_table": "该类无名录",
    "untold": "无法判定",
}
ORIGINS: Mapping[str, str] = {"declared": "已登记", "inferred": "未登记（探测推断）", "unknown": "是否登记不明"}
#: Months of the calendar of papers and entries that run out.
MONTHS = 12
#: Systems that are not there yet, or no more, need no papers.
_NOT_IN_USE = frozenset({"planned", "retired"})
_LISTED = frozenset({"listed", "expiring", "expired", "superseded"})


@dataclass(frozen=True, slots=True)
class Place:
    """A machine room or a network. ``kind`` is the network's, else empty; ``approved`` None where nobody told."""

    key: str
    name: str
    department_id: str
    department_name: str
    kind: str
    origin: str
    built_on: date | None
    approved: bool | None
    approval_no: str
    hosts: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A product's entry in an announcement, and how many components rest on it in how many departments."""

    product: str
    category: str
    announcement: str
    valid_to: date
    status: str
    components: int
    departments: int


@dataclass(frozen=True, slots=True)
class PaperRow:
    """One paper of one system that needs looking at: it runs out, has run out, or does not exist."""

    system: str
    department_id: str
    department_name: str
    level: int | None
    paper: str
    status: str
    word: str
    until: date | None
    days: int | None


@dataclass(frozen=True, slots=True)
class PaperAccount:
    """``counts``: paper → status → systems; ``by_department``: (department, paper) → status → systems.

    ``rows`` are in the order of urgency; ``months``: paper → ``2027-01`` → papers that run out in that month.
    """

    counts: Mapping[str, Counter[str]]
    by_department: Mapping[tuple[str, str], Counter[str]]
    rows: tuple[PaperRow, ...]
    months: Mapping[str, Counter[str]]


def origin_of(asset: AssetView) -> str:
    """``inferred``: seen, and on no register; ``unknown``: the register was not received whole."""
    declared = asset.values.get("is_declared")
    return "declared" if declared is True else "inferred" if declared is False else "unknown"


def places(view: AuditView, kind: str) -> tuple[Place, ...]:
    """Rooms or networks, those that nobody registered first."""
    found = [_place(asset) for asset in of_kind(view.assets, kind)]
    order = list(ORIGINS)
    return tuple(
        sorted(
            found, key=lambda p: (order.index(p.origin) != 1, order.index(p.origin), p.department_id, p.name, p.key)
        )
    )


def _place(asset: AssetView) -> Place:
    values = asset.values
    number, absent, hosts = values.get("approval_no"), values.get("approval_absent"), values.get("hosts_physical")
    return Place(
        key=asset.key,
        name=asset.name,
        department_id=asset.department_id,
        department_name=asset.department_name,
        kind=str(values.get("kind") or "") if asset.kind == "network" else "",
        origin=origin_of(asset),
        built_on=as_day(values.get("built_on")),
        approved=True if number else False if absent is True else None,
        approval_no=str(number or ""),
        hosts=hosts if isinstance(hosts, int) and not isinstance(hosts, bool) else None,
    )


# --- products -----------------------------------------------------------------------------------------------


def validity(asset: AssetView, today: date) -> str:
    """How the entry that a component rests on stands by its last day; empty where it rests on none."""
    if asset.values.get("list_status") not in _LISTED:
        return ""
    return ends(as_day(asset.values.get("list_valid_to")), today)


def ends(day: date | None, today: date) -> str:
    """The status of what lasts until a day."""
    if day is None:
        return "not_known"
    left = (day - today).days
    if left < 0:
        return "expired"
    return next((f"expiring_{days}d" for days in WARNINGS if left <= days), "valid")


def components(view: AuditView) -> Counter[tuple[str, str, str]]:
    """(department, category, what the announcements say) → components; the category is empty where untold."""
    return Counter(
        (asset.department_id, str(asset.values.get("category") or ""), standing(asset))
        for asset in of_kind(view.assets, "component")
    )


def entries(view: AuditView, today: date) -> tuple[Entry, ...]:
    """Entries with a last day, the earliest first."""
    found: dict[tuple[date, str, str, str], list[AssetView]] = {}
    for asset in of_kind(view.assets, "component"):
        day = as_day(asset.values.get("list_valid_to"))
        if day is None or asset.values.get("list_status") not in _LISTED:
            continue
        product, category, told = (
            str(asset.values.get(name) or "") for name in ("product", "category", "list_announcement")
        )
        found.setdefault((day, product, category, told), []).append(asset)
    return tuple(
        Entry(
            product=product,
            category=category,
            announcement=announcement,
            valid_to=day,
            status=ends(day, today),
            components=len(group),
            departments=len({asset.department_id for asset in group}),
        )
        for (day, product, category, announcement), group in sorted(found.items())
    )


# --- papers -------------------------------------------------------------------------------------------------


def status_of(told: Standing) -> str:
    """The dashboards' code of a paper's standing; a filing whose registered end has passed may still stand."""
    if told.word == VALID:
        return "valid"
    if told.word == EXPIRED:
        return "expired"
    if told.word == NOT_ASKED:
        return "not_applicable"
    for days in WARNINGS:
        if told.word == f"{days}日内到期":
            return f"expiring_{days}d"
    return "missing" if told.word.startswith("未") else "not_known"


def papers(view: AuditView, today: date) -> PaperAccount:
    """The papers of every registered system but those not yet built or retired, as in 等保密评台账."""
    values = {asset.key: asset.values for asset in of_kind(view.assets, "system")}
    counts: dict[str, Counter[str]] = {paper: Counter() for paper in PAPERS}
    departments: dict[tuple[str, str], Counter[str]] = {}
    months: dict[str, Counter[str]] = {paper: Counter() for paper in PAPERS}
    rows = []
    for system in view.systems:
        if system.status in _NOT_IN_USE:
            continue
        for paper, told in _standings(system, values.get(system.key, {}), view, today):
            status = status_of(told)
            counts[paper][status] += 1
            departments.setdefault((system.department_id, paper), Counter())[status] += 1
            if told.until and told.until >= today:
                months[paper][f"{told.until:%Y-%m}"] += 1
            if status in ("missing", "expired") or status.startswith("expiring"):
                rows.append(_row(system, paper, status, told, today))
    return PaperAccount(counts, departments, tuple(sorted(rows, key=_urgency)), months)


def _standings(
    system: SystemView, told: Mapping[str, object], view: AuditView, today: date
) -> Iterable[tuple[str, Standing]]:
    values = {"mlps_level": system.mlps_level, **told}
    yield "filing", filing(values, today)
    yield "assessment", assessment(values, today, view.settings)
    yield "crypto", cryptography(values, today, view.settings)


def _row(system: SystemView, paper: str, status: str, told: Standing, today: date) -> PaperRow:
    return PaperRow(
        system=system.name,
        department_id=system.department_id,
        department_name=system.department_name,
        level=system.mlps_level,
        paper=paper,
        status=status,
        word=told.word,
        until=told.until,
        days=told.left(today),
    )


def _urgency(row: PaperRow) -> tuple[object, ...]:
    """What runs out soonest first, then what has run out, then what does not exist."""
    rank = 0 if row.status.startswith("expiring") else 1 if row.status == "expired" else 2
    return (rank, row.until or date.max, -(row.level or 0), row.department_id, row.system, row.paper)


def month_codes(today: date) -> tuple[str, ...]:
    """This month and those that follow, as ``2027-01``."""
    first = today.year * 12 + today.month - 1
    return tuple(f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, first + MONTHS))
