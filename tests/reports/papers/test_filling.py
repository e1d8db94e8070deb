"""Filling: what comes out is what was put in, whatever it looks like, and always the same."""

from __future__ import annotations

import io
import time
import tracemalloc
import zipfile
from datetime import date
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docxtpl import DocxTemplate
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from markupsafe import Markup

from inventories.faults import Faults, clean
from reports.papers import filling
from reports.papers.compose import compose
from reports.papers.filling import Compiled, environment
from reports.papers.sample import sample
from reports.papers.templates import Templates, shipped
from reports.papers.view import Form

TEMPLATES = Templates.load()


def order(**more: object) -> dict[str, Any]:
    return {**compose(sample(Form.ORDER)), **more}


def drawn(form: Form, fields: dict[str, Any]) -> Any:
    return Document(io.BytesIO(TEMPLATES.fill(form, fields)))


def texts(document: Any) -> list[str]:
    """Every paragraph of the body, tables included, a line break as \\n."""
    out = []
    for paragraph in document.element.body.iter(qn("w:p")):
        marks = {qn("w:t"): lambda t: t.text or "", qn("w:br"): lambda _: "\n"}
        out.append("".join(marks[e.tag](e) for e in paragraph.iter(*marks)))
    return out


# --- the same as docxtpl ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.INSPECTION, Form.RECEIPT, Form.BULLETIN])
def test_a_paper_is_what_docxtpl_makes_of_the_template(form: Form) -> None:
    fields = compose(sample(form, issued=False))
    theirs = DocxTemplate(io.BytesIO(shipped(form)))
    theirs.render(fields, environment(), autoescape=True)
    out = io.BytesIO()
    theirs.save(out)
    with zipfile.ZipFile(io.BytesIO(TEMPLATES.fill(form, fields))) as ours, zipfile.ZipFile(out) as other:
        for name in ("word/document.xml", "word/header1.xml", "word/header2.xml", "word/footer1.xml"):
            assert etree.tostring(etree.fromstring(ours.read(name)), method="c14n") == etree.tostring(
                etree.fromstring(other.read(name)), method="c14n"
            )


# --- always the same ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", Form)
def test_the_same_fields_give_the_same_bytes(form: Form) -> None:
    fields = compose(sample(form))
    paper = TEMPLATES.fill(form, fields)
    assert paper == Templates.load().fill(form, compose(sample(form)))
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_properties_name_the_paper_and_the_office_alone() -> None:
    core = drawn(
        Form.ORDER, order(title=["关于", "某事的通知"], office="示例局", date="2026年11月24日")
    ).core_properties
    assert (core.title, core.author, core.last_modified_by) == ("关于某事的通知", "示例局", "示例局")
    assert core.subject == order()["number"]
    assert core.created.date() == core.modified.date() == date(2026, 11, 24)
    draft = drawn(Form.ORDER, compose(sample(Form.ORDER, issued=False))).core_properties
    assert draft.created is None
    assert draft.subject == ""


@pytest.mark.parametrize("day", ["2026年2月30日", "2026年13月1日", "〇年", "", "二〇二六年一月一日"])
def test_a_day_that_is_none_dates_nothing(day: str) -> None:
    assert drawn(Form.ORDER, order(date=day)).core_properties.created is None


# --- hostile values -----------------------------------------------------------------------------------------

HOSTILE = (
    "{{ 7*7 }}",
    "{% for x in body %}{{ x }}{% endfor %}",
    "{%p if 0 %}{# x #}{_{ 1 }_}{_% x %_}",
    "</w:t></w:r></w:p><w:p><w:r><w:t>x",
    "&amp; & &#x26; <!-- x --> ]]> <![CDATA[x]]>",
    "𠮷野家",
    "'\"“”‘’——……「」",
    '=HYPERLINK("http://x","y")',
    "　　首尾有空　　",
    "\t一\t二",
    "\x00\x01\x08\x0b\x0c\x1b[2J\x7f\x85",
    "\ud800一\udfff",
    "\ufffe\uffff\ufeff",
    "\u202e倒\u2066写\u200b",
    "\u2028行\u2029段",
    "\a\f",
    "名" * 20_000,
)


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_come_out_as_text(value: str) -> None:
    """As they are, or where they cannot be shown, as escapes that anybody can see."""
    row = {"no": value, "object": value, "seen": value, "source": value, "strength": value}
    fields = order(
        mark=value,
        office=value,
        number=value,
        title=[value, value],
        body=[{"style": "text", "lead": value, "text": value}],
        evidence={"label": value, "title": value, "groups": [{"heading": value, "rows": [row]}], "note": value},
        copies=value,
        date=value,
    )
    document = drawn(Form.ORDER, fields)
    shown = clean(value, 1 << 24)
    said = texts(document)
    assert said.count(shown) >= 8
    assert shown * 2 in said  # the lead and the text of one paragraph
    assert f"{shown}（存根）".replace(shown, shown * 2) in said
    assert all(section.header.paragraphs[0].text == shown for section in document.sections)
    # Nothing of it became markup, a field or a tag.
    plain = drawn(Form.ORDER, order(copies="x"))
    assert kinds(document) == kinds(plain)


