"""An audit's drafts: what stands in them, what may not, and that they open."""

import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from policies.model import Basis, Consequence, Power
from reports import fonts
from reports.model import FindingView, NoticeView
from reports.notice import missing_fonts, paper_of, render_drafter_note, render_notice
from reports.papers.compose import compose
from reports.papers.phrases import DRAFT_MARK

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def lines(path: Path) -> list[str]:
    """Every paragraph of the body, tables included, in order."""
    body = Document(str(path)).element.body
    return ["".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p"))]


def text(path: Path) -> str:
    return "\n".join(lines(path))


def headers(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("word/header"):
                yield archive.read(name).decode()


@pytest.fixture
def drawn(notice: NoticeView, tmp_path: Path) -> Path:
    path = tmp_path / "letter.docx"
    render_notice(notice, path)
    return path


def rendered(view: NoticeView, folder: Path, name: str = "paper.docx") -> str:
    render_notice(view, folder / name)
    return text(folder / name)


# --- what it says -------------------------------------------------------------------------------------------


def test_the_letter_asks_and_does_not_accuse(drawn: Path, notice: NoticeView) -> None:
    said = text(drawn)
    before_the_annex = said.split("附件3")[0] if "附件3\n" not in said else said[: said.index("附件3\n")]
    assert "关于核实示例市民政局" in said
    assert "示例市民政局：" in said
    assert "尚待核实，不作为对你单位的认定" in said
    assert "如实记录并复核" in said  # the way to object
    assert "特此函达，请予函复。" in said
    assert "责令" not in before_the_annex
    assert "整改要求：" not in before_the_annex
    assert notice.bureau in said


def test_the_letter_annexes_evidence_answer_form_and_draft_order(drawn: Path) -> None:
    said = lines(drawn)
    assert "附件：1.核查情况明细表" in said
    assert [line for line in said if line in ("附件1", "附件2", "附件3")] == ["附件1", "附件2", "附件3"]
    assert "效能评估整改任务书（征求意见稿）" in said
    assert "□不属实" in "\n".join(said)


def test_every_item_cites_its_own_article_word_for_word(drawn: Path, notice: NoticeView) -> None:
    said = text(drawn)
    for item in notice.items:
        for basis in item.basis:
            assert f"《{basis.regulation}》（{basis.number}）{basis.article}“{basis.quote}”" in said
        assert item.asset_name in said
        assert f"问题编号{item.id}" in said


def test_facts_say_what_when_by_whom_and_how_strong(drawn: Path) -> None:
    said = text(drawn)
    assert "部署位置为“自建机房”（来源：网络探测；时间：2026年11月22日；依据强度：外部可见）" in said
    assert "佐证：80/tcp nginx 1.22.1，页面标题“婚姻登记管理系统”" in said
    # A paper that was asked for and does not exist.
    assert "批准文号答复为“无”" in said
    assert "登记台账systems.xlsx第3行" in said
    assert "内部核实：在主机上或者经管理接口读取" in said  # what the words mean


def test_the_order_takes_everything_that_binds_from_the_power(notice: NoticeView, tmp_path: Path) -> None:
    said = rendered(replace(notice, consultation=False), tmp_path)
    assert "\n效能评估整改任务书\n" in said
    assert f"第二十四条“{notice.power.quote}”" in said
    assert "请自送达之日起10个工作日内（当日不计算在内），将整改结果书面报送示例市审批服务管理局" in said
    assert "整改要求：制定迁移计划" in said
    # Article 24 lets nothing follow: the order threatens nothing.
    assert "后果" not in said
    assert "暂停" not in said


def test_consequences_are_those_of_the_power_alone(notice: NoticeView, city: Any, tmp_path: Path) -> None:
    said = rendered(replace(notice, consultation=False, power=city.breach), tmp_path)
    assert "\n责令限期整改通知书\n" in said
    assert "拒不整改的，依据第二十三条，暂停拨付项目建设和运维资金，直至终止项目（由我局向市财政局提出）。" in said
    # The article sets no time: blank for the person who signs.
    assert "第二十三条未规定报送期限。请于　　　　年　　月　　日前（期限由签发人确定）" in said
    assert "工作日内" not in said


def test_a_clause_with_its_own_consequence_and_limit(notice: NoticeView, tmp_path: Path) -> None:
    item = replace(notice.items[0], consequence="不再拨付运维经费", deadline="完成验收后30个工作日内")
    said = rendered(replace(notice, items=(item,), consultation=False), tmp_path)
    assert "条款规定的后果：不再拨付运维经费。" in said
    assert "条款规定的期限：完成验收后30个工作日内。" in said


def test_nothing_is_numbered_dated_or_signed_before_issue(drawn: Path) -> None:
    said = lines(drawn)
    assert "　　　〔　　　　〕　　号" in said
    assert "　　　　年　　月　　日" in said
    assert not any("〔2026〕" in line for line in said)
    # The day of drawing up is no date of issue: it says only what the data are of.
    assert all("数据截至" in line for line in said if "2026年11月23日" in line)


def test_a_given_number_is_printed_as_given(notice: NoticeView, tmp_path: Path) -> None:
    assert "示审函〔2026〕5号" in rendered(replace(notice, number="示审函〔2026〕5号"), tmp_path)
    marks = "".join(headers(tmp_path / "paper.docx"))
    assert "未编号" not in marks
    assert "草稿·未签发·不具效力" in marks


@pytest.mark.parametrize("consultation", [True, False])
def test_every_page_is_marked_a_draft(notice: NoticeView, tmp_path: Path, consultation: bool) -> None:
    rendered(replace(notice, consultation=consultation), tmp_path)
    found = list(headers(tmp_path / "paper.docx"))
    used = [h for h in found if "<w:p" in h]
    assert used
    assert all(DRAFT_MARK in h for h in used)
    for section in Document(str(tmp_path / "paper.docx")).sections:
        kinds = [section.header, section.even_page_header]
        if section.different_first_page_header_footer:
            kinds.append(section.first_page_header)
        assert all(DRAFT_MARK in kind.paragraphs[0].text for kind in kinds)


def test_what_was_left_out_is_not_in_the_departments_paper(drawn: Path, notice: NoticeView) -> None:
    said = text(drawn)
    assert notice.left_out
    for item in notice.left_out:
        assert item.asset_name not in said
        assert item.id not in said


@pytest.mark.parametrize("more", [{"orderable": False}, {"verdict": "waived"}, {"verdict": "unknown"}])
@pytest.mark.parametrize("consultation", [True, False])
def test_only_orderable_violations_get_in(
    notice: NoticeView, tmp_path: Path, more: dict[str, Any], consultation: bool
) -> None:
    items = (*notice.items, replace(notice.items[0], id="F-bad", **more))
    with pytest.raises(ValueError, match="F-bad"):
        render_notice(replace(notice, items=items, consultation=consultation), tmp_path / "x.docx")
    with pytest.raises(ValueError, match="at least one"):
        render_notice(replace(notice, items=(), consultation=consultation), tmp_path / "x.docx")
    assert list(tmp_path.iterdir()) == []


def test_a_quote_that_nobody_compared_is_not_quoted(notice: NoticeView, tmp_path: Path) -> None:
    basis = Basis("某办法", "", "第四条", "凭记忆写下的条文", verified=False)
    said = rendered(replace(notice, items=(replace(notice.items[0], basis=(basis,)),)), tmp_path)
    assert "凭记忆写下的条文" not in said
    assert "《某办法》第四条（条文待与正式文本核对，暂不引用）" in said


def test_an_order_to_a_contractor_is_not_sent_to_the_department(notice: NoticeView, tmp_path: Path) -> None:
    power = replace(notice.power, addressee="项目承建单位", form="限期整改")
    view = replace(notice, power=power, consultation=False)
    assert compose(paper_of(view))["addressee"] == "　　　　　　（项目承建单位，名称待填）"
    assert compose(paper_of(replace(view, addressee_name="某承建公司")))["addressee"] == "某承建公司"
    # The letter that asks to check the facts goes to the department all the same.
    assert compose(paper_of(replace(view, consultation=True)))["addressee"] == "示例市民政局"
    note = tmp_path / "note.docx"
    render_drafter_note(view, note)
    assert "不得直接发给部门" in text(note)


def test_many_objects_are_told_in_the_annex(notice: NoticeView, tmp_path: Path) -> None:
    many = tuple(replace(notice.items[0], id=f"F-{i:05d}", asset_name=f"系统{i}") for i in range(300))
    said = rendered(replace(notice, items=many), tmp_path)
    assert "等300项，逐项情况见附件1第1项至第300项。" in said
    assert all(f"F-{i:05d}" in said for i in range(300))


def test_a_computed_fact_claims_no_strength_and_dates_are_written_out(
    notice: NoticeView, city: Any, tmp_path: Path
) -> None:
    facts = (
        replace(city.fact("is_on_recognised_cloud", "在认可的云上", False, "否", "computed", ""), observed_at=None),
        city.fact("built_on", "建设日期", "2022-08-01", "2022-08-01", "registers/n.csv!4", "declared"),
    )
    said = rendered(replace(notice, items=(replace(notice.items[0], facts=facts),)), tmp_path)
    assert "在认可的云上为“否”（来源：由所列其他事实推定）" in said
    assert "建设日期为“2022年8月1日”" in said


# --- how it looks -------------------------------------------------------------------------------------------


def test_the_sheet_is_that_of_the_standard(drawn: Path) -> None:
    for section in Document(str(drawn)).sections:
        assert section.page_width is not None
        assert section.page_height is not None
        assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
        sides = (section.top_margin, section.left_margin, section.bottom_margin, section.right_margin)
        assert [round(side.mm) for side in sides if side is not None] == [37, 28, 35, 26]
        grid = section._sectPr.find(qn("w:docGrid"))
        assert grid is not None
        # 22 lines in 225 mm.
        assert abs(int(grid.get(qn("w:linePitch"))) * 22 / 20 - 225 / 25.4 * 72) < 1.5
    assert Document(str(drawn)).settings.odd_and_even_pages_header_footer


def test_the_same_view_gives_the_same_bytes(notice: NoticeView, tmp_path: Path) -> None:
    render_notice(notice, tmp_path / "a.docx")
    render_notice(notice, tmp_path / "b.docx")
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


def test_papers_are_their_owners_only_and_name_no_program_author(drawn: Path, notice: NoticeView) -> None:
    assert stat.S_IMODE(drawn.stat().st_mode) == 0o600
    core = Document(str(drawn)).core_properties
    assert core.author == notice.bureau
    assert "python-docx" not in core.comments
    # A draft has no day yet.
    assert core.created is None


# --- hostile values -----------------------------------------------------------------------------------------

HOSTILE = (
    "</w:t></w:r><w:r><w:br/>&evil;<script>",
    "\x00\x08\x0b\x1b[2J\ud800\ufffe\u202e倒",
    '=HYPERLINK("http://x","y")',
    "名" * 60_000,
    "{{ 7*7 }} {% for %}",
    "a\nb\r\nc\td",
    "",
)


def hostile_item(item: FindingView, value: str) -> FindingView:
    facts = tuple(
        replace(f, title=value, shown=value, source=value, strength=value, evidence=value, column=value)
        for f in item.facts
    )
    return replace(
        item,
        asset_name=value,
        title=value,
        remedy=value,
        consequence=value,
        deadline=value,
        subject=value,
        facts=facts,
        basis=(Basis(value, value, value, value), *item.basis),
    )


@pytest.mark.parametrize("consultation", [True, False])
@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_do_nothing(notice: NoticeView, tmp_path: Path, value: str, consultation: bool) -> None:
    view = replace(
        notice,
        bureau=value or "局",
        contact=value,
        snapshot=value,
        number=value,
        department=replace(notice.department, name=value),
        power=Power(value, value, value, value, value, value, None, value, (Consequence(value, value, value),)),
        items=tuple(hostile_item(item, value) for item in notice.items),
        left_out=tuple(hostile_item(item, value) for item in notice.left_out),
        consultation=consultation,
    )
    path, note = tmp_path / "paper.docx", tmp_path / "note.docx"
    render_notice(view, path)
    render_drafter_note(view, note, fonts=(value,))
    for written in (path, note):
        said = text(written)
        # No control character and no direction mark reaches the reader.
        assert not any(ord(c) < 0x20 and c != "\n" for c in said)
        assert "\u202e" not in said
        body = Document(str(written)).element.body
        # Cells of several lines break where composing says so, and nowhere else.
        fields = compose(paper_of(view)) if written == path else ""
        assert len(list(body.iter(f"{{{W}}}br"))) == json.dumps(fields, ensure_ascii=False).count("\\n")
        # Page numbers are the only fields, and they stand in the foot.
        assert not list(body.iter(f"{{{W}}}instrText"))
        assert len(said) < 60_000


# --- the drafter's note -------------------------------------------------------------------------------------


def test_the_note_tells_what_was_left_out_and_why(notice: NoticeView, tmp_path: Path) -> None:
    path = tmp_path / "note.docx"
    render_drafter_note(notice, path, fonts=("仿宋_GB2312",))
    said = text(path)
    for item in notice.left_out:
        assert item.id in said
        assert item.not_orderable_because[0] in said
    assert "未规定拒不整改的后果" in said
    assert "征求意见的期限没有法规依据，由签发人确定" in said
    assert "仿宋_GB2312（可用仿宋、FangSong代替）" in said
    assert all("内部工作底稿·不随文发送" in h for h in headers(path) if "<w:t" in h)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_note_with_nothing_left_out(notice: NoticeView, tmp_path: Path) -> None:
    render_drafter_note(replace(notice, left_out=()), tmp_path / "n.docx")
    assert "无。" in lines(tmp_path / "n.docx")


def test_the_note_stands_alone_where_nothing_can_be_ordered(notice: NoticeView, tmp_path: Path) -> None:
    render_drafter_note(replace(notice, items=()), tmp_path / "n.docx")
    assert "没有可列入的问题，未拟文稿" in lines(tmp_path / "n.docx")


# --- fonts --------------------------------------------------------------------------------------------------


def fake_fc_list(folder: Path, output: str, status: int = 0) -> None:
    program = folder / "fc-list"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {status}\n")
    program.chmod(0o755)


def test_missing_fonts_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_fc_list(tmp_path, "SimHei,黑体\n仿宋_GB2312,FangSong_GB2312\nDejaVu Sans")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert missing_fonts() == (fonts.TITLE, fonts.KAI, fonts.SONG)


def test_without_fc_list_all_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert missing_fonts() == tuple(fonts.FALLBACKS)


def test_asking_for_fonts_loads_no_document_library() -> None:
    code = (
        "import sys, reports.notice; sys.exit(any(m in sys.modules for m in ('docx', 'lxml', 'xlsxwriter', 'rich')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
