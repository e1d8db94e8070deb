"""How the templates are laid out: read back as a word processor would, against GB/T 9704-2012."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from lxml import etree

from reports import fonts
from reports.papers import styles
from reports.papers.compose import compose
from reports.papers.sample import sample
from reports.papers.templates import Templates, shipped
from reports.papers.view import Form

LETTERS = (Form.LETTER, Form.REMINDER, Form.REFERRAL, Form.PROPOSAL)
RED_HEADS = (Form.TASK, Form.ORDER_NOTICE, Form.BULLETIN)


def opened(form: Form) -> Any:
    return Document(io.BytesIO(shipped(form)))


def paper(form: Form, **more: object) -> Any:
    return Document(io.BytesIO(Templates.load().fill(form, {**compose(sample(form)), **more})))


def looks(document: Any) -> list[tuple[str, str]]:
    """Style's name and text of every paragraph outside tables."""
    return [(p.style.name, p.text) for p in document.paragraphs]


@pytest.mark.parametrize("form", Form)
def test_the_sheet_is_that_of_the_standard(form: Form) -> None:
    (section,) = opened(form).sections
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    sides = (section.top_margin, section.left_margin, section.bottom_margin, section.right_margin)
    assert [round(side.mm, 1) for side in sides] == [37, 28, 35, 26]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert grid.get(qn("w:type")) == "lines"
    # 22 lines in 225 mm, 28 characters of 16 pt, each 1/4 pt tighter, in 156 mm.
    assert abs(int(grid.get(qn("w:linePitch"))) * 22 / 20 - 225 / 25.4 * 72) < 1.5
    assert 0 <= 156 / 25.4 * 72 - 28 * (16 - 0.25) < 2
    assert section.different_first_page_header_footer == (form in LETTERS)


@pytest.mark.parametrize("form", Form)
def test_page_numbers_stand_outside(form: Form) -> None:
    """Odd pages right, even ones left, one character in; a letter's first page has none."""
    (section,) = opened(form).sections
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        (number,) = footer.paragraphs
        assert number.text == "— 1 —"
        assert number._p.pPr.jc.val.name.lower() == side
        assert [e.text for e in number._p.iter(qn("w:instrText"))] == ["PAGE"]
        form_ = number.style.paragraph_format
        assert (form_.left_indent.pt, form_.right_indent.pt, number.style.font.size.pt) == (14, 14, 14)
    if form in LETTERS:
        assert "PAGE" not in etree.tostring(section.first_page_footer._element).decode()


def test_styles_are_those_a_clerk_knows() -> None:
    document = opened(Form.ORDER)
    sizes = {
        "Normal": (16, fonts.BODY),
        "Title": (22, fonts.TITLE),
        "Heading 1": (16, fonts.HEI),
        "Heading 2": (16, fonts.KAI),
    }
    for name, (size, font) in sizes.items():
        style = document.styles[name]
        assert style.font.size.pt == size
        assert style.element.rPr.rFonts.get(qn("w:eastAsia")) == font
        assert style.element.rPr.rFonts.get(qn("w:hint")) == "eastAsia"
    listed = {style.name for style in document.styles}
    assert {
        "公文正文",
        "主送机关",
        "附件说明",
        "署名",
        "成文日期",
        "发文机关标志",
        "发文字号",
        "表内文字",
        "页码",
    } - listed == {"页码"}
    with zipfile.ZipFile(io.BytesIO(shipped(Form.ORDER))) as archive:
        assert b'w:eastAsia="zh-CN"' in archive.read("word/styles.xml")
        assert "一级标题" in archive.read("word/styles.xml").decode()
        assert b"evenAndOddHeaders" in archive.read("word/settings.xml")


@pytest.mark.parametrize("form", Form)
def test_every_style_is_there_and_looks_stand_in_styles_alone(form: Form) -> None:
    known = {style.id for style in styles.STYLES} | {"Ruled"}
    with zipfile.ZipFile(io.BytesIO(shipped(form))) as archive:
        for name in archive.namelist():
            if re.match(r"word/(document|header|footer)", name):
                root = etree.fromstring(archive.read(name))
                assert {e.get(qn("w:val")) for e in root.iter(qn("w:pStyle"), qn("w:tblStyle"))} <= known
                assert all(set(e.attrib) == {qn("w:hint")} for e in root.iter(qn("w:rFonts")))
                assert not list(root.iter(qn("w:sz"), qn("w:color"), qn("w:spacing")))


def test_the_font_table_names_what_may_stand_in() -> None:
    with zipfile.ZipFile(io.BytesIO(shipped(Form.ORDER))) as archive:
        table = archive.read("word/fontTable.xml").decode()
    for name, others in fonts.FALLBACKS.items():
        assert f'w:name="{name}"><w:altName w:val="{",".join(others)}"/>' in table


