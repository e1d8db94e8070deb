"""From ledger and snapshot to the plain values that reports draw. Pure: everything is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo

from auditor.evidence import fact_views, sourced
from auditor.ledger.records import EventRow, FindingRow
from inventories.kinds import KINDS
from inventories.model import Asset, Conflict, Value, plain
from inventories.stored import Stored
from policies.lists import join
from policies.lists.load import Lists
from policies.model import Basis, Bite, Count, Pack, Rule, Severity, Unknown
from policies.orders import obstacles, obstacles_to_letter
from policies.subjects import stored
from reports.model import (
    AssetView,
    CountView,
    DepartmentView,
    EventView,
    FindingView,
    RuleView,
    SystemView,
    UnknownView,
)

_PACK_GONE = "所依据的规则包已不在用"
_ENDED = "已销号或已排除"

#: What every asset has by whose it is.
OF_DEPARTMENT = frozenset({"department_id", "department_name", "sector", "region", "level_of_government"})
#: Statuses of systems that stand outside 上云率: they do not run yet, or no longer.
_NOT_IN_USE = {"planned": "planned", "suspended": "suspended"}


def departments(assets: Iterable[Asset]) -> tuple[DepartmentView, ...]:
    return tuple(
        DepartmentView(
            id=asset.text("department_id"),
            name=asset.text("name") or asset.text("department_id"),
            region=asset.text("region"),
            sector=asset.text("sector"),
            level=asset.text("level_of_government"),
        )
        for asset in shown(assets, "department")
    )


def shown(assets: Iterable[Asset], kind: str) -> Iterator[Asset]:
    """The assets of a kind; of stored ones nothing but what they show is read."""
    if isinstance(assets, Stored):
        return assets.shown(kind)
    return (asset for asset in assets if asset.kind == kind)


def rules_of(packs: Iterable[Pack]) -> dict[str, Rule]:
    return {rule.full_id: rule for pack in packs for rule in pack.rules}


def rule_views(packs: Iterable[Pack], on: date) -> tuple[RuleView, ...]:
    """The rules with what they cite on a day."""
    return tuple(
        RuleView(
            rule=rule.full_id,
            pack=rule.pack,
            title=rule.title,
            subject=rule.subject,
            severity=rule.severity.value,
            bite=rule.bite.value,
            basis=rule.bases_on(on),
            remedy=rule.remedy,
        )
        for pack in packs
        for rule in pack.rules
    )


def finding_view(
    row: FindingRow,
    rules: Mapping[str, Rule],
    *,
    now: datetime,
    timezone: tzinfo = UTC,
    change: str = "",
    case: str | None = None,
) -> FindingView:
    """A finding with its clause. One whose pack the site no longer has is shown without a basis.

    ``timezone`` is the site's, whose calendar decides on which day the facts were last confirmed.
    """
    rule = rules.get(row.rule)
    basis = _bases(rule, row, timezone) if rule else ()
    why: tuple[str, ...] = (_PACK_GONE,)
    why_no_letter = why
    if rule is not None:
        why, why_no_letter = _obstacles(rule, row, basis, now)
    if row.state in ("resolved", "dismissed"):
        why, why_no_letter = (*why, _ENDED), (*why_no_letter, _ENDED)
    return FindingView(
        id=row.id,
        rule=row.rule,
        title=rule.title if rule else row.rule,
        subject=row.kind,
        asset_key=row.asset_key,
        asset_name=row.asset_name,
        department_id=row.department_id,
        department_name=row.department_name,
        verdict=row.verdict,
        state=row.state,
        reason=row.reason.value,
        severity=row.severity,
        bite=row.bite,
        basis=basis,
        facts=fact_views(row.kind, row.facts),
        opened_at=row.opened_at,
        last_confirmed_at=row.last_confirmed_at,
        resolved_at=row.resolved_at,
        snapshot=row.snapshot_last,
        remedy=rule.remedy if rule else "",
        case=case,
        change=change,
        orderable=not why,
        not_orderable_because=why,
        consequence=rule.consequence if rule else "",
        deadline=rule.deadline if rule else "",
        sendable=not why_no_letter,
        not_sendable_because=why_no_letter,
        refer_to=rule.refer_to if rule else "",
    )


def _obstacles(
    rule: Rule, row: FindingRow, basis: Sequence[Basis], now: datetime
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why a finding may not be ordered mended, and why no letter may carry it."""
    shown = {fact["column"] for fact in row.facts if fact.get("value") is not None}
    facts, unknown = sourced(row.facts), set(stored(rule.subject, rule.columns)) - shown

    def ask(question: Callable[..., tuple[str, ...]], text_verified: bool) -> tuple[str, ...]:
        return question(
            rule,
            facts,
            unknown=unknown,
            verdict=row.verdict,
            stale=row.life.stale,
            now=now,
            text_verified=text_verified,
        )

    # An order cites verified text only; a letter may name further laws beside one that is.
    return (
        ask(obstacles, all(cited.verified for cited in basis)),
        ask(obstacles_to_letter, any(cited.verified for cited in basis)),
    )


