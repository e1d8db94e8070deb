"""The two ledgers of systems by where they run: those not shown on a recognised government cloud, and the others.

Every registered system stands on one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from inventories.kinds import KINDS
from reports.late import of_kind
from reports.ledger_cells import Cell, Head, Mark, heads
from reports.ledger_columns import EVIDENCE, SNAPSHOT, Getter, Order, chosen, conflicts_of, evidence, getter, others
from reports.model import AssetView, AuditView, SystemView
from reports.sheets import Book
from reports.words import EXCLUSIONS, listing, word

_KIND = KINDS["system"]
_HOSTING = _KIND.column("hosting")
_STATUS = _KIND.column("status")
_PRINTED = "code:11 go_live_on addresses:18 mlps_level:7"
_OWN = ("status", "hosting", "migrated_on", "migration_plan_due_on")
_OFF = "系统未上云台账"
_ON = "系统已上云台账"
_YES_OR_NOT = {False: "否", None: Mark("无法判定", "faint")}


def write_systems(book: Book, view: AuditView, order: Order) -> None:
    """Adds 系统未上云台账 (not on the cloud, or nobody has shown it, and why) and 系统已上云台账."""
    assets = {asset.key: asset for asset in of_kind(view.assets, "system")}
    first = chosen(_KIND, _PRINTED)
    rest = others(_KIND, assets.values(), [*(column.name for column, _ in first), *_OWN])
    shown, hidden = [getter(column) for column, _ in first], [getter(column) for column, _ in rest]
    off = order.sort(
        (s for s in view.systems if s.on_cloud is not True),
        lambda s: (bool(s.excluded), s.on_cloud is None, s.name, s.key),
    )
    on = order.sort((s for s in view.systems if s.on_cloud), lambda s: (bool(s.excluded), s.name, s.key))
    where = heads("部门 16; 系统名称 24; 系统|状态 8; 部署位置 12")
    counted = heads("纳入|上云率 7; 不纳入原因 12")
    rows = (
        [*_common(s), _YES_OR_NOT.get(s.on_cloud), why(s, assets.get(s.key), view), s.planned_on, *_counted(s)]
        for s in off
    )
    own = (*where, *heads("是否|已上云 9; 未上云情形 28; 计划迁移|日期 11"), *counted)
    _sheet(book, _OFF, own, _with(off, rows, assets, shown, hidden, view), first, rest)
    rows = ([*_common(s), s.migrated_on, *_counted(s)] for s in on)
    own = (*where, *heads("迁移上云|日期 11"), *counted)
    _sheet(book, _ON, own, _with(on, rows, assets, shown, hidden, view), first, rest)


def _sheet(
    book: Book,
    title: str,
    own: Sequence[Head],
    rows: Iterator[list[Cell]],
    first: Sequence[tuple[object, Head]],
    rest: Sequence[tuple[object, Head]],
) -> None:
    printed = (*own, *(head for _, head in first), *EVIDENCE)
    columns = (*printed, *(head for _, head in rest), *heads("数据冲突 30"), *SNAPSHOT)
    book.sheet(title, columns, rows, printed=len(printed))


def _common(system: SystemView) -> list[Cell]:
    places: Cell = [_HOSTING.label(place) for place in system.hosting]
    return [system.department_name, system.name, _STATUS.label(system.status), places]


def _counted(system: SystemView) -> list[Cell]:
    return [not system.excluded, word(EXCLUSIONS, system.excluded) if system.excluded else None]


def _with(
    systems: Sequence[SystemView],
    rows: Iterator[list[Cell]],
    assets: Mapping[str, AssetView],
    first: Sequence[Getter],
    rest: Sequence[Getter],
    view: AuditView,
) -> Iterator[list[Cell]]:
    """The rows with what the assets tell beside them."""
    for system, own in zip(systems, rows, strict=True):
        asset = assets.get(system.key)
        values = dict(asset.values) if asset else {}
        values.setdefault("addresses", system.addresses or None)
        values.setdefault("mlps_level", system.mlps_level)
        told = [*(get(values) for get in first), *evidence(asset, system.key), *(get(values) for get in rest)]
        yield [*own, *told, conflicts_of(asset), view.snapshot]


def why(system: SystemView, asset: AssetView | None, view: AuditView) -> str:
    """Why a system does not count as being on the cloud: what is shown, or what nobody has shown."""
    values: Mapping[str, object] = asset.values if asset else {}
    places = [_HOSTING.label(place) for place in system.hosting]
    if any(told.startswith(f"{_HOSTING.title}：") for told in (asset.conflicts if asset else ())):
        ground = f"{_HOSTING.title}的登记与探测相互矛盾"
    elif not places:
        ground = "部署位置无登记，也未探明"
    elif "gov_cloud" not in system.hosting:
        ground = f"部署在{listing(places)}"
    elif system.on_cloud is None:
        ground = "登记为政务云，未能确认是哪一级政务云"
    else:
        ground = "所在政务云不在认可的层级之内"
    found = values.get("migration_state")
    told = [_KIND.column("migration_state").label(str(found))] if found and found != "done" else []
    if system.planned_on and system.planned_on < view.as_of and not system.excluded:
        told.append("计划迁移日期已过")
    return "；".join([ground, *told])