@pytest.mark.parametrize("form", Form)
def test_no_table_is_wider_than_the_type_area(form: Form) -> None:
    tables = list(opened(form).element.body.iter(qn("w:tbl")))
    for table in tables:
        widths = [int(column.get(qn("w:w"))) for column in table.iter(qn("w:gridCol"))]
        assert abs(sum(widths) / 20 / 72 * 25.4 - 156) < 0.5
        for row in table.iter(qn("w:tr")):
            assert row.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None
    assert bool(tables) == any("rows" in (p.text or "") or "pair" in (p.text or "") for p in _texts(form))


def _texts(form: Form) -> Iterator[Any]:
    return opened(form).element.body.iter(qn("w:t"))


@pytest.mark.parametrize("form", Form)
def test_tags_stand_in_paragraphs_of_their_own(form: Form) -> None:
    """So that a clerk sees where a part begins and ends, in grey, and can move it as a whole."""
    document = opened(form)
    bodies = [document.element.body, *(h._element for h in (document.sections[0].header,))]
    for body in bodies:
        for paragraph in body.iter(qn("w:p")):
            said = "".join(t.text or "" for t in paragraph.iter(qn("w:t")))
            if re.search(r"\{%(p|tr) ", said):
                assert re.fullmatch(r"\{%(p|tr) [^%]*%\}", said)
                assert paragraph.pPr.pStyle.val == "Tag"


# --- heads --------------------------------------------------------------------------------------------------


def borders(paragraph: Any, side: str) -> tuple[str, ...]:
    border = paragraph.style.element.pPr.find(f"{qn('w:pBdr')}/{qn(f'w:{side}')}")
    return tuple(border.get(qn(f"w:{name}")) for name in ("val", "sz", "color"))


@pytest.mark.parametrize("form", RED_HEADS)
def test_the_red_head(form: Form) -> None:
    document = paper(form)
    said = looks(document)
    assert [name for name, _ in said[:5]] == [
        "版头空白",
        "发文机关标志（很长）",
        "公文空行（与下段同页）",
        "公文空行（与下段同页）",
        "发文字号",
    ]
    office, number = document.paragraphs[1], document.paragraphs[4]
    assert str(office.style.font.color.rgb) == "FF0000"
    assert borders(number, "bottom") == ("single", "12", "FF0000")
    assert [name for name, _ in said[5:8]] == ["公文空行（与下段同页）"] * 2 + ["Title"]
    assert "〔2026〕0号" in number.text


@pytest.mark.parametrize("form", LETTERS)
def test_the_letter_head(form: Form) -> None:
    document = paper(form)
    (section,) = document.sections
    office = section.first_page_header.paragraphs[-1]
    assert office.text == sample(form).bureau
    assert borders(office, "bottom") == ("thickThinSmallGap", "24", "FF0000")
    foot = section.first_page_footer.paragraphs[0]
    assert borders(foot, "bottom") == ("thinThickSmallGap", "24", "FF0000")
    for rule in (office, foot):
        form_ = rule.style.paragraph_format
        # 170 mm, centred on the sheet: 8 mm to the left of the type area, 6 mm to the right.
        assert [round(form_.left_indent.mm, 1), round(form_.right_indent.mm, 1)] == [-8, -6]
    assert looks(document)[0] == ("信函发文字号", "示审管函〔2026〕0号")
    assert section.first_page_header.paragraphs[0].text == ""  # where a draft has its mark


