"""等保密评台账: per system its level, filing, last assessments, and until when each of them stands.

What is missing (a department answered that there is none) and what nobody has told look different and are counted
apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from inventories.kinds import KINDS
from reports.late import of_kind
from reports.ledger_cells import Cell, Mark, heads
from reports.ledger_columns import (
    EVIDENCE,
    MISSING,
    SNAPSHOT,
    UNTOLD,
    Order,
    Values,
    conflicts_of,
    evidence,
    getter,
    marked,
)
from reports.ledger_terms import Standing, assessment, cryptography, filing, level_of, words
from reports.model import AssetView, AuditView, SystemView
from reports.sheets import Book

_KIND = KINDS["system"]
#: Systems that are not there yet, or no more, need no papers.
_NOT_IN_USE = frozenset({"planned", "retired"})
_FILED = ("mlps_filing_no", "mlps_filed_on")
_ASSESSED = ("mlps_assessed_on", "mlps_conclusion")
_CRYPTO = ("crypto_assessed_on", "crypto_conclusion", "crypto_filed_on")
#: Figures beside a paper, which nobody misses where they are not told; they are not printed.
_BESIDE = ("mlps_valid_to", "mlps_score", "mlps_major_risks_open")
_FAILING = frozenset(_KIND.column("mlps_conclusion").label(code) for code in ("non_compliant", "poor"))
_MISSING = {"等保备案": "未备案", "等保测评": "未测评", "密评": "未密评"}


def write_assessments(book: Book, view: AuditView, order: Order) -> None:
    """Adds 等保密评台账: every registered system but those not yet built or retired."""
    assets = {asset.key: asset for asset in of_kind(view.assets, "system")}
    systems = order.sort((s for s in view.systems if s.status not in _NOT_IN_USE), lambda s: (s.name, s.key))
    columns = heads(
        "部门 14; 系统名称 20; 等保|级别 6; 备案证明编号 18; 备案日期 11; 备案|失效日期 11",
        "备案状态 10; 距失效|（天） 7",
        "最近等保|测评日期 11; 测评结论 8; 下次测评|期限 11; 测评状态 10",
        "密评日期 11; 密评结论 8; 密评备案|日期 11; 下次密评|期限 11; 密评状态 10",
    )
    printed = (*columns, *EVIDENCE)
    rows = _rows(systems, assets, view)
    book.sheet(
        "等保密评台账",
        (*printed, *heads("系统|状态 8; 登记|有效期至 11; 得分 7; 未整改|重大隐患 8; 数据冲突 30"), *SNAPSHOT),
        rows,
        printed=len(printed),
        title="等保密评台账",
        notes=_notes(systems, assets, view),
    )


def _standings(values: Values, view: AuditView) -> tuple[Standing, Standing, Standing]:
    return (
        filing(values, view.as_of),
        assessment(values, view.as_of, view.settings),
        cryptography(values, view.as_of, view.settings),
    )


def _values(system: SystemView, asset: AssetView | None) -> Values:
    values = dict(asset.values) if asset else {}
    values.setdefault("mlps_level", system.mlps_level)
    return values


def _rows(systems: Sequence[SystemView], assets: Mapping[str, AssetView], view: AuditView) -> Iterator[list[Cell]]:
    filed, assessed, crypto = (
        [marked(_KIND.column(name)) for name in names] for names in (_FILED, _ASSESSED, _CRYPTO)
    )
    beside = [getter(_KIND.column(name)) for name in _BESIDE]
    status = _KIND.column("status")
    for system in systems:
        asset = assets.get(system.key)
        values = _values(system, asset)
        papers, tests, ciphers = _standings(values, view)
        row: list[Cell] = [system.department_name, system.name, _level(values)]
        row += [get(values) for get in filed]
        row += (papers.until, papers.mark, papers.left(view.as_of))
        row += [_failed(get(values)) for get in assessed]
        row += (tests.until, tests.mark)
        row += [_failed(get(values)) for get in crypto]
        row += (ciphers.until, ciphers.mark)
        row += evidence(asset, system.key)
        row.append(status.label(system.status))
        row += [get(values) for get in beside]
        row += (conflicts_of(asset), view.snapshot)
        yield row


def _failed(cell: Cell) -> Cell:
    """A conclusion that the system fails stands out."""
    return Mark(cell, "bad") if isinstance(cell, str) and cell in _FAILING else cell


def _level(values: Values) -> Cell:
    level = level_of(values)
    if level is None:
        return Mark("未定级", "bad") if values.get("mlps_grading_absent") is True else UNTOLD
    return level


def _notes(systems: Iterable[SystemView], assets: Mapping[str, AssetView], view: AuditView) -> list[str]:
    counted: dict[str, Counter[str]] = {paper: Counter() for paper in _MISSING}
    for system in systems:
        found = _standings(_values(system, assets.get(system.key)), view)
        for paper, standing in zip(counted, found, strict=True):
            counted[paper][standing.word] += 1
    return [
        f"一、{MISSING.text}（红底）：部门明确答复没有；{UNTOLD.text}（灰底）：登记表未填或者未报送，两者分别统计。",
        *(f"{number}、{_count(paper, counted[paper])}。" for number, paper in zip("二三四", counted, strict=True)),
        "五、备案失效日期以登记的有效期为准；未登记的，按备案日期和测评日期推算最晚失效日期（备案证明有效期三年，每完成一次测评顺延一年；"
        "2025年以前备案的从2025年1月1日起算）。“登记有效期已过”指登记的日期已过，按测评顺延尚不能认定到期。",
        "六、测评、密评期限按最近一次日期和规则包设定的间隔推算（二级系统的间隔没有条文规定，仅作提示），"
        "到期与否以主管机关认定为准。尚未建设和已停用的系统不在表内。",
    ]


def _count(paper: str, counted: Counter[str]) -> str:
    known = words(_MISSING[paper])
    shown = [f"{word}{counted[word]}个" for word in known]
    shown += [f"{word}{number}个" for word, number in sorted(counted.items()) if word not in known]
    return f"{paper}：{'，'.join(shown)}"
