"""The pieces of a page: escaping, addresses, scales, tables that fold."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cases.model import State
from reports.html import charts, holdings, standings, tables, terms, works
from reports.html.charts import Part
from reports.html.markup import Html, tag, text, unaddressed
from reports.ledger_cells import Mark
from reports.words import SEVERITIES
from tests.reports.html.reading import Element, read


def drawn(part: Html) -> Element:
    return read(f"<!DOCTYPE html><html>{part}</html>")


# --- escaping -----------------------------------------------------------------------------------------------


@given(st.text())
def test_text_is_never_markup(words: str) -> None:
    made = tag("p", words, title=words)
    assert not re.search(r"[<>\"']", made.removeprefix("<p title=").removesuffix("</p>").replace('">', "", 1)[1:])
    (element,) = drawn(made).children
    assert element.children == []
    assert list(element.attributes) == ["title"]


def test_what_is_markup_already_stays() -> None:
    assert tag("p", Html("<b>1</b>"), "<b>", None, 2, [tag("br"), "&"]) == "<p><b>1</b>&lt;b&gt;2<br>&amp;</p>"
    assert tag("rect", width=1) == '<rect width="1"/>'
    assert (
        tag("p", hidden="", title=None, data_label="甲", class_="b") == '<p hidden="" data-label="甲" class="b"></p>'
    )


@pytest.mark.parametrize("name", ["a b", "", "p>", "1p", "p/"])
def test_names_of_elements_are_ours(name: str) -> None:
    with pytest.raises(ValueError, match="no element"):
        tag(name)
    with pytest.raises(ValueError, match="no attribute"):
        tag("p", **{f"{name}=": "x"})


def test_long_text_is_cut_and_controls_are_shown() -> None:
    assert len(text("长" * 1000)) == 241
    assert text("\x1b[31m\u202e") == "\\x1b[31m\\u202e"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("主机10.1.2.3未登记", "主机〔地址略〕未登记"),
        ("127.20.1.33:8080", "〔地址略〕"),
        ("10.66.0.0/16，超时", "〔地址略〕，超时"),
        ("Redis（127.20.100.51）", "Redis（〔地址略〕）"),
        ("fe80::1 与 2001:db8::/32", "〔地址略〕 与 〔地址略〕"),
        ("::1", "〔地址略〕"),
        ("aa:bb:cc:dd:ee:ff", "〔地址略〕"),
        ("版本 V11（内核 6.6.1）", "版本 V11（内核 6.6.1）"),
        ("9:30至10:45:30", "9:30至10:45:30"),
        ("999.1.1.1", "999.1.1.1"),
        ("比例1:2:3", "比例1:2:3"),
    ],
)
def test_addresses_are_left_out(words: str, told: str) -> None:
    assert unaddressed(words) == told


# --- charts -------------------------------------------------------------------------------------------------


@given(st.floats(0, 1e9))
def test_scales_are_round_and_hold_everything(most: float) -> None:
    top, step = charts.scale(most)
    assert top >= most
    assert 1 <= round(top / step) <= 4
    assert str(int(step)).rstrip("0") in ("1", "2", "5")


@given(st.lists(st.integers(0, 50), max_size=5))
def test_a_bar_is_as_long_as_its_parts(values: list[int]) -> None:
    whole = sum(values)
    made = drawn(charts.bar([Part(value, "on") for value in values], whole))
    widths = [float(one.attributes["width"][:-1]) for one in made.all("rect")]
    assert len(widths) == sum(value > 0 for value in values)
    assert sum(widths) == pytest.approx(100 if whole else 0, abs=0.1)


def test_columns_tell_their_sums_and_what_is_planned() -> None:
    made = drawn(
        charts.columns(
            ["26Q4", "27Q1"],
            [[Part(3, "off"), Part(1, "unknown")], ()],
            line=[5, 0],
            marked=0,
            title="题",
            told="说明",
        )
    )
    (chart, *_) = made.all("svg")
    assert chart.attributes["aria-label"] == "题：说明"
    words = [one.text for one in made.all("text")]
    assert words[-3:] == ["26Q4", "4", "27Q1"]
    assert len(made.all("circle")) == 2
    heights = [float(one.attributes["height"]) for one in made.all("rect")]
    assert heights[1] == pytest.approx(3 * heights[2], abs=0.1)


def test_labels_are_thinned_out_for_narrow_screens() -> None:
    made = drawn(charts.columns([str(n) for n in range(24)], [[Part(1, "plain")]] * 24, title="题", told="说明"))
    labels = [one for one in made.all("text") if "label" in one.attributes["class"]]
    assert sum("minor" not in one.attributes["class"] for one in labels) == 8


# --- tables -------------------------------------------------------------------------------------------------

HEADS = tables.columns("部门", "数量|合计 number", "日期 day minor")


def test_cells_of_every_sort() -> None:
    cells: list[tuple[tables.Cell, ...]] = [
        ("甲", 0, date(2026, 1, 2)),
        ("10.0.0.1", None, tables.NOTHING),
        (Mark("乙", "bad"), 7, ""),
    ]
    made = drawn(tables.table("表", HEADS, cells, total=("合计", 7, "")))
    assert [[cell.text for cell in row.children] for row in made.all("tr")] == [
        ["部门", "数量合计", "日期"],
        ["甲", "0", "2026-01-02"],
        ["〔地址略〕", "不明", "—"],
        ["乙", "7", ""],
        ["合计", "7", ""],
    ]
    assert [cell.attributes.get("class") for cell in made.all("tr")[1].children] == [None, "n", "d minor"]
    with pytest.raises(ValueError, match="2 cells under 3"):
        tables.table("表", HEADS, [("甲", 0)])


def test_long_tables_are_folded_and_bounded() -> None:
    def made(number: int) -> Element:
        return drawn(tables.table("表", HEADS, ((f"部门{n}", n, None) for n in range(number)), most=200))

    assert made(25).all("details") == []
    first, whole = made(26).all("table")
    assert [len(one.all("tbody")[0].children) for one in (first, whole)] == [tables.SHOWN, 26]
    assert whole.inside("details") and not first.inside("details")
    assert [one.text for one in made(900).all("caption")] == [
        "表（前15项）",
        "表（共900项，以下列出前200项，其余见台账）",
    ]
    assert len(made(900).all("table")[1].all("tbody")[0].children) == 200
    assert made(0).text == "表：没有。"


def test_tables_of_words_are_cards_on_a_phone() -> None:
    heads = tables.columns("系统", "部门", "事项 word", "状况|如何 word")
    (table,) = drawn(tables.table("表", heads, [("甲", "乙", "丙", "丁")])).all("table")
    assert "cards" in table.attributes["class"].split()
    assert [cell.attributes["data-label"] for cell in table.all("td")] == ["部门", "事项", "状况如何"]


# --- words --------------------------------------------------------------------------------------------------


def test_every_code_has_a_word_a_heading_and_a_colour() -> None:
    assert tuple(title.replace("|", "") for title in holdings._TITLES) == tuple(standings.STANDINGS.values())
    assert set(holdings._LIST_PAINTS) == set(standings.STANDINGS)
    assert set(terms._STATUS_PAINTS) == set(standings.STATUSES)
    assert set(holdings._ORIGIN_PAINTS) == set(standings.ORIGINS)
    assert tuple(standings.TONES) == tuple(s for s in standings.STATUSES if not s.startswith("not_"))
    assert set(works._STATES) == {state.value for state in State}
    paints = (
        *holdings._LIST_PAINTS.values(),
        *terms._STATUS_PAINTS.values(),
        *works._CASE_PAINTS.values(),
        *SEVERITIES,
    )
    assert set(paints) <= set(charts.PAINTS)
