"""The papers as pages: drawn by LibreOffice, measured by poppler, against GB/T 9704-2012."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.papers import wml, wordfile
from reports.papers.compose import compose
from reports.papers.sample import sample
from reports.papers.templates import Templates, shipped
from reports.papers.view import Form
from reports.pdf import Converted, to_pdf
from tests.lab.pages import Page, bands, dark, fonts, pages, red

pytestmark = pytest.mark.lab

LETTERS = (Form.LETTER, Form.REMINDER, Form.REFERRAL, Form.PROPOSAL)
RED_HEADS = (Form.TASK, Form.ORDER_NOTICE, Form.BULLETIN)
PAPERS = [(form, issued) for form in Form for issued in (True, False)]
IDS = [f"{form}-{'issued' if issued else 'draft'}" for form, issued in PAPERS]
#: Expected pages of the samples, the least and the most.
COUNTS = {
    Form.LETTER: (6, 9),
    Form.REMINDER: (2, 4),
    Form.TASK: (4, 6),
    Form.ORDER: (5, 7),
    Form.ORDER_NOTICE: (4, 6),
    Form.REFERRAL: (2, 4),
    Form.PROPOSAL: (2, 4),
    Form.INSPECTION: (2, 4),
    Form.RECEIPT: (1, 1),
    Form.REPLY: (2, 3),
    Form.BULLETIN: (2, 4),
}


@dataclass(frozen=True)
class Drawn:
    form: Form
    issued: bool
    fields: dict[str, Any]
    pdf: Path
    converted: Converted
    pages: list[Page]

    @property
    def text(self) -> str:
        """All pages as one, without marks, page numbers and spaces."""
        mark = "".join(str(self.fields["mark"]).split())
        whole = "".join(page.text.replace(mark, "") for page in self.pages)
        return re.sub(r"—\d+—", "", whole)


def draw(folder: Path, form: Form, fields: dict[str, Any], *, issued: bool = True, own: Path | None = None) -> Drawn:
    docx, pdf = folder / "paper.docx", folder / "paper.pdf"
    docx.write_bytes(Templates.load(own).fill(form, fields))
    converted = to_pdf(docx, pdf)
    return Drawn(form, issued, fields, pdf, converted, pages(pdf))


@pytest.fixture(scope="module")
def all_drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[Form, bool], Drawn]:
    """Every paper of the samples, as issued and as a draft."""
    out = {}
    for form, issued in PAPERS:
        folder = tmp_path_factory.mktemp(form)
        out[form, issued] = draw(folder, form, compose(sample(form, issued=issued)), issued=issued)
    return out


@pytest.fixture(params=PAPERS, ids=IDS)
def drawn(request: pytest.FixtureRequest, all_drawn: dict[tuple[Form, bool], Drawn]) -> Drawn:
    return all_drawn[request.param]


def blank(text: object) -> str:
    return "".join(str(text).split())


# --- every paper --------------------------------------------------------------------------------------------


def test_sheets_are_a4_and_as_many_as_needed(drawn: Drawn) -> None:
    assert all((round(page.width), round(page.height)) == (210, 297) for page in drawn.pages)
    assert drawn.converted.pages == len(drawn.pages)
    least, most = COUNTS[drawn.form]
    assert least <= len(drawn.pages) <= most
    # No page is empty but for its number.
    assert all(len(page.text) > 20 for page in drawn.pages)


def test_nothing_stands_outside_the_type_area(drawn: Drawn) -> None:
    """156 × 225 mm, but for the mark above, the page number below, and punctuation that hangs over a line's end."""
    for page in drawn.pages:
        letter = drawn.form in LETTERS and page.number == 1
        for y, left, right in page.picture.places(dark):
            assert left > 27.5, (page.number, y)
            assert right < 186, (page.number, y)
            mark = not drawn.issued and 14 < y < 24.5
            assert mark or 36.5 < y < 263 or (266 < y < 272 and not letter), (page.number, y)


def test_a_draft_is_marked_on_every_page_and_nothing_else_is(drawn: Drawn) -> None:
    for page in drawn.pages:
        marks = page.find("草稿")
        assert bool(marks) != drawn.issued
        assert all(14 < mark.top < mark.bottom < 25 for mark in marks)


