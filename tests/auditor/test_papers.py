"""Which paper a finding goes into: one per department, authority, addressee and form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.papers import _named, contractors, notices_of
from auditor.site import Site, load_site
from policies.model import Pack, Power
from policies.pack import load_packs
from reports.model import AssetView, AuditView, DepartmentView, FindingView
from tests.reports.conftest import audit_view, finding

SITE = "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '152501'\npacks: [erenhot]\nzones: []\n"
MENDS = ("erenhot/change-filed", "erenhot/three-sync", "erenhot/on-city-cloud", "erenhot/shared")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    return load_site(tmp_path)


def project(key: str, department: str, **values: object) -> AssetView:
    return AssetView("project", key, key, department, department, "", values)


def system(key: str, department: str, **values: object) -> AssetView:
    return AssetView("system", key, key, department, department, "", values)


ASSETS = (
    project("j-1", "mzj", code="P-1", contractor=" 甲公司 "),
    project("j-2", "mzj", code="P-2", contractor="乙公司/../../etc"),
    project("j-3", "jtj", code="P-1", contractor="丙公司"),
    project("j-4", "mzj", contractor="无编号项目的公司"),
    system("s-1", "mzj", project_code="P-1"),
    system("s-2", "mzj", project_code="P-2"),
    system("s-3", "mzj", project_code="P-9"),
    system("s-4", "mzj"),
)


def test_a_systems_contractor_is_its_own_departments_projects() -> None:
    assert contractors(ASSETS) == {
        "j-1": "甲公司",
        "j-2": "乙公司/../../etc",
        "j-3": "丙公司",
        "j-4": "无编号项目的公司",
        "s-1": "甲公司",
        "s-2": "乙公司/../../etc",
    }


def given(*keys: str) -> tuple[AuditView, tuple[Pack, ...]]:
    (pack,) = load_packs(["erenhot"])
    one = finding(1, "migrate-to-cloud", "mzj", "某系统")
    found: list[FindingView] = [
        replace(one, id=f"F-{number}", rule=MENDS[number % len(MENDS)], asset_key=key, department_id="mzj")
        for number, key in enumerate(keys)
    ]
    view = audit_view(findings=tuple(found), assets=ASSETS, departments=(DepartmentView("mzj", "市民政局"),))
    return view, (pack,)


def test_each_contractor_has_a_paper_and_those_nobody_knows_share_one(site: Site) -> None:
    view, packs = given("j-1", "s-1", "j-2", "s-3", "s-4")
    papers = list(_named(notices_of(site, view, packs)))
    assert [(name, paper.addressee_name, {f.asset_key for f in paper.items}) for name, paper in papers] == [
        ("mzj-contractor-mends", "乙公司/../../etc", {"j-2"}),
        ("mzj-contractor-mends-2", "甲公司", {"j-1", "s-1"}),
        ("mzj-contractor-mends-3", "", {"s-3", "s-4"}),
    ]


def test_a_power_over_the_department_is_one_paper_whoever_built(site: Site) -> None:
    view, (pack,) = given("j-1", "s-1", "j-2")
    (power,) = pack.powers.values()
    own: Power = replace(power, over="department")
    rules = tuple(replace(rule, power=own) if rule.power is not None else rule for rule in pack.rules)
    (paper,) = notices_of(site, view, (replace(pack, powers={own.id: own}, rules=rules),))
    assert paper.addressee_name == "" and len(paper.items) == 3


def test_packs_that_call_their_powers_alike_do_not_write_over_each_other(site: Site) -> None:
    view, (pack,) = given("j-1")
    other = replace(pack, id="other", rules=tuple(replace(rule, pack="other") for rule in pack.rules))
    again = tuple(replace(one, rule=one.rule.replace("erenhot/", "other/")) for one in view.findings)
    both = replace(view, findings=(*view.findings, *again))
    names = [name for name, _paper in _named(notices_of(site, both, (pack, other)))]
    assert names == ["mzj-contractor-mends", "mzj-contractor-mends-2"]
