"""The page's sections on things: machine rooms and networks, 信创 products, 等保 and 密评 papers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from inventories.kinds import KINDS
from reports.account import UNASSIGNED
from reports.html.charts import Part, bar, legend
from reports.html.figures import Figures
from reports.html.markup import Html, Node, tag
from reports.html.standings import ORIGINS, STANDINGS, STATUSES, TONES, Entry, Place
from reports.html.tables import Cell, of_department, table, whole
from reports.html.tables import columns as heads
from reports.ledger_cells import Mark

_NETWORK = KINDS["network"].column("kind")
_CATEGORY = KINDS["component"].column("category")
_ORIGIN_PAINTS = {"declared": "declared", "inferred": "inferred", "unknown": "unknown"}
_LIST_PAINTS = {
    "listed": "valid",
    "expiring": "expiring_60d",
    "expired": "expired",
    "superseded": "expiring_90d",
    "not_listed": "missing",
    "no_table": "none",
    "untold": "unknown",
}
#: Where long headings break.
_BREAKS = {
    "listed": "在有|效期内",
    "expiring": "90日|内到期",
    "superseded": "已被后续|公告替代",
    "not_listed": "不在|名录",
    "no_table": "该类无|名录",
    "untold": "无法|判定",
}
_TITLES = tuple(_BREAKS.get(code, words) for code, words in STANDINGS.items())


# --- rooms and networks -------------------------------------------------------------------------------------


def rooms(figures: Figures, *, single: bool) -> Iterator[Node]:
    """Rooms and networks by where they come from; those that nobody registered first."""
    yield tag("p", _found(figures), class_="lead")
    yield legend([(_ORIGIN_PAINTS[origin], words) for origin, words in ORIGINS.items()])
    counted: Counter[tuple[str, str]] = Counter()
    for label, found in (("机房", figures.rooms), *_networks(figures).items()):
        counted.update((label, place.origin) for place in found)
    kinds = list(dict.fromkeys(label for label, _ in counted))
    yield whole(
        "机房和网络，按来源",
        heads("类别", "构成 bar", "合计 number", "已登记 number", "未登记|（推断） number", "是否登|记不明 number"),
        [_origins(kind, kind, counted, [(k, counted[k, o]) for k in kinds for o in ORIGINS]) for kind in kinds],
        empty="既没有登记，也没有发现。",
    )
    if not single:
        yield _by_department(figures)
    yield _places("机房", figures.rooms, hosts=True, single=single)
    yield _places("网络", figures.networks, hosts=False, single=single)


def _found(figures: Figures) -> str:
    inferred = [sum(p.origin == "inferred" for p in found) for found in (figures.rooms, figures.networks)]
    if not any(inferred):
        return "探测没有发现未登记的机房和网络。探测未覆盖的范围不在此列。"
    return (
        f"探测推断、而部门没有登记的机房{inferred[0]}处、网络{inferred[1]}处。推断由所见设备得出，须经核实；"
        "没有发现不等于没有。"
    )


def _networks(figures: Figures) -> Mapping[str, list[Place]]:
    out: dict[str, list[Place]] = {}
    for code in [*_NETWORK.values, ""]:
        for place in figures.networks:
            if place.kind == code or (not code and place.kind not in _NETWORK.values):
                out.setdefault(_NETWORK.label(code) if code else "类型不明的网络", []).append(place)
    return out


def _origins(
    name: str, key: str, counted: Mapping[tuple[str, str], int], every: Sequence[tuple[str, int]]
) -> Sequence[Cell]:
    numbers = [counted.get((key, origin), 0) for origin in ORIGINS]
    longest: Counter[str] = Counter()
    for group, number in every:
        longest[group] += number
    parts = [Part(number, _ORIGIN_PAINTS[origin]) for origin, number in zip(ORIGINS, numbers, strict=True)]
    marks = ("none", "bad", "faint")
    told: list[Cell] = [
        Mark(str(number), tone) if number and tone != "none" else number
        for number, tone in zip(numbers, marks, strict=True)
    ]
    return (name, bar(parts, max(longest.values(), default=0)), sum(numbers), *told)


def _by_department(figures: Figures) -> Html:
    counted: Counter[tuple[str, str]] = Counter((p.department_id, p.origin) for p in figures.rooms)
    dedicated: Counter[tuple[str, str]] = Counter(
        (p.department_id, p.origin) for p in figures.networks if p.kind in ("dedicated", "vertical")
    )
    names = figures.names
    found = sorted(
        {department for department, _ in (*counted, *dedicated)},
        key=lambda d: (-counted[d, "inferred"] - dedicated[d, "inferred"], -counted[d, "declared"], d),
    )
    every = [(d, counted[d, o]) for d in found for o in ORIGINS]
    rows = [
        (
            *_origins(names.get(d, d), d, counted, every)[:2],
            counted[d, "declared"],
            _alarm(counted[d, "inferred"]),
            dedicated[d, "declared"],
            _alarm(dedicated[d, "inferred"]),
        )
        for d in found
    ]
    return table(
        "各部门的机房和业务专网",
        heads(
            "部门",
            "机房 bar",
            "登记|机房 number",
            "未登记|机房 number",
            "登记|专网 number",
            "未登记|专网 number",
        ),
        rows,
        empty="没有。",
    )


def _alarm(number: int) -> Cell:
    return Mark(str(number), "bad") if number else 0


def _places(title: str, found: Sequence[Place], *, hosts: bool, single: bool) -> Html:
    origin_tones = {"declared": "none", "inferred": "bad", "unknown": "faint"}
    rows = (
        (
            place.name,
            *(() if single else (place.department_name or UNASSIGNED,)),
            Mark(ORIGINS[place.origin], origin_tones[place.origin]),
            (_NETWORK.label(place.kind) if place.kind else None) if not hosts else place.hosts,
            place.built_on,
            _approval(place),
        )
        for place in found
    )
    what = "物理|主机 number" if hosts else "类型 word"
    return table(
        f"{title}明细",
        heads(title, *of_department(single), "来源 word", what, "建成日期 day", "批准文号"),
        rows,
        most=200,
    )


def _approval(place: Place) -> Cell:
    if place.approved is None:
        return None
    return place.approval_no if place.approved else Mark("没有", "bad")


# --- 信创 ---------------------------------------------------------------------------------------------------


def products(figures: Figures, *, single: bool) -> Iterator[Node]:
    """Products by what the announcements say of them, and the entries that run out."""
    by_category: dict[str, Counter[str]] = {}
    by_department: dict[str, Counter[str]] = {}
    for (department, category, status), number in figures.components.items():
        by_category.setdefault(category, Counter())[status] += number
        by_department.setdefault(department, Counter())[status] += number
    total: Counter[str] = sum(by_category.values(), Counter())
    yield tag("p", _listed(total, figures.validity), class_="lead")
    yield legend([(_LIST_PAINTS[code], words) for code, words in STANDINGS.items()])
    order = [*_CATEGORY.values, ""]
    categories = sorted(by_category, key=lambda c: (order.index(c) if c in order else len(order), c))
    most = max((counts.total() for counts in by_category.values()), default=0)
    named = [(_CATEGORY.label(c) if c else "类别不明", by_category[c]) for c in categories]
    titles = ("产品", *(f"{words} number" for words in _TITLES))
    yield whole(
        "信创产品，按类别和安全可靠测评结果",
        heads(titles[0], "构成 bar", "合计 number", *titles[1:]),
        [_standings(name, counts, most) for name, counts in named],
        total=_standings("合计", total, total.total()) if len(named) > 1 else (),
        empty="没有登记，也没有探测到。",
    )
    due = [entry for entry in figures.entries if entry.status != "valid"]
    yield table(
        "90日内到期和已到期的名录结果",
        heads("产品", "类别 word", "公告", "有效期至 day", "状况 word", "产品数 number", "部门数 number"),
        (_entry(entry) for entry in due),
        empty="没有。" if total else "没有产品。",
        most=200,
    )
    if not single:
        names = figures.names
        ordered = sorted(by_department.items(), key=lambda d: (-d[1].total(), d[0]))
        largest = max((counts.total() for counts in by_department.values()), default=0)
        yield table(
            "各部门的信创产品",
            heads("部门", "构成 bar", "合计 number", *titles[1:]),
            (_standings(names.get(d, d), counts, largest) for d, counts in ordered),
        )


def _listed(total: Counter[str], validity: Counter[str]) -> str:
    if not total:
        return "没有登记，也没有探测到信创产品。"
    good = total["listed"] + total["expiring"]
    soon = sum(validity[f"expiring_{days}d"] for days in (30, 60, 90))
    return (
        f"共{total.total()}件产品：结果在有效期内{good}件（其中90日内到期{soon}件），已到期{total['expired']}件，"
        f"不在名录{total['not_listed']}件，无法判定{total['untold']}件；该类产品没有名录{total['no_table']}件。"
    )


def _standings(name: str, counts: Counter[str], most: int) -> Sequence[Cell]:
    parts = [Part(counts[code], _LIST_PAINTS[code]) for code in STANDINGS]
    return (name, bar(parts, most), counts.total(), *(_unknown(counts[c], c == "untold") for c in STANDINGS))


def _unknown(number: int, is_unknown: bool) -> Cell:
    return Mark(str(number), "faint") if number and is_unknown else number


def _entry(entry: Entry) -> Sequence[Cell]:
    return (
        entry.product,
        _CATEGORY.label(entry.category) if entry.category else None,
        entry.announcement or None,
        entry.valid_to,
        Mark(STATUSES[entry.status], TONES[entry.status]),
        entry.components,
        entry.departments,
    )