def test_page_numbers_stand_outside_seven_mm_below(drawn: Drawn) -> None:
    for page in drawn.pages:
        numbers = [line for line in page.lines if line[0].middle > 263]
        if drawn.form in LETTERS and page.number == 1:
            assert numbers == []
            continue
        ((first, *_, last),) = numbers
        assert "".join(word.text for word in numbers[0]) == f"—{page.number}—"
        assert abs(first.middle - 262 - 7) < 1
        # One character of 14 pt in from the side that is outside when the sheets are bound.
        odd = page.number % 2 == 1
        assert abs((184 - last.right if odd else first.left - 28) - 14 / 72 * 25.4) < 1


def test_all_that_was_composed_is_on_the_pages(drawn: Drawn) -> None:
    text, fields = drawn.text, drawn.fields
    for line in fields["body"]:
        assert blank(line["lead"] + line["text"]) in text
    assert blank("".join(fields["title"])) in text
    for name in ("office", "number", "addressee", "signature", "date"):
        assert blank(fields[name]) in text or drawn.form is Form.RECEIPT, name
    for name in ("evidence", "answers", "report", "results"):
        annex = fields.get(name, {})
        for row in [*annex.get("rows", ()), *(row for group in annex.get("groups", ()) for row in group["rows"])]:
            for cell in row.values():
                for line in str(cell).split("\n"):
                    assert set(blank(line)) <= set(text)
            for item in re.findall(r"F-\d+", row["object"]):
                assert item in text
    for pair in (*fields.get("receipt", ()), *fields.get("stub", ())):
        assert blank(pair["name"])[:4] in text
        assert blank(pair["value"])[:4] in text


def test_fonts_are_those_that_were_announced(drawn: Drawn) -> None:
    """Also nothing is taken for what is missing that nobody chose: no DejaVu, no Japanese, no bitmap."""
    chosen = {"".join(name.split()).removesuffix("SC").lower() for name in drawn.converted.substituted.values()}
    for name in fonts(drawn.pdf):
        family = name.lower().partition("-")[0].removesuffix("jp")
        assert family in chosen, (name, chosen)


def test_the_signature_stands_with_text_and_above_the_date(drawn: Drawn) -> None:
    if drawn.form is Form.RECEIPT:
        return
    signed = "".join(str(drawn.fields["signature"]).split())
    day = re.compile(r"\d+年\d+月\d+日" if re.search(r"\d", str(drawn.fields["date"])) else "年月日")
    found = 0
    for page in drawn.pages:
        said = [(line, blank("".join(word.text for word in line))) for line in page.lines]
        for (line, words), (after, below) in pairwise(said):
            if words == signed and day.fullmatch(below):
                found += 1
                above = [other for other, _ in said if other[0].middle < line[0].middle and other[0].middle > 37]
                assert above, "a signature alone on its page"
                if below != "年月日":
                    middles = [(words[0].left + words[-1].right) / 2 for words in (line, after)]
                    assert abs(middles[0] - middles[1]) < 2
    # The draft order that a letter annexes has blanks for a date.
    assert found == (2 if drawn.form is Form.LETTER and not drawn.issued else 1)


# --- red ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", RED_HEADS)
def test_the_red_head_is_red_and_in_its_place(form: Form, all_drawn: dict[tuple[Form, bool], Drawn]) -> None:
    page, *others = all_drawn[form, True].pages
    office, rule = bands(list(page.picture.places(red)), gap=3)
    # 35 mm below the type area's upper edge.
    assert abs(office[0] - 72) < 1.5
    assert 28 <= office[2] < office[3] <= 184
    # Its last bracket ends in half a character of white.
    assert abs((office[2] + office[3]) / 2 - 106) < 3
    # As wide as the type area, 4 mm below the number.
    assert (abs(rule[2] - 28) < 0.5, abs(rule[3] - 184) < 0.5) == (True, True)
    assert 0.2 < rule[1] - rule[0] + 1 / 5 < 1
    (number, *_) = page.find("〔2026〕")
    glyphs = [y for y, left, right in page.picture.places(dark) if number.top < y < rule[0]]
    assert 3 < rule[0] - max(glyphs) < 5
    assert not any(list(other.picture.places(red)) for other in others)


