"""信创: what hosts and systems are made of, with what the announcements of the day say of it, and the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from inventories.kinds import KINDS
from policies.lists.model import TABLES_OF
from policies.subjects import columns_of
from reports.late import of_kind
from reports.ledger_assets import write_asset_numbers
from reports.ledger_cells import Cell, Mark, heads
from reports.ledger_columns import EVIDENCE, SNAPSHOT, Order, chosen, conflicts_of, evidence, getter, others
from reports.ledger_large import large_assets
from reports.model import AssetView, AuditView
from reports.sheets import Book

_KIND = KINDS["component"]
_CATEGORY = _KIND.column("category")
_STATUS = columns_of("component")["list_status"]
_PRINTED = "category:10 vendor:14 product:22 version:12"
_LISTED = "list_level:9 list_announcement:26 list_valid_to system_code:12 host_key:13"
_TONES = {"listed": "good", "expiring": "warn", "expired": "bad", "superseded": "warn", "not_listed": "bad"}
#: Where the announcements tell nothing: the category has no table, or the data at hand do not decide.
_NO_TABLE, _UNTOLD = "no_table", "untold"
_WORDS = {**{code: _STATUS.label(code) for code in _STATUS.values}, _NO_TABLE: "该类无名录", _UNTOLD: "无法判定"}


def write_components(book: Book, view: AuditView, order: Order) -> None:
    """Adds 信创产品统计 (departments and categories) and 信创产品台账."""
    if (numbers := large_assets(view, _KIND.name)) is not None:
        _counts(book, of_kind(view.assets, _KIND.name), order)
        write_asset_numbers(book, "信创产品台账", _KIND, numbers, order)
        return
    found = order.sort(
        of_kind(view.assets, _KIND.name),
        lambda asset: (str(asset.values.get("category") or "~"), asset.name, asset.key),
    )
    _counts(book, found, order)
    first, listed = chosen(_KIND, _PRINTED), chosen(_KIND, _LISTED)
    taken = [column.name for column, _ in (*first, *listed)]
    rest = others(_KIND, found, taken)
    columns = (
        *heads("部门 16; 名称 20"),
        *(head for _, head in first),
        *heads("安全可靠|测评结果 11"),
        *(head for _, head in listed),
        *EVIDENCE,
        *(head for _, head in rest),
        *heads("数据冲突 30"),
        *SNAPSHOT,
    )
    before, after = [getter(column) for column, _ in first], [getter(column) for column, _ in listed]
    hidden = [getter(column) for column, _ in rest]
    rows = (
        [
            asset.department_name,
            asset.name,
            *(get(asset.values) for get in before),
            Mark(_WORDS[standing(asset)], _TONES.get(standing(asset), "faint")),
            *(get(asset.values) for get in after),
            *evidence(asset, asset.key),
            *(get(asset.values) for get in hidden),
            conflicts_of(asset),
            view.snapshot,
        ]
        for asset in found
    )
    printed = 3 + len(first) + len(listed) + len(EVIDENCE)
    book.sheet("信创产品台账", columns, rows, printed=printed)


def standing(asset: AssetView) -> str:
    """The code of what the announcements say; ``no_table`` or ``untold`` where they say nothing."""
    status = asset.values.get("list_status")
    if isinstance(status, str) and status in _STATUS.values:
        return status
    category = asset.values.get("category")
    return _NO_TABLE if category and category not in TABLES_OF else _UNTOLD


def _counts(book: Book, components: Iterable[AssetView], order: Order) -> None:
    counted: dict[tuple[str, str, str], Counter[str]] = {}
    for asset in components:
        group = (asset.department_id, asset.department_name, str(asset.values.get("category") or ""))
        counted.setdefault(group, Counter())[standing(asset)] += 1
    counted = dict(sorted(counted.items(), key=lambda entry: (order.rank(entry[0][0]), entry[0][2] or "~")))
    columns = heads("部门 30; 产品类别 14; 产品数 10", "; ".join(f"{title} 12" for title in _WORDS.values()))
    total: Counter[str] = sum(counted.values(), Counter())
    book.sheet(
        "信创产品统计",
        columns,
        _count_rows(counted),
        title="信创产品统计表",
        total=["合计", None, *_figures(total)],
        notes=[
            "一、按安全可靠测评结果公告统计；仅中央处理器、操作系统、数据库有名录，其他类别不作判定。",
            "二、“无法判定”指产品未能识别，或者已有名录数据不完整，既不表示在名录内，也不表示不在名录内。",
            "三、“90日内到期”指结果有效期将在90日内届满。每件产品的公告和有效期见“信创产品台账”。",
        ],
    )


def _count_rows(counted: dict[tuple[str, str, str], Counter[str]]) -> Iterator[list[Cell]]:
    for (_, department, category), numbers in counted.items():
        yield [department, _CATEGORY.label(category) if category else "类别不明", *_figures(numbers)]


def _figures(numbers: Counter[str]) -> list[Cell]:
    return [sum(numbers.values()), *(numbers[code] for code in _WORDS)]