@pytest.mark.parametrize(
    ("length", "style"),
    [
        (1, ""),
        (11, ""),
        (12, "（较长）"),
        (16, "（较长）"),
        (17, "（很长）"),
        (22, "（很长）"),
        (23, "（多行）"),
        (80, "（多行）"),
    ],
)
def test_a_longer_office_is_set_narrower_and_smaller(length: int, style: str) -> None:
    document = paper(Form.TASK, office="局" * length)
    office = document.paragraphs[1]
    assert (office.style.name, office.text) == (f"发文机关标志{style}", "局" * length)
    width = office.style.element.rPr.find(qn("w:w"))
    narrow = int(width.get(qn("w:val"))) / 100 if width is not None else 1
    lines = -(-length * office.style.font.size.pt * narrow // (156 / 25.4 * 72))
    assert lines == (3 if length == 80 else 1)


@pytest.mark.parametrize(("length", "left"), [(1, None), (15, None), (16, 7 * 16), (21, 7 * 16), (22, 0), (80, 0)])
def test_the_date_stands_under_the_middle_of_the_signature(length: int, left: float | None) -> None:
    document = paper(Form.TASK, signature="局" * length)
    signature = next(p for p in document.paragraphs if p.style.name == "署名")
    day = next(p for p in document.paragraphs if p.style.name == "成文日期")
    found = [
        p.paragraph_format.left_indent.pt if p.paragraph_format.left_indent is not None else None
        for p in (signature, day)
    ]
    assert found == [left, left]
    # The style's own: centred on a line 7 1/2 characters from the right, so that the date ends four from it.
    assert signature.style.paragraph_format.left_indent.pt == day.style.paragraph_format.left_indent.pt == 13 * 16
    assert signature.style.paragraph_format.keep_with_next


def test_the_signature_is_never_without_text() -> None:
    said = paper(Form.LETTER).paragraphs
    at = next(i for i, p in enumerate(said) if p.style.name == "署名")
    kept = [p for p in said[:at] if p.style.name == "公文正文（与下段同页）"]
    assert [p.text for p in kept] == ["特此函达，请予函复。"]
    between = said[said.index(kept[0]) : at] if kept[0] in said else said[at - 6 : at]
    assert all(p.style.paragraph_format.keep_with_next for p in between)


def test_enclosures_are_listed_in_line() -> None:
    several = [t for name, t in looks(paper(Form.LETTER)) if name == "附件说明"]
    # The last is the draft order's own.
    assert [t[:5] for t in several] == ["附件：1.", "　　　2.", "　　　3.", "附件：核查"]
    assert [t for name, t in looks(paper(Form.REMINDER)) if name == "附件说明"] == ["附件：核查情况明细表"]
    assert "附件说明" not in {name for name, _ in looks(paper(Form.BULLETIN))}


# --- imprint ------------------------------------------------------------------------------------------------


def framed(document: Any) -> list[str]:
    return [
        p.text for p in document.paragraphs if p._p.pPr is not None and p._p.pPr.find(qn("w:framePr")) is not None
    ]


def test_the_imprint_stands_at_the_foot_of_the_last_page() -> None:
    assert framed(paper(Form.ORDER_NOTICE, copies="")) == ["示例市审批服务管理局\t2026年11月24日印发"]
    with_copies = paper(Form.ORDER_NOTICE, copies="示例市财政局。")
    assert framed(with_copies) == ["抄送：示例市财政局。", "", "示例市审批服务管理局\t2026年11月24日印发"]
    # One box with rules of 0.35 mm (1 pt), and one of 0.25 mm between its parts.
    drawn = [b.get(qn("w:sz")) for p in with_copies.paragraphs[-4:] for b in p._p.iter(qn("w:top"), qn("w:bottom"))]
    assert drawn == ["8"] * 6
    between = with_copies.paragraphs[-3].style
    assert (between.name, between.paragraph_format.line_spacing.pt) == ("版记中间分隔线", 0.7)
    # A letter names who else gets it, and nobody who printed it.
    assert framed(paper(Form.PROPOSAL, copies="示例市民政局。")) == ["抄送：示例市民政局。"]
    assert framed(paper(Form.PROPOSAL, copies="")) == []
    assert framed(paper(Form.ORDER)) == []


def test_the_numbered_form_has_a_stub_and_is_signed_for() -> None:
    document = paper(Form.ORDER)
    said = looks(document)
    assert said[0] == ("文书机关名称", sample(Form.ORDER).bureau)
    assert said[1] == ("Title", "责令限期整改通知书")
    assert said[2] == ("文书编号", "示审管函〔2026〕0号")
    assert ("附件标题", "责令限期整改通知书（存根）") in said
    heads = [[c.text for c in t.rows[0].cells] for t in document.tables]
    assert ["签　　收"] * 2 in heads
    assert [h for h in heads if h[0] == "文书名称"]


def test_annexes_begin_on_pages_of_their_own() -> None:
    for form in (Form.LETTER, Form.ORDER, Form.BULLETIN, Form.INSPECTION, Form.REPLY):
        document = paper(form)
        labels = [p for p in document.paragraphs if p.style.name == "附件标注"]
        assert labels
        assert all(p.style.paragraph_format.page_break_before for p in labels)


def test_the_letter_annexes_evidence_answer_form_and_draft_order() -> None:
    said = [text for _, text in looks(paper(Form.LETTER))]
    assert [t for t in said if re.fullmatch("附件[123]", t)] == ["附件1", "附件2", "附件3"]
    fields: Any = compose(sample(Form.LETTER))
    without = paper(Form.LETTER, order={**fields["order"], "body": []})
    assert "附件3" not in [text for _, text in looks(without)]