@pytest.mark.parametrize("form", LETTERS)
def test_the_letter_head_is_red_and_in_its_place(form: Form, all_drawn: dict[tuple[Form, bool], Drawn]) -> None:
    page, *others = all_drawn[form, True].pages
    office, *rules = bands(list(page.picture.places(red)), gap=0.25)
    # 30 mm from the sheet's edge; its rule 4 mm below, the other 20 mm from the lower edge; both 170 mm wide.
    assert abs(office[0] - 30) < 1.5
    upper, lower = [r for r in rules if r[0] < 100], [r for r in rules if r[0] > 200]
    office_bottom = max([office[1], *(r[1] for r in upper if r[3] - r[2] < 165)])
    upper = [r for r in upper if r[3] - r[2] > 165]
    assert 3 < upper[0][0] - office_bottom < 5
    assert abs(297 - 20 - lower[-1][1]) < 1
    for pair in (upper, lower):
        assert all(abs(r[2] - 20) < 0.5 and abs(r[3] - 190) < 0.5 for r in pair)
        assert len(pair) == 2
    thick = [[r[1] - r[0] for r in pair] for pair in (upper, lower)]
    assert thick[0][0] > thick[0][1]  # 上粗下细
    assert thick[1][0] < thick[1][1]  # 上细下粗
    (number,) = [line for line in page.lines if "〔2026〕0" in line[0].text and line[0].middle < 60]
    assert abs(number[-1].right - 184) < 1
    assert 3 < number[0].middle - 16 / 72 * 25.4 / 2 - upper[-1][1] < 7
    if form is not Form.LETTER:
        assert not any(list(other.picture.places(red)) for other in others)


@pytest.mark.parametrize("items", [1, 8, 9, 10])
def test_the_imprint_stands_at_the_foot_of_the_last_page(items: int, tmp_path: Path) -> None:
    """Also where what stands above just fits, or just does not."""
    fields: dict[str, Any] = compose(sample(Form.ORDER_NOTICE))
    fields["report"]["rows"] = [{**fields["report"]["rows"][0], "no": str(n)} for n in range(1, items + 1)]
    *others, last = draw(tmp_path, Form.ORDER_NOTICE, fields).pages
    assert not any(page.find("印发") or page.find("抄送") for page in others)
    (copies,), (printed,) = last.find("抄送"), last.find("印发")
    assert 240 < copies.top < copies.bottom <= printed.top < printed.bottom < 262.5
    assert all(word.bottom <= copies.top for word in last.words if word.middle < copies.top)
    rules = bands(
        [row for row in last.picture.places(dark) if row[0] > copies.top - 3 and row[2] - row[1] > 150], gap=0.25
    )
    assert [(round(left), round(right)) for _, _, left, right in rules] == [(28, 184)] * 3
    assert abs(rules[-1][1] - 262) < 1


@pytest.mark.parametrize("form", [Form.ORDER, Form.INSPECTION, Form.RECEIPT, Form.REPLY])
def test_forms_of_the_office_are_black(form: Form, all_drawn: dict[tuple[Form, bool], Drawn]) -> None:
    assert not any(list(page.picture.places(red)) for page in all_drawn[form, True].pages)


def test_the_date_leaves_four_characters_for_the_seal(tmp_path: Path) -> None:
    fields = {**compose(sample(Form.TASK)), "office": "示例市数据局", "signature": "示例市数据局"}
    page = next(
        page for page in draw(tmp_path, Form.TASK, fields).pages if page.find("示例市数据局") and page.number > 1
    )
    (signed,) = [line for line in page.lines if "".join(word.text for word in line) == "示例市数据局"]
    (day,) = [line for line in page.lines if blank("".join(w.text for w in line)) == "2026年11月24日"]
    # LibreOffice sets figures apart from characters, which makes the date wider.
    assert abs((184 - day[-1].right) / (16 / 72 * 25.4) - 4) < 1
    assert abs((signed[0].left + signed[-1].right - day[0].left - day[-1].right) / 2) < 1


# --- glyphs -------------------------------------------------------------------------------------------------

#: Characters that Japan writes otherwise.
TELLING = "骨直角述曜令诚关门将过遍海草复"