def _bases(rule: Rule, row: FindingRow, timezone: tzinfo) -> tuple[Basis, ...]:
    """What a finding cites: the law in force on the date of the fact.

    That is the day that the rule's own column tells; where it tells none, or one before any of its laws, the day on
    which the facts were last confirmed.
    """
    told = next((fact.get("value") for fact in row.facts if fact["column"] == rule.dated_by), None)
    if isinstance(told, str) and rule.in_force(day := date.fromisoformat(told)):
        return rule.bases_on(day)
    return rule.bases_on(row.last_confirmed_at.astimezone(timezone).date())


def by_gravity(findings: Iterable[FindingView]) -> tuple[FindingView, ...]:
    """Gravest first; advice and leads after what can be ordered."""

    def order(f: FindingView) -> tuple[object, ...]:
        return (
            f.department_id,
            f.bite in (Bite.LEAD, Bite.ADVICE, Bite.BUREAU),
            -Severity(f.severity).rank,
            f.rule,
            f.asset_name,
            f.id,
        )

    return tuple(sorted(findings, key=order))


def event_views(events: Iterable[EventRow]) -> tuple[EventView, ...]:
    return tuple(
        EventView(
            at=event.at,
            state=event.after,
            reason="；".join(part for part in (event.reason.value, event.note) if part),
            by=event.actor or event.audit,
        )
        for event in events
    )


def count_views(counts: Iterable[Count], rules: Mapping[str, Rule]) -> tuple[CountView, ...]:
    return tuple(
        CountView(
            rule=count.rule,
            title=rules[count.rule].title,
            pack=rules[count.rule].pack,
            severity=rules[count.rule].severity.value,
            department_id=count.department_id,
            verdict=count.verdict.value,
            number=count.number,
        )
        for count in counts
        if count.rule in rules and count.number
    )


def unknown_view(rule: Rule, unknown: Unknown, missing: tuple[str, ...], names: Mapping[str, str]) -> UnknownView:
    return UnknownView(
        rule=rule.full_id,
        title=rule.title,
        asset_name=unknown.asset_name or unknown.asset_key,
        asset_key=unknown.asset_key,
        department_id=unknown.department_id,
        department_name=names.get(unknown.department_id, ""),
        missing=missing,
    )


def system_views(
    assets: Iterable[Asset], packs: Sequence[Pack], names: Mapping[str, str], waived: Mapping[str, str]
) -> tuple[SystemView, ...]:
    """The migration account: which systems are counted, which are not and why, and where each one runs.

    上云率 has no official formula: it is systems on a recognised government cloud over systems in use, without
    those that filed stop-use, that have an approved waiver, or whose status nobody has told. ``waived`` maps the
    key of a system to the waiver of its migration.
    """
    levels = {level for pack in packs for level in pack.recognised_levels}
    out = []
    for asset in shown(assets, "system"):
        if asset.get("is_declared") is True:
            out.append(_system_view(asset, levels, names, waived))
    return tuple(out)


