"""Article numbers as regulations write them, and quotes held against their text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.articles import advisory_word, article_name, article_number, normalised, quotes, unfolded


@given(st.integers(1, 999))
def test_names_and_numbers_are_inverse(number: int) -> None:
    assert article_number(article_name(number)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("第五条", 5),
        ("第十条", 10),
        ("第十九条", 19),
        ("第二十条", 20),
        ("第四十二条第二款", 42),
        ("第一百零三条", 103),
        ("第三章", None),
        ("附则", None),
        ("", None),
    ],
)
def test_article_number(text: str, number: int | None) -> None:
    assert article_number(text) == number


@pytest.mark.parametrize("number", [0, -1, 1000])
def test_no_such_article_name(number: int) -> None:
    with pytest.raises(ValueError):
        article_name(number)


def test_quotes_are_compared_without_width_and_white_space() -> None:
    text = "除国家另有规定外,市直各部门不得新建业务专网;  按照法律规定需要的(含改建),应报审批。"
    assert quotes("市直各部门不得新建业务专网；按照法律规定需要的（含改建），应报审批", text)
    assert quotes("除国家另有规定外，……应报审批", text)
    assert not quotes("应报审批……除国家另有规定外", text)
    assert not quotes("市直部门不得新建业务专网", text)
    assert not quotes("……", text)
    assert not quotes(" ", text)


def test_normalised() -> None:
    assert normalised("Ａ１（ 甲 ）　乙\n") == "A1(甲)乙"


@pytest.mark.parametrize(
    ("quote", "word"), [("原则上不予批准", "原则上"), ("定期组织演练", "定期"), ("应当迁移", "")]
)
def test_advisory_words(quote: str, word: str) -> None:
    assert advisory_word(quote) == word


def test_unfolded() -> None:
    assert unfolded("擅自变更建设内容， 调整资金额度") == "擅自变更建设内容，调整资金额度"
    assert unfolded("使用 CPU 和操作系统\n的") == "使用 CPU 和操作系统的"
