"""拟稿说明: what a person must settle, and what was left out and why; never part of a paper."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn

from policies.model import Basis
from reports.papers.drafter import render_drafter_note, unsettled
from reports.papers.sample import BREACH, sample
from reports.papers.view import Form


def text(path: Path) -> str:
    paragraphs = Document(str(path)).element.iter(qn("w:p"))
    return "\n".join("".join(t.text or "" for t in one.iter(qn("w:t"))) for one in paragraphs)


@pytest.mark.parametrize("form", Form)
def test_every_form_has_its_note(form: Form, tmp_path: Path) -> None:
    view = sample(form, issued=False)
    path = tmp_path / "note.docx"
    left = tuple(
        replace(item, id="F-left", not_orderable_because=("事实不明",)) for item in sample(Form.TASK).items[:1]
    )
    render_drafter_note(view, left, path, fonts=("仿宋_GB2312",), for_whom="法规科")
    said = text(path)
    assert "F-left" in said
    assert "事实不明" in said
    assert "仿宋_GB2312（可用仿宋、FangSong代替）" in said
    assert "法规科" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_qualified_and_nothing_left_out(tmp_path: Path) -> None:
    path = tmp_path / "note.docx"
    render_drafter_note(replace(sample(Form.TASK, issued=False), items=()), (), path)
    assert "没有可列入的问题，未拟文稿" in text(path)
    assert "无。" in text(path).splitlines()


def test_what_only_a_person_may_settle_is_listed_once() -> None:
    told = unsettled(replace(sample(Form.LETTER, issued=False), power=BREACH))
    assert "反馈期限：征求意见的期限没有法规依据，由签发人确定。" in told
    # The order that the letter announces lacks a time, too.
    assert "整改结果的报送期限：第二十三条未规定期限，由签发人确定。" in told
    assert "尚缺联系方式。" in told
    assert len(told) == len(set(told))


def test_the_articles_own_time_is_nobodys_to_settle() -> None:
    told = unsettled(sample(Form.TASK, issued=False))
    assert not any("报送期限" in line for line in told)
    assert any("第二十四条未规定拒不整改的后果，文稿不写后果" in line for line in told)


def test_an_unverified_clause_and_a_provisional_day_are_pointed_out() -> None:
    view = sample(Form.ORDER, provisional=True)
    basis = Basis("某办法", "", "第四条", "凭记忆", verified=False)
    told = "\n".join(unsettled(replace(view, items=tuple(replace(item, basis=(basis,)) for item in view.items))))
    assert "《某办法》第四条尚未与正式文本核对" in told
    assert "凭记忆" not in told
    assert "期限暂定：" in told
    assert "2027年1月6日" in told


def test_a_contractor_nobody_has_named() -> None:
    power = replace(BREACH, addressee="项目承建单位", over="contractor")
    told = unsettled(replace(sample(Form.ORDER, issued=False), power=power))
    assert "主送对象（项目承建单位）的名称：须人工填写，不得直接发给部门。" in told
