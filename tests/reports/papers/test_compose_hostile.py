"""Names as they come: eighty characters, rare ones, template syntax, markup, controls; and 10⁴ findings."""

import io
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st

from inventories.faults import clean
from policies.model import Basis
from reports.model import FindingView
from reports.papers.compose import compose
from reports.papers.sample import sample
from reports.papers.templates import Templates
from reports.papers.view import BulletinRow, Form, ItemResult, PaperView, Result, Service

LISTING = [form for form in Form if form not in (Form.RECEIPT, Form.BULLETIN)]
NAMES = (
    "{{ 7*7 }}",
    "{% for x in y %}{{ x }}{% endfor %}{# 注 #}",
    "<w:p><w:r>&amp;</w:r></w:p>",
    '=HYPERLINK("http://x","y")',
    "𠮷野𬭎业务系统",
    "很" * 80,
    "{" * 40 + "}" * 40,
    "a" * 79 + "\U0002a6a5",
)


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def named(item: FindingView, name: str) -> FindingView:
    facts = tuple(replace(fact, title=name, shown=name, source=name, evidence=name) for fact in item.facts)
    return replace(item, asset_name=name, title=name, remedy=name, facts=facts)


def filled(form: Form, text: str) -> PaperView:
    """A draft with one text in every place that comes from outside."""
    view = sample(form, issued=False)
    return replace(
        view,
        site=text,
        bureau=text,
        contact=text,
        department=replace(view.department, name=text),
        snapshot=text,
        snapshot_digest=text,
        case=text,
        addressee=text,
        formerly=text,
        regulation=text,
        regulation_number=text,
        items=tuple(named(item, text) for item in view.items),
        earlier=tuple(replace(paper, number=text, title=text) for paper in view.earlier),
        results=tuple(replace(result, ground=text) for result in view.results),
        condition_met=text,
        copies=(text,),
        service=Service(None, text, text, text, text, text, text, text),
        rows=(BulletinRow(text, 1, 1, text, 0, 0, 0, 0),),
        # Whatever stands where words are not looked for is no word either.
        power=replace(view.power, form=text, addressee=text, quote=text, report_to=text) if view.power else None,
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", LISTING)
def test_names_stand_as_they_are(form: Form, name: str) -> None:
    view = sample(form)
    items = tuple(replace(item, asset_name=name) for item in view.items)
    department = replace(view.department, name=name)
    fields: Any = compose(replace(view, items=items, department=department))
    words = "".join(texts(fields))
    assert words.count(name) >= 2
    if form not in (Form.REFERRAL, Form.PROPOSAL, Form.REPLY):
        assert fields["addressee"] == name
    json.dumps(fields, ensure_ascii=False).encode()  # and it can be stored


@pytest.mark.parametrize("form", LISTING)
def test_the_title_loses_nothing_of_a_long_name(form: Form) -> None:
    view = replace(sample(form), department=replace(sample(form).department, name="甲乙丙丁戊己庚辛" * 10))
    title: Any = compose(view)["title"]
    assert max(map(len, title)) <= 20
    if form in (Form.LETTER, Form.REMINDER, Form.ORDER_NOTICE, Form.REFERRAL, Form.PROPOSAL, Form.REPLY):
        assert "甲乙丙丁戊己庚辛" * 10 in "".join(title)


@given(text=st.text(max_size=200), form=st.sampled_from(list(Form)))
def test_no_text_does_anything_or_breaks_a_line(text: str, form: Form) -> None:
    try:
        fields = compose(filled(form, text))
    except ValueError as refused:
        # An empty clause gives no consequence, whatever the text is.
        assert "consequence" in str(refused) or "opinion" in str(refused) or "notice" in str(refused)
        return
    for value in texts(fields):
        for line in value.split("\n"):
            assert clean(line, 1 << 20) == line  # no control, no direction mark, no half of a character
    json.dumps(fields, ensure_ascii=False).encode()


@given(text=st.text(alphabet="{}%#<>&=+-@甲乙𠮷 ", min_size=1, max_size=60))
def test_what_looks_like_syntax_comes_out_word_for_word(text: str) -> None:
    view = sample(Form.TASK)
    fields = compose(replace(view, items=(replace(view.items[0], asset_name=text),)))
    shown = " ".join(text.split())
    assert shown in "".join(texts(fields))


def test_what_is_endless_ends() -> None:
    fields = compose(filled(Form.LETTER, "名" * 60_000))
    assert sum(map(len, texts(fields))) < 60_000


@pytest.mark.parametrize("text", ["", "\x00\x1b[2J\u202e\ud800", "\n\r\t"])
@pytest.mark.parametrize("form", [Form.LETTER, Form.ORDER, Form.REMINDER, Form.REFERRAL, Form.RECEIPT, Form.REPLY])
def test_drafts_bear_texts_that_say_nothing(form: Form, text: str) -> None:
    assert compose(filled(form, text))


@pytest.mark.parametrize("form", LISTING)
def test_through_the_template_a_name_is_still_text(form: Form) -> None:
    name = "{{ 7*7 }}{% raw %}</w:t><w:p>&𠮷"
    view = sample(form)
    items = tuple(replace(item, asset_name=name) for item in view.items)
    made = Templates().fill(form, compose(replace(view, items=items)))
    body = Document(io.BytesIO(made)).element.body
    assert name in "".join(text.text or "" for text in body.iter(qn("w:t")))


# --- size ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.LETTER, Form.TASK, Form.REFERRAL, Form.PROPOSAL, Form.INSPECTION])
def test_ten_thousand_findings_compose_in_seconds(form: Form) -> None:
    view = sample(form)
    items = tuple(replace(view.items[0], id=f"F-{n:05d}", asset_name=f"系统{n}") for n in range(10_000))
    results = tuple(ItemResult(one.id, Result.NOT_MENDED, "与整改前一致") for one in items) if view.results else ()
    big = replace(view, items=items, results=results, decision="second notice" if view.decision else "")
    began = time.perf_counter()
    fields: Any = compose(big)
    assert time.perf_counter() - began < 10
    words = "".join(texts(fields))
    assert all(f"F-{n:05d}" in words for n in range(0, 10_000, 97))
    # The list is long, the paper is not: the rest stands in the annex.
    assert len(fields["body"]) < 40
    if form is not Form.INSPECTION:
        annex = "附件" if form is Form.REFERRAL else "附件1"
        assert f"等10000项，逐项情况见{annex}第1项至第10000项。" in words


def test_items_are_counted_through_all_rules() -> None:
    view = sample(Form.TASK)
    one = view.items[0]
    more = tuple(replace(one, id=f"F-1{n:03d}") for n in range(16))
    other = tuple(
        replace(one, id=f"F-2{n:03d}", rule="x/y", basis=(Basis("办法", "", "第二条", ""),)) for n in range(16)
    )
    fields: Any = compose(replace(view, items=(*other[:8], *more, *other[8:])))
    words = "".join(texts(fields["body"]))
    assert "等16项，逐项情况见附件1第1项至第16项" in words
    assert "等16项，逐项情况见附件1第17项至第32项" in words
    rows = [row["no"] for group in fields["evidence"]["groups"] for row in group["rows"] if row["no"]]
    assert rows == [row["no"] for row in fields["report"]["rows"]] == [str(n) for n in range(1, 33)]
    assert fields["evidence"]["groups"][0]["rows"][0]["object"].endswith("F-2000")
