"""Powers over contractors (咸阳 第四十三条, 二连浩特 第二十八条): the paper names the unit that builds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import Refused
from reports.papers.view import Form
from tests.auditor.cases.office import SITE, Office

CONFIRMED = {"confirmed_wording": {"by": "法规科", "on": "2026-10-08", "document": "核对记录1号"}}
WARRANTY, ON_CLOUD, CHANGE = "xianyang/warranty", "erenhot/on-city-cloud", "erenhot/change-approved"


def elsewhere(root: Path, pack: str, region: str, **more: Any) -> Office:
    root.mkdir()
    office = Office(root)
    settings = {pack: {"in_force_from": "2024-01-01", **CONFIRMED}}
    office.write_site({**SITE, "packs": [pack], "region": region, "pack_settings": settings, **more})
    return office


@pytest.fixture
def xianyang(tmp_path: Path) -> Iterator[Office]:
    office = elsewhere(tmp_path / "site", "xianyang", "610400", consultation=False)
    office.department("mzj", "市民政局")
    office.department("jtj", "市交通局")
    for key, department, builder in (
        ("P1", "mzj", "示例信息技术有限公司"),
        ("P2", "mzj", "示例网络工程公司"),
        ("P3", "mzj", "示例信息技术有限公司"),
        ("P4", "mzj", ""),
        ("P5", "jtj", "示例信息技术有限公司"),
    ):
        named = {"contractor": builder} if builder else {}
        office.wrong(WARRANTY, key, department, f"项目{key}", code=key, **named)
    office.audit(*((WARRANTY, f"P{n}") for n in range(1, 6)))
    yield office
    office.close()


def test_one_case_for_each_contractor_of_each_department(xianyang: Office) -> None:
    made = xianyang.draft()
    assert sorted(
        (case.department_id, case.addressee, [item.asset_name for item in case.items], case.form.value)
        for case in made.cases
    ) == [
        ("jtj", "示例信息技术有限公司", ["项目P5"], "order"),
        ("mzj", "", ["项目P4"], "order"),
        ("mzj", "示例信息技术有限公司", ["项目P1", "项目P3"], "order"),
        ("mzj", "示例网络工程公司", ["项目P2"], "order"),
    ]


def test_the_paper_addresses_the_contractor_by_name(xianyang: Office) -> None:
    (case,) = [one for one in xianyang.draft().cases if len(one.items) == 2]
    paper = xianyang.out(case.id, "30d")
    assert paper.fields["addressee"] == "示例信息技术有限公司"
    assert "市民政局" not in str(paper.fields["addressee"])


def test_an_unknown_contractor_is_refused_at_issue_and_nobody_is_put_in_its_place(xianyang: Office) -> None:
    (case,) = [one for one in xianyang.draft().cases if one.addressee == ""]
    xianyang.review(case.id)
    before = xianyang.dump()
    with pytest.raises(Refused, match="主送对象（承揽信息化工程的单位）的名称"):
        xianyang.issue(case.id, "30d")
    assert xianyang.dump() == before
    # The register is completed: the case is drawn up anew for whoever it names.
    xianyang.wrong(WARRANTY, "P4", "mzj", "项目P4", code="P4", contractor="示例软件公司")
    xianyang.later(days=1)
    xianyang.again(*((WARRANTY, f"P{n}") for n in range(1, 6)))
    made = xianyang.draft()
    assert case.id in made.withdrawn
    (named,) = [one for one in made.cases if one.addressee == "示例软件公司"]
    xianyang.out(named.id, "30d")


def test_a_contractor_that_changed_since_the_draft_is_noticed_at_issue(xianyang: Office) -> None:
    (case,) = [one for one in xianyang.draft().cases if one.addressee == "示例网络工程公司"]
    xianyang.review(case.id)
    xianyang.wrong(WARRANTY, "P2", "mzj", "项目P2", code="P2", contractor="接手公司")
    xianyang.later(days=1)
    xianyang.again(*((WARRANTY, f"P{n}") for n in range(1, 6)))
    with pytest.raises(Refused, match="承建单位已变更"):
        xianyang.issue(case.id, "30d")


def test_the_letter_before_it_asks_the_department(xianyang: Office) -> None:
    xianyang.write_site({**SITE, "packs": ["xianyang"], "region": "610400"}, pack_settings={
        "xianyang": {"in_force_from": "2024-01-01", **CONFIRMED}
    })  # fmt: skip
    made = xianyang.draft()
    assert {(case.form, case.addressee) for case in made.cases} == {
        (Form.LETTER, "市民政局"),
        (Form.LETTER, "市交通局"),
    }


@pytest.fixture
def erenhot(tmp_path: Path) -> Iterator[Office]:
    office = elsewhere(tmp_path / "site", "erenhot", "152501", consultation=False)
    office.department("mzj", "市民政局")
    office.wrong(CHANGE, "P1", "mzj", "政务平台项目", code="XM-1", contractor="示例信息技术有限公司")
    office.wrong(ON_CLOUD, "S1", "mzj", "政务平台", project_code="XM-1")
    office.wrong(ON_CLOUD, "S2", "mzj", "无项目的系统")
    office.audit((CHANGE, "P1"), (ON_CLOUD, "S1"), (ON_CLOUD, "S2"))
    yield office
    office.close()


def test_a_system_is_built_by_whoever_builds_its_project(erenhot: Office) -> None:
    made = erenhot.draft()
    assert {(case.addressee, tuple(sorted(item.asset_name for item in case.items))) for case in made.cases} == {
        ("示例信息技术有限公司", ("政务平台", "政务平台项目")),
        ("", ("无项目的系统",)),
    }
    (case,) = [one for one in made.cases if one.addressee]
    paper = erenhot.out(case.id, "20d")
    assert paper.fields["addressee"] == "示例信息技术有限公司"


def test_names_from_a_register_stay_words(erenhot: Office) -> None:
    for number, name in enumerate(("{{ 7*7 }}", "<w:p>公司</w:p>", "=cmd|' /C calc'!A0", "𠮷田公司", "长" * 80)):
        erenhot.wrong(CHANGE, f"H{number}", "mzj", f"项目{number}", code=f"H-{number}", contractor=name)
    erenhot.later(hours=1)
    erenhot.audit((CHANGE, "P1"), (ON_CLOUD, "S1"), (ON_CLOUD, "S2"), *((CHANGE, f"H{n}") for n in range(5)))
    made = {case.addressee: case.id for case in erenhot.draft().cases}
    for name in ("{{ 7*7 }}", "<w:p>公司</w:p>", "=cmd|' /C calc'!A0", "𠮷田公司", "长" * 80):
        assert erenhot.out(made[name], "20d").fields["addressee"] == name
    assert erenhot.type("case", "list") == 0
    assert erenhot.type("notice", "render", made["{{ 7*7 }}"]) == 0
    assert erenhot.faults() == []
