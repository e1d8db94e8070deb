"""Before a paper is signed everything is asked again: what no longer bears it is refused, with the reasons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from auditor.errors import Refused
from auditor.ledger.life import Sight
from inventories.snapshot import digest_of
from reports.papers.view import Form
from tests.auditor.cases.office import CATALOGUE, DRAFTER, FILING, MIGRATE, REVIEWER, SIGNER, WRONGS, Office

REST = tuple(pair for pair in WRONGS if pair != (MIGRATE, "S1"))


def resolved(office: Office) -> None:
    office.later(days=1)
    office.again(*REST, S1=Sight.COMPLIANT)


def gone_stale(office: Office) -> None:
    office.later(days=1)
    office.again(*REST)


def waived(office: Office) -> None:
    office.later(days=1)
    office.audit(*WRONGS, waived={(MIGRATE, "S1"): "HM-1"})


def dismissed(office: Office) -> None:
    office.ledger.dismiss(office.finding(MIGRATE, "S1").id, ground="登记有误", by=REVIEWER, at=office.now)


def aged(office: Office) -> None:
    office.later(days=28)


def weakened(office: Office) -> None:
    office.wrong(MIGRATE, "S1", "mzj", "救助系统", strength="hinted")
    office.later(days=1)
    office.again(*WRONGS)


def handed_over(office: Office) -> None:
    office.wrong(MIGRATE, "S1", "czj", "救助系统")
    office.later(days=1)
    office.again(*WRONGS)


CHANGES: dict[str, tuple[Callable[[Office], None], str]] = {
    "resolved": (resolved, "已销号或已排除"),
    "stale": (gone_stale, "本次审计未能再次确认，依据已过时"),
    "waived": (waived, "不是违反情形"),
    "dismissed": (dismissed, "已销号或已排除"),
    "aged": (aged, "的依据已有31天，超过30天"),
    "weakened": (weakened, "仅有“线索”级依据"),
    "handed over": (handed_over, "所属部门已变更"),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("reviewed", [False, True], ids=["at review", "at issue"])
def test_what_changed_since_the_draft_is_refused_with_its_reason(office: Office, what: str, reviewed: bool) -> None:
    change, said = CHANGES[what]
    (case,) = office.draft(findings=[office.finding(MIGRATE, "S1").id, office.finding(MIGRATE, "S2").id]).cases
    finding = office.finding(MIGRATE, "S1").id
    if reviewed:
        office.review(case.id)
    change(office)
    before = office.dump()
    with pytest.raises(Refused) as refused:
        if reviewed:
            office.issue(case.id, "15d")
        else:
            office.review(case.id)
    words = "\n".join(refused.value.lines)
    assert "of its items may not stand in it any more" in words
    assert f"{finding} 救助系统：" in words and said in words
    assert "'auditor case draft' draws it up again" in words
    assert office.dump() == before
    # Drawn up again without it, the rest can go out (what has aged needs another look first).
    if what != "aged":
        office.draft(departments=["mzj"])
        again = office.case(case.id)
        assert {item.asset_name: item.state.value for item in again.items} == {
            "救助系统": "dropped",
            "婚姻登记系统": "listed",
        }
        paper = office.out(case.id, "15d")
        assert "婚姻登记系统" in str(paper.fields) and "救助系统" not in str(paper.fields)
    assert office.faults() == []


@pytest.mark.parametrize(("rule", "form"), [(CATALOGUE, "reminder"), (FILING, "referral")])
def test_reminders_and_referrals_are_asked_again_too(office: Office, rule: str, form: str) -> None:
    (case,) = office.draft(forms=[form]).cases
    office.review(case.id)
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != rule))
    with pytest.raises(Refused, match="依据已过时"):
        office.issue(case.id)


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"contact": ""}, "联系方式"),
        ({"contact": "  "}, "联系方式"),
    ],
)
def test_a_blank_is_refused_and_named(office: Office, changes: dict[str, Any], lacks: str) -> None:
    (case, *_) = office.draft().cases
    office.review(case.id)
    office.write_site(**changes)
    before = office.dump()
    with pytest.raises(Refused, match=f"cannot be signed while it lacks: {lacks}"):
        office.issue(case.id, "15d")
    assert office.dump() == before


def test_a_form_without_a_word_for_its_number_is_refused(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.review(case.id)
    office.write_site(documents={"words": {}})
    with pytest.raises(Refused, match="needs the bureau's word for its number"):
        office.issue(case.id, "15d")
    assert office.papers() == ()


def test_what_was_signed_stays_word_for_word(office: Office) -> None:
    """Later audits, another contact, another name of the bureau: an issued paper is what was signed."""
    (case,) = [case for case in office.draft().cases if len(case.items) == 2]
    paper = office.out(case.id, "15d")
    office.later(days=3)
    office.wrong(MIGRATE, "S1", "mzj", "改名的系统")
    office.again(*WRONGS)
    office.write_site(contact="另一科室", bureau="另一个局")
    office.serve(case.id)
    office.reply(case.id)
    (kept,) = office.papers(case.id)
    assert kept.fields == paper.fields
    assert "改名的系统" not in str(kept.fields)


def test_a_paper_says_what_it_rests_on(office: Office) -> None:
    """Snapshot and digest, source and day, article and words of the clause: how we know."""
    (case,) = [case for case in office.draft().cases if len(case.items) == 2]
    paper = office.out(case.id, "15d")
    words = str(paper.fields)
    assert digest_of(office.root / "state" / "snapshots" / case.snapshot) in words
    assert case.snapshot in words
    for said in ("第三十三条", "应向市级政务云平台迁移", "自建机房", "网络探测", "2026年11月20日"):
        assert said in words, said


def test_the_trail_tells_who_did_what_and_holds_the_words(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.review(case.id, note="已核对证据")
    paper = office.issue(case.id, "15d")
    drafted, reviewed, issued = office.steps(case.id)
    assert [step.act for step in (drafted, reviewed, issued)] == ["case.draft", "case.review", "case.issue"]
    assert [step.actor for step in (drafted, reviewed, issued)] == [DRAFTER, REVIEWER, SIGNER]
    assert reviewed.note == "已核对证据"
    assert dict(issued.detail)["number"] == paper.number
    assert all(step.login for step in office.steps())


def test_a_second_notice_is_never_in_the_first_round(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    for act in (office.second, office.escalate):
        with pytest.raises(Refused, match="which orders nothing"):
            act(case.id)


def test_a_reviewer_sees_what_the_signer_signs(office: Office) -> None:
    """A draft that is drawn up again with other items needs another review."""
    (case,) = office.draft(findings=[office.finding(MIGRATE, "S1").id]).cases
    office.review(case.id)
    office.draft()
    with pytest.raises(Refused, match="is draft, so it cannot be issued"):
        office.issue(case.id, "15d")


def test_the_last_look_is_the_newest_audits(office: Office) -> None:
    (case, *_) = [one for one in office.draft().cases if one.form is Form.LETTER]
    first = case.snapshot
    office.now += timedelta(days=2)
    office.again(*WRONGS)
    paper = office.out(case.id, "15d")
    newest = office.desk().newest.audit.snapshot
    assert newest != first
    assert newest in str(paper.fields["evidence"])