def glyphs(folder: Path, font: str, language: str) -> bytes:
    layout = wordfile.Layout(wml.paragraph("Title", TELLING), {"default": wml.paragraph("Header")}, {})
    path = folder / f"{font or 'ours'}-{language}.docx"
    data = wordfile.write(layout)
    path.write_bytes(data)
    if font:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = [(name, archive.read(name)) for name in archive.namelist()]
        path.write_bytes(
            wordfile.pack(
                (
                    name,
                    re.sub(rb'w:eastAsia="[^"-]+"', f'w:eastAsia="{font}"'.encode(), part).replace(
                        b'w:eastAsia="zh-CN"', f'w:eastAsia="{language}"'.encode()
                    ),
                )
                for name, part in parts
            )
        )
    to_pdf(path, path.with_suffix(".pdf"))
    return pages(path.with_suffix(".pdf"))[0].picture.pixels


def test_characters_are_written_as_they_are_here(tmp_path: Path) -> None:
    ours = glyphs(tmp_path, "", "zh-CN")
    assert ours == glyphs(tmp_path, "Noto Serif CJK SC", "zh-CN")
    assert ours != glyphs(tmp_path, "Noto Serif CJK JP", "ja-JP")


# --- hard cases ---------------------------------------------------------------------------------------------


def test_names_that_are_long_or_rare_stay_within_the_sheet(tmp_path: Path) -> None:
    name = "示例市𠮷㐀龘人民政府" + "很" * 70
    fields: dict[str, Any] = compose(sample(Form.LETTER))
    row = fields["evidence"]["groups"][0]["rows"][0]
    row |= {"object": name, "seen": "x" * 300, "source": "https://example.invalid/" + "a" * 200}
    fields |= {
        "office": name,
        "signature": name,
        "addressee": name,
        "title": [name[:20], name[20:40]],
        "copies": name,
    }
    drawn = draw(tmp_path, Form.LETTER, fields)
    assert drawn.text.count("𠮷㐀龘") >= 5
    for page in drawn.pages:
        for y, left, right in page.picture.places(dark):
            assert 27.5 < left < right < 186, (page.number, y)
        assert all(19.5 < left < right < 190.5 for _, left, right in page.picture.places(red))


def test_the_head_of_a_long_table_is_repeated(tmp_path: Path) -> None:
    fields: dict[str, Any] = compose(sample(Form.REMINDER))
    (group,) = fields["evidence"]["groups"]
    group["rows"] = [{**group["rows"][0], "no": str(n), "object": f"示例系统\nF-{n:04d}"} for n in range(1, 301)]
    drawn = draw(tmp_path, Form.REMINDER, fields)
    annex = [page for page in drawn.pages if "F-0" in page.text and page.find("序号")]
    assert len(annex) > 20
    assert sorted(set(re.findall(r"F-\d{4}", drawn.text))) == [f"F-{n:04d}" for n in range(1, 301)]
    assert all(page.find("序号")[0].top < 45 for page in annex[1:])


def test_justified_text_of_a_bureaus_template_loses_no_stop(tmp_path: Path) -> None:
    line = "一二三四五六七八九十一二三四五六七八九十一二三四五六七八，九十一二三四五六七八九十。"
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="Normal"/><w:jc w:val="both"/></w:pPr>{wml.run(line[cut:] + line)}</w:p>'
        for cut in range(8)
    )
    path = tmp_path / "p.docx"
    path.write_bytes(wordfile.write(wordfile.Layout(body, {"default": wml.paragraph("Header")}, {})))
    to_pdf(path, tmp_path / "p.pdf")
    drawn = "".join(page.text for page in pages(tmp_path / "p.pdf"))
    assert drawn == "".join(line[cut:] + line for cut in range(8))


def office(folder: Path, *arguments: str) -> None:
    command = ["soffice", f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("form", [Form.LETTER, Form.ORDER, Form.BULLETIN])
def test_a_template_that_an_office_program_has_saved_still_works(
    form: Form, tmp_path: Path, all_drawn: dict[tuple[Form, bool], Drawn]
) -> None:
    """It splits tags over runs, renames styles and writes every part anew."""
    (tmp_path / f"{form}.docx").write_bytes(shipped(form))
    own = tmp_path / "own"
    office(tmp_path, "--convert-to", "docx:MS Word 2007 XML", "--outdir", str(own), str(tmp_path / f"{form}.docx"))
    assert (own / f"{form}.docx").read_bytes() != shipped(form)
    theirs, ours = draw(tmp_path, form, compose(sample(form)), own=own), all_drawn[form, True]
    assert theirs.text == ours.text
    assert abs(len(theirs.pages) - len(ours.pages)) <= 1