def kinds(document: Any) -> set[str]:
    return {element.tag for element in document.element.body.iter(etree.Element)}


@given(st.text(st.characters(), max_size=60))
def test_any_text_reads_back_as_it_is_shown(value: str) -> None:
    said = texts(drawn(Form.RECEIPT, {**compose(sample(Form.RECEIPT)), "receipt": [{"name": "x", "value": value}]}))
    assert "\n".join(clean(line) for line in value.split("\n")) in said


def test_what_says_of_itself_that_it_is_safe_is_text_too() -> None:
    assert "<w:b/>" in texts(drawn(Form.ORDER, order(number=Markup("<w:b/>"))))


def test_lines_of_a_cell_are_line_breaks() -> None:
    pairs = [{"name": "送达文书", "value": "甲\n乙<\n\n丙"}]
    document = drawn(Form.RECEIPT, {**compose(sample(Form.RECEIPT)), "receipt": pairs})
    assert "甲\n乙<\n\n丙" in texts(document)
    assert len(list(document.element.body.iter(qn("w:br")))) == 3


def test_facts_of_one_item_stand_beside_its_name() -> None:
    rows = [
        {"no": no, "object": thing, "seen": seen, "source": "", "strength": ""}
        for no, thing, seen in (("1", "甲", "a"), ("", "", "b"), ("", "", "c"), ("2", "乙", "d"))
    ]
    evidence = {"label": "附件", "title": "表", "groups": [{"heading": "题", "rows": rows}], "note": ""}
    document = drawn(Form.ORDER, order(evidence=evidence))
    table = next(t for t in document.tables if t.rows[0].cells[0].text == "序号")
    merges = [[c.get(qn("w:val"), "continue") for c in r._tr.iter(qn("w:vMerge"))] for r in table.rows]
    assert merges == [[], [], ["restart"] * 2, ["continue"] * 2, ["continue"] * 2, ["restart"] * 2]
    assert [r.cells[2].text for r in table.rows] == ["核查所见", "题", "a", "b", "c", "d"]
    # As a word processor sees it: one cell over three rows.
    assert table.rows[4].cells[0].text == "1"


# --- what does not fit --------------------------------------------------------------------------------------


def test_a_field_that_is_missing_is_named() -> None:
    fields = order()
    del fields["number"]
    with pytest.raises(Faults, match=r"order.docx, word/document.xml: 'number' is undefined"):
        TEMPLATES.fill(Form.ORDER, fields)


def test_a_field_within_a_list_that_is_missing_is_named() -> None:
    with pytest.raises(Faults, match=r"has no attribute 'lead'"):
        TEMPLATES.fill(Form.ORDER, order(body=[{"style": "text", "text": "x"}]))


def test_a_field_of_another_kind_is_named() -> None:
    with pytest.raises(Faults) as caught:
        TEMPLATES.fill(Form.ORDER, order(number=7, annexes="x", body=[["x"]]))
    assert len(caught.value.faults) == 3


def test_a_field_that_no_template_knows_does_no_harm() -> None:
    assert TEMPLATES.fill(Form.ORDER, order(later="x")) == TEMPLATES.fill(Form.ORDER, order())


def made(source: str) -> Compiled:
    return Compiled(Form.ORDER, "order.docx", "", (("word/document.xml", environment().from_string(source)),))


def test_what_would_be_no_xml_is_never_written() -> None:
    template = made("<a>{% if number %}</b>{% endif %}</a>")
    assert template.fill({"number": ""})
    with pytest.raises(Faults, match="does not fit together once filled in: mismatched tag"):
        template.fill({"number": "1"})


def test_a_template_that_multiplies_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "MAX_PART", 1 << 20)
    loops = "".join(f"{{% for {name} in body %}}" for name in "abcd")
    template = made(f"<a>{loops}{'x' * 100}{'{% endfor %}' * 4}</a>")
    body = [{"style": "text", "lead": "", "text": ""}] * 100
    with pytest.raises(Faults, match="grows beyond 1 MiB"):
        template.fill({"body": body})


# --- many ---------------------------------------------------------------------------------------------------


def test_ten_thousand_items_take_little_time_and_no_more_memory() -> None:
    fields = order()
    (group,) = fields["evidence"]["groups"]
    group["rows"] = [{**group["rows"][0], "no": str(n), "object": f"系统{n}\nF-{n:05d}"} for n in range(1, 10_001)]
    fields["report"]["rows"] = [{**fields["report"]["rows"][0], "no": str(n)} for n in range(1, 10_001)]
    started = time.process_time()
    paper = TEMPLATES.fill(Form.ORDER, fields)
    assert time.process_time() - started < 20
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        said = archive.read("word/document.xml").decode()
    assert len(said) > 20 << 20
    assert all(f"F-{n:05d}" in said for n in (1, 5_000, 10_000))
    group["rows"] = group["rows"][:3_000]
    tracemalloc.start()
    TEMPLATES.fill(Form.ORDER, fields)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
