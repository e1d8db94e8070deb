"""The ledgers of things: systems on and off the cloud, machine rooms, networks, clouds, hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from inventories.kinds import KINDS, Column, Kind, Type
from inventories.kinds.declare import COMMON
from reports.account import owners
from reports.model import AssetView, AuditView, SystemView
from reports.sheets import Book, Cell, Head, Lines, heads
from reports.words import EXCLUSIONS, word

Owned = TypeVar("Owned", AssetView, SystemView)

#: Sheets of assets: title, kind, and the columns that are printed beside department and name, in order.
_SHEETS: tuple[tuple[str, str, str], ...] = (
    (
        "机房台账",
        "room",
        "code address kind area built_on approval_no racks servers_declared hosts_physical ups yearly_power_cost "
        "disposal disposal_due_on is_inferred",
    ),
    (
        "业务专网台账",
        "network",
        "code kind prefixes carrier bandwidth uplink yearly_rent built_on approval_no legal_basis merge_due_on "
        "is_unified_exit",
    ),
    (
        "云平台台账",
        "cloud",
        "code kind platform owner_level endpoint built_on expanded_on approval_no is_merged_under_city hosts_total "
        "vms_total is_inferred",
    ),
    (
        "主机台账",
        "host",
        "code ips answers role platform os_name vendor model open_services in_asset_register",
    ),
)
_SYSTEM_COLUMNS = ("code", "go_live_on", "addresses", "mlps_level")
#: Columns of every kind that are of use beside the kind's own.
_SHARED = ("zone", "is_observed", "is_declared", "sources", "first_seen_on", "last_seen_on")
_WIDTHS: Mapping[Type, float] = {
    Type.TEXT: 13,
    Type.TEXTS: 20,
    Type.INTEGER: 9,
    Type.NUMBER: 10,
    Type.BOOLEAN: 8,
    Type.DATE: 11,
}


def write_assets(book: Book, view: AuditView) -> None:
    """Adds 系统上云台账, 机房台账, 业务专网台账, 云平台台账 and 主机台账.

    Columns that nothing is known of are left out, but for those that are printed.
    """
    _systems(book, view)
    for title, kind, names in _SHEETS:
        _assets(book, view, title, KINDS[kind], names.split())


def _systems(book: Book, view: AuditView) -> None:
    kind = KINDS["system"]
    assets = {asset.key: asset for asset in view.assets if asset.kind == "system"}
    rest = _others(
        kind, assets.values(), (*_SYSTEM_COLUMNS, "status", "hosting", "migrated_on", "migration_plan_due_on")
    )
    first = [kind.column(name) for name in _SYSTEM_COLUMNS]
    columns = (
        *heads("部门 16; 系统名称 24; 系统|状态 8; 部署位置 12; 是否|已上云 9; 迁移上云|日期 11; 计划迁移|日期 11"),
        *heads("纳入|上云率 8; 不纳入原因 13"),
        *map(_head, (*first, *rest)),
        *heads("数据冲突 30; 资产标识 16"),
    )
    rows = (_system_row(system, assets.get(system.key), [*first, *rest]) for system in _by_owner(view, view.systems))
    book.sheet("系统上云台账", columns, rows, printed=9 + len(first))


def _system_row(system: SystemView, asset: AssetView | None, columns: Sequence[Column]) -> list[Cell]:
    kind = KINDS["system"]
    values = dict(asset.values) if asset else {}
    values.setdefault("addresses", system.addresses or None)
    values.setdefault("mlps_level", system.mlps_level)
    on_cloud = {True: "是", False: "否", None: "无法判定"}[system.on_cloud]
    return [
        system.department_name,
        system.name,
        kind.column("status").label(system.status),
        [kind.column("hosting").label(place) for place in system.hosting],
        on_cloud,
        system.migrated_on,
        system.planned_on,
        not system.excluded,
        word(EXCLUSIONS, system.excluded) if system.excluded else None,
        *(_value(column, kind, values) for column in columns),
        Lines(asset.conflicts) if asset and asset.conflicts else None,
        system.key,
    ]


def _assets(book: Book, view: AuditView, title: str, kind: Kind, names: Sequence[str]) -> None:
    found = [asset for asset in _by_owner(view, view.assets) if asset.kind == kind.name]
    first, rest = [kind.column(name) for name in names], _others(kind, found, names)
    columns = (*heads("部门 16; 名称 20"), *map(_head, (*first, *rest)), *heads("数据冲突 30; 资产标识 16"))
    rows = (
        [
            asset.department_name,
            asset.name,
            *(_value(column, kind, asset.values) for column in (*first, *rest)),
            Lines(asset.conflicts) if asset.conflicts else None,
            asset.key,
        ]
        for asset in found
    )
    book.sheet(title, columns, rows, printed=2 + len(first))


def _by_owner(view: AuditView, items: Iterable[Owned]) -> list[Owned]:
    order = {department: place for place, (department, _) in enumerate(owners(view))}
    return sorted(items, key=lambda item: (order[item.department_id], item.name, item.key))


def _others(kind: Kind, assets: Iterable[AssetView], shown: Sequence[str]) -> list[Column]:
    """Further columns of a kind, those only that some asset has a value for."""
    filled = {name for asset in assets for name, value in asset.values.items() if value not in (None, ())}
    own = [column for column in kind.columns if column.name not in ("name", *shown)]
    shared = [column for column in COMMON if column.name in _SHARED]
    return [
        column for column in (*own, *shared) if column.name in filled or (column.paper and _absent(column) in filled)
    ]


def _absent(column: Column) -> str:
    return f"{column.paper}_absent"


def _head(column: Column) -> Head:
    unit = f"\n（{column.unit}）" if column.unit and not column.title.endswith(f"{column.unit}别") else ""
    return Head(f"{column.title}{unit}", _WIDTHS[column.type])


def _value(column: Column, kind: Kind, values: Mapping[str, object]) -> Cell:
    """A column's cell: labels for codes; 无 where the paper was asked for and does not exist; blank: not known."""
    value = values.get(column.name)
    if value is None:
        return "无" if column.paper and values.get(_absent(column)) is True else None
    if column.values:
        codes = value if isinstance(value, (list, tuple)) else [value]
        return [column.label(str(code)) for code in codes]
    return value