def _system_view(asset: Asset, levels: set[str], names: Mapping[str, str], waived: Mapping[str, str]) -> SystemView:
    status = asset.text("status")
    department = asset.text("department_id")
    excluded = _NOT_IN_USE.get(status, "")
    if asset.key in waived:
        excluded = "waived"
    elif status == "retired":
        excluded = "retired_filed" if asset.get("retired_filed_on") else "retired"
    elif not status:
        excluded = "status_unknown"
    level = asset.get("mlps_level")
    return SystemView(
        key=asset.key,
        name=asset.text("name"),
        department_id=department,
        department_name=names.get(department, ""),
        status=status,
        hosting=_texts(asset, "hosting"),
        on_cloud=on_recognised_cloud(asset, levels),
        migrated_on=_date(asset, "migrated_on"),
        planned_on=_date(asset, "migration_plan_due_on"),
        addresses=_texts(asset, "addresses"),
        mlps_level=level if isinstance(level, int) else None,
        excluded=excluded,
    )


def on_recognised_cloud(asset: Asset, levels: set[str]) -> bool | None:
    """The same question that packs ask at evaluation: TRUE, FALSE, or None where nobody has shown it."""
    hosting = _texts(asset, "hosting")
    if not hosting:
        return None
    if "gov_cloud" not in hosting:
        return False
    shown = _texts(asset, "hosting_levels")
    return bool(levels.intersection(shown)) if shown else None


def _texts(asset: Asset, column: str) -> tuple[str, ...]:
    value = asset.get(column)
    return value if isinstance(value, tuple) else ()


def _date(asset: Asset, column: str) -> date | None:
    value = asset.get(column)
    return value if isinstance(value, date) else None


def asset_views(
    assets: Iterable[Asset], names: Mapping[str, str], lists: Lists | None = None, as_of: date | None = None
) -> tuple[AssetView, ...]:
    """Every asset as a ledger's row. With ``lists``, components carry what the lists say of them on the day."""
    listed = Listed(lists, as_of)
    return tuple(
        asset_view(asset.kind, asset.key, asset.values, asset.conflicts, _sources(asset), names, listed)
        for asset in assets
    )


def asset_view(
    kind: str,
    key: str,
    shown: Mapping[str, Value],
    conflicts: Iterable[Conflict],
    sources: tuple[str, ...],
    names: Mapping[str, str],
    listed: Listed,
) -> AssetView:
    """An asset by the values that it shows as a ledger's row."""
    values = {name: value if isinstance(value, date) else plain(value) for name, value in shown.items()}
    if kind == join.KIND:
        values |= listed.of(values)
    department = str(values.get("department_id") or "")
    return AssetView(
        kind=kind,
        key=key,
        name=str(values.get("name") or ""),
        department_id=department,
        department_name=names.get(department, ""),
        zone=str(values.get("zone") or ""),
        values=values,
        conflicts=tuple(f"{KINDS[kind].column(c.column).title}：{c.why}" for c in conflicts),
        sources=sources,
    )


def _sources(asset: Asset) -> tuple[str, ...]:
    """Who spoke of an asset itself, each once; what it has from its department is that one's."""
    joined = (fact.source for fact in asset.facts if fact.column not in OF_DEPARTMENT)
    return tuple(dict.fromkeys(source for sources in joined for source in sources.split(" + ")))


class Listed:
    """What the lists say of components: each distinct product is looked up once. Nothing without lists, or a day."""

    def __init__(self, lists: Lists | None, as_of: date | None) -> None:
        self._lists, self._as_of = lists, as_of
        self._known: dict[tuple[object, ...], dict[str, object]] = {}

    def of(self, values: Mapping[str, object]) -> dict[str, object]:
        if self._lists is None or self._as_of is None:
            return {}
        product = tuple(values.get(name) for name in (*join.SOURCES, join.NAMED, "is_declared"))
        if product not in self._known:
            found = join.answers(self._lists, values, self._as_of)
            self._known[product] = {name: value for name, value in found.items() if value is not None}
        return self._known[product]
