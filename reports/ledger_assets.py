"""The ledgers of things: machine rooms, networks, clouds, hosts, projects; each row with where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from inventories.kinds import KINDS, Kind
from reports.late import of_kind
from reports.ledger_cells import Cell, heads
from reports.ledger_columns import EVIDENCE, SNAPSHOT, Getter, Order, chosen, conflicts_of, evidence, getter, others
from reports.ledger_large import large_assets, write_numbers
from reports.model import AssetView, AuditView
from reports.sheets import Book

#: A vertical network is a dedicated one that a superior body's line of business has built down through the levels.
_DEDICATED = frozenset({"dedicated", "vertical"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of assets: what stands on it, and the columns that are printed beside department and name."""

    title: str
    kind: str
    printed: str
    holds: Callable[[AssetView], bool] = lambda _asset: True


def _is_dedicated(asset: AssetView) -> bool:
    return asset.values.get("kind") in _DEDICATED


_NETWORK = "code:10 kind:9 prefixes carrier:9 bandwidth uplink:12 yearly_rent built_on approval_no:16"
ROOMS = Sheet(
    "机房台账",
    "room",
    "code:10 address:20 kind:8 area:8 built_on approval_no:16 racks:7 servers_declared:8 hosts_physical:8 ups:7 "
    "yearly_power_cost disposal:8 disposal_due_on is_inferred:7",
)
NETWORKS = Sheet("业务专网台账", "network", f"{_NETWORK} legal_basis:18 merge_due_on", _is_dedicated)
OTHER_NETWORKS = Sheet(
    "其他网络台账", "network", f"{_NETWORK} is_unified_exit is_inferred:7", lambda asset: not _is_dedicated(asset)
)
CLOUDS = Sheet(
    "云平台台账",
    "cloud",
    "code:10 kind:10 platform:12 owner_level:8 endpoint:22 built_on expanded_on approval_no:16 "
    "is_merged_under_city hosts_total:8 vms_total:8 is_inferred:7",
)
HOSTS = Sheet(
    "主机台账",
    "host",
    "code:11 ips:16 answers:7 role:11 platform:10 os_name:20 vendor:11 model:13 open_services:30 in_asset_register:8",
)
PROJECTS = Sheet(
    "项目台账",
    "project",
    "code:12 kind:8 budget:12 approval_no:16 approved_on contractor:16 contract_signed_on "
    "contract_filed_on first_accepted_on accepted_on acceptance_result:8 acceptance_filed_on",
)


def write_assets(book: Book, view: AuditView, sheets: Sequence[Sheet], order: Order) -> None:
    """Adds the sheets, in that order. Columns that nothing is known of are left out, but for the printed ones."""
    for sheet in sheets:
        kind = KINDS[sheet.kind]
        if (numbers := large_assets(view, sheet.kind)) is not None:
            write_asset_numbers(book, sheet.title, kind, numbers, order)
            continue
        found = [asset for asset in of_kind(view.assets, sheet.kind) if sheet.holds(asset)]
        found = order.sort(found, lambda asset: (asset.name, asset.key))
        first = chosen(kind, sheet.printed)
        rest = others(kind, found, [column.name for column, _ in first])
        columns = (
            *heads("部门 16; 名称 20"),
            *(head for _, head in first),
            *EVIDENCE,
            *(head for _, head in rest),
            *heads("数据冲突 30"),
            *SNAPSHOT,
        )
        shown, hidden = [getter(column) for column, _ in first], [getter(column) for column, _ in rest]
        rows = _rows(found, shown, hidden, view.snapshot)
        book.sheet(sheet.title, columns, rows, printed=2 + len(first) + len(EVIDENCE))


def write_asset_numbers(
    book: Book, title: str, kind: Kind, numbers: Mapping[tuple[str, str], int], order: Order
) -> None:
    """How many of a kind each department has, where they are too many to be listed."""
    told = {(owner, name, kind.title): number for (owner, name), number in numbers.items()}
    command = f"auditor assets --kind {kind.name} --department 部门编号"
    write_numbers(book, title, told, order, of="对象类型", command=command)


def _rows(
    assets: Sequence[AssetView], first: Sequence[Getter], rest: Sequence[Getter], snapshot: str
) -> Iterator[list[Cell]]:
    for asset in assets:
        values = asset.values
        row: list[Cell] = [asset.department_name, asset.name]
        row += [get(values) for get in first]
        row += evidence(asset, asset.key)
        row += [get(values) for get in rest]
        row += (conflicts_of(asset), snapshot)
        yield row
