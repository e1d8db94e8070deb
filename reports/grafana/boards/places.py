"""机房与业务专网: machine rooms and dedicated networks, and those that nobody declared."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards.common import (
    CELL_UNKNOWN,
    DEPARTMENT_LABELS,
    EACH_DEPARTMENT,
    NEUTRAL,
    UNIT_THINGS,
    UNKNOWN,
    ZERO_AND_UNKNOWN,
    counted,
    fixed,
)
from reports.grafana.model import (
    ALERT,
    GREY,
    PLAIN,
    SECOND,
    WARN,
    Board,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Row,
    Variable,
    wrong_from,
)
from reports.grafana.promql import DEPARTMENT, DEPARTMENTS, each_department, or_none, or_zero, with_history
from reports.grafana.words import NETWORKS, ORIGINS
from reports.metrics_names import Part

#: 业务专网 and 垂直专网; exits to the internet and the government network are counted beside them.
_DEDICATED = "dedicated|vertical"
_LOOKS = {"declared": NEUTRAL, "inferred": Look(steps=wrong_from(1, ALERT)), "unknown": UNKNOWN}
_CELLS = {
    "declared": Look(),
    "inferred": Look(steps=wrong_from(1, ALERT), coloured=True),
    "unknown": CELL_UNKNOWN,
}
_ORIGIN_WORDS = "“未登记”是探测到、推断存在而登记表中没有的；“来源不详”是探测到而登记表没有收齐、不能说是未登记的。"


def _rooms(origin: str = ".+", by: str = "") -> str:
    return f'sum{by} (auditor_rooms{{origin=~"{origin}", {DEPARTMENT}}})'


def _networks(origin: str = ".+", by: str = "", kind: str = _DEDICATED) -> str:
    return f'sum{by} (auditor_networks{{kind=~"{kind}", origin=~"{origin}", {DEPARTMENT}}})'


def _room_figures(width: int) -> Panel:
    return Panel(
        title="机房",
        description=f"登记和探测归并之后的机房数。{_ORIGIN_WORDS}{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (or_none(_rooms(code), Part.INVENTORY), word, _LOOKS[code]) for code, word in ORIGINS.items()
        ),
        links=(links.console("在控制台中查看机房", "assets?kind=room"),),
    )


def _network_figures(width: int) -> Panel:
    return Panel(
        title="业务专网（含垂直专网）",
        description=f"登记和探测归并之后的业务专网和垂直专网数。{_ORIGIN_WORDS}{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (or_none(_networks(code), Part.INVENTORY), word, _LOOKS[code]) for code, word in ORIGINS.items()
        ),
        links=(links.console("在控制台中查看网络", "assets?kind=network"),),
    )


def _of_each_kind(origin: str) -> str:
    return or_zero(_networks(origin, " by (kind)", ".+"), _networks(by=" by (kind)", kind=".+"), "kind")


def _kinds(width: int) -> Panel:
    colours = {"declared": PLAIN, "inferred": ALERT, "unknown": GREY}
    every = f'label_replace(vector(0), "kind", "{_DEDICATED.partition("|")[0]}", "", "")'
    known = f'{every} and on () (max(auditor_scrape_part_success{{part="{Part.INVENTORY.value}"}}) == 1)'
    return Panel(
        title="网络（按类型）",
        description=f"业务专网、垂直专网、互联网出口和政务外网，按类型和来源分。{_ORIGIN_WORDS}",
        kind=Kind.COLUMNS,
        unit=UNIT_THINGS,
        width=width,
        labels=(Label("kind", "类型", Look(says=NETWORKS)),),
        queries=tuple(
            Query(f"{_of_each_kind(code)} or on (kind) {known}", word, fixed(colours[code]))
            for code, word in ORIGINS.items()
        ),
    )


def _trend(width: int) -> Panel:
    return Panel(
        title="机房和业务专网的变化",
        description="机房和业务专网（含垂直专网）的总数，以及其中探测到而没有登记的。",
        kind=Kind.TREND,
        unit=UNIT_THINGS,
        width=width,
        queries=(
            Query(with_history(or_none(_rooms(), Part.INVENTORY)), "机房", fixed(PLAIN)),
            Query(with_history(or_none(_rooms("inferred"), Part.INVENTORY)), "未登记机房", fixed(ALERT)),
            Query(with_history(or_none(_networks(), Part.INVENTORY)), "业务专网", fixed(SECOND)),
            Query(with_history(or_none(_networks("inferred"), Part.INVENTORY)), "未登记业务专网", fixed(WARN)),
        ),
    )


def _departments(width: int) -> Panel:
    by = " by (department)"
    queries = [Query(DEPARTMENTS)]
    for thing, ask in (("机房", _rooms), ("专网", _networks)):
        queries += [
            Query(each_department(ask(code, by), Part.INVENTORY), f"{thing}{word.partition('（')[0]}", _CELLS[code])
            for code, word in ORIGINS.items()
        ]
    exits = _networks(by=by, kind="internet_exit")
    queries.append(Query(each_department(exits, Part.INVENTORY), "互联网出口"))
    return Panel(
        title="各部门的机房、业务专网和互联网出口",
        description=f"专网含业务专网和垂直专网。{_ORIGIN_WORDS}“未归属部门”是探测到而不能确定属于哪个部门的。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=DEPARTMENT_LABELS,
        rows=EACH_DEPARTMENT,
        queries=tuple(queries),
        sort="机房未登记",
    )


PLACES = Board(
    uid=links.PLACES,
    title="机房与业务专网",
    description="机房、业务专网和互联网出口：已登记的、探测到而未登记的，及其变化。",
    since="now-1y",
    variables=(Variable.REGION, Variable.DEPARTMENT),
    rows=(
        Row(6, (_room_figures(12), _network_figures(12))),
        Row(9, (_kinds(12), _trend(12))),
        Row(11, (_departments(24),)),
    ),
)
