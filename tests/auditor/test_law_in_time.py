"""Several regulations at once, each by its own time and place, and what a finding cites on the date of the fact."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from auditor.ending import main
from auditor.intake import packs_in_force
from auditor.judging import judge
from auditor.ledger.life import Life, State
from auditor.ledger.records import FindingRow
from auditor.site import Site, load_site
from auditor.views import finding_view, rule_views, rules_of
from inventories.faults import Faults
from inventories.model import Asset, Collection, KeyMap
from inventories.reconcile import Reconciled
from policies.model import Pack

SITE = """\
site: test-city
name: 测试市
bureau: 测试市数据局
region: "{region}"
packs:
  - country
  - city-2020
  - {county}
zones: []
"""
HEAD = """\
pack: {id}
title: {title}
number: {number}
issuer: 某机关
region: "{region}"
in_force: {force}
articles: 9
text: {{verified: true}}
scope: {{article: 第一条, text: 适用于本地各部门}}
recognised_levels: [city]
"""
RULES = """\
rules:
  - id: on-cloud
    title: 系统未上云
    article: 第二条
    quote: 应当迁移上云
    subject: system
    applies: status = 'running'
    violation: not is_on_recognised_cloud
    severity: high
    bite: reminder
    remedy: 迁移上云
"""
TEXT = "articles: {第二条: 各部门系统应当迁移上云。}\n"
COUNTRY = """\
laws:
  act-2016: {title: 示例法, number: 第1号令, in_force: {from: 2017-06-01, to: 2025-12-31}}
  act-2025: {title: 示例法, number: 第2号令, in_force: {from: 2026-01-01}}
rules:
  - id: filing
    title: 未备案
    law: act-2016
    article: 第二十一条
    quote: 实行等级保护制度
    cites: [{law: act-2025, article: 第二十三条, quote: 实行等级保护制度}]
    dated_by: mlps_graded_on
    subject: system
    applies: mlps_graded_on <= as_of
    violation: mlps_filing_absent
    severity: high
    bite: referral
    refer_to: 公安机关
    remedy: 办理备案
"""
LAWS_TEXT = "laws:\n  act-2016: {第二十一条: 实行等级保护制度。}\n  act-2025: {第二十三条: 实行等级保护制度。}\n"
AT = datetime(2026, 6, 30, 4, tzinfo=UTC)
CHINA = ZoneInfo("Asia/Shanghai")


def write_pack(root: Path, name: str, head: dict[str, str], rules: str, text: str, more: str = "") -> None:
    folder = root / "packs" / name
    folder.mkdir(parents=True)
    content = HEAD.format(id=name, title=f"{name}办法", number=f"示例〔{name}〕", **head) + more + rules
    if "laws:" in rules:
        content = content.replace("articles: 9\n", "").replace("article: 第一条, ", "")
    (folder / "pack.yaml").write_text(content, encoding="utf-8")
    (folder / "text.yaml").write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def site_with(tmp_path: Path, region: str = "140800", county: str = "county-2022") -> Path:
    root = tmp_path / "site"
    root.mkdir()
    (root / "site.yaml").write_text(SITE.format(region=region, county=county), encoding="utf-8")
    write_pack(root, "country", {"region": "000000", "force": "{from: 2017-06-01}"}, COUNTRY, LAWS_TEXT)
    write_pack(root, "city-2020", {"region": "140800", "force": "{from: 2020-01-01, years: 5}"}, RULES, TEXT)
    write_pack(root, "county-2022", {"region": "140881", "force": "{from: 2022-01-01}"}, RULES, TEXT)
    write_pack(root, "elsewhere-2022", {"region": "440303", "force": "{from: 2022-01-01}"}, RULES, TEXT)
    return root


def audited(root: Path) -> Site:
    site = load_site(root)
    system = {
        "key": "s-1",
        "name": "系统",
        "department_id": "mzj",
        "region": "140881",
        "status": "running",
        "hosting": ("own_room",),
        "mlps_graded_on": date(2024, 5, 1),
        "mlps_filing_absent": True,
    }
    assets = (Asset("system", "s-1", (), system),)
    site.state.mkdir(mode=0o700)
    judge(
        site,
        "run-1",
        packs=packs_in_force(site),
        reconciled=Reconciled(assets, KeyMap()),
        collected=Collection(),
        at=AT,
    )
    return site


def violations(root: Path, as_of: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(["evaluate", "--site", str(root), "--as-of", as_of, "--json"]) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert body["as_of"] == as_of
    return [found["rule"] for found in body["violations"]]


def test_each_pack_judges_in_its_own_time_and_one_fact_may_break_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = site_with(tmp_path)
    audited(root)
    country, city, county = "country/filing", "city-2020/on-cloud", "county-2022/on-cloud"
    for as_of, wanted in {
        "2019-12-31": [],
        "2020-01-01": [city],
        "2022-01-01": [city, county],
        "2024-05-01": [city, country, county],
        "2024-12-31": [city, country, county],
        "2025-01-01": [country, county],  # five years are over
        "2026-06-30": [country, county],
    }.items():
        assert sorted(violations(root, as_of, capsys)) == sorted(wanted), as_of


def test_a_pack_for_another_region_is_a_fault_of_the_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = site_with(tmp_path, county="elsewhere-2022")
    with pytest.raises(Faults) as caught:
        packs_in_force(load_site(root))
    (fault,) = caught.value.faults
    assert fault.where == f"{root / 'site.yaml'}:8:5"
    assert "elsewhere-2022 is for 440303, and this site for 140800" in fault.what
    assert main(["check", "--site", str(root)]) == 2
    assert "site.yaml:8:5" in "".join(capsys.readouterr())


def test_a_county_within_the_city_and_the_country_around_it_are_no_other_region(tmp_path: Path) -> None:
    assert len(packs_in_force(load_site(site_with(tmp_path, region="140881")))) == 3


# --- what a finding cites -----------------------------------------------------------------------------------


def row(confirmed: datetime, graded: str | None) -> FindingRow:
    facts = () if graded is None else ({"column": "mlps_graded_on", "value": graded, "source": "registers/systems"},)
    return FindingRow(
        id="F1",
        rule="country/filing",
        kind="system",
        asset_key="s-1",
        asset_name="系统",
        department_id="mzj",
        department_name="民政局",
        zone="",
        severity="high",
        bite="referral",
        life=Life(State.OPEN),
        note="",
        opened_at=confirmed,
        last_confirmed_at=confirmed,
        resolved_at=None,
        snapshot_first="a",
        snapshot_last="a",
        facts=facts,
    )


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Pack, ...]:
    return packs_in_force(load_site(site_with(tmp_path)))


@pytest.mark.parametrize(
    ("confirmed", "graded", "article"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), "2025-12-31", "第二十一条"),
        (datetime(2026, 6, 1, tzinfo=UTC), "2026-01-01", "第二十三条"),
        # Before any of its laws, or not dated at all: the day on which the facts were last confirmed.
        (datetime(2026, 6, 1, tzinfo=UTC), "2010-01-01", "第二十三条"),
        (datetime(2025, 6, 1, tzinfo=UTC), None, "第二十一条"),
        # The site's midnight, not Greenwich's.
        (datetime(2025, 12, 31, 15, 59, tzinfo=UTC), None, "第二十一条"),
        (datetime(2025, 12, 31, 16, 0, tzinfo=UTC), None, "第二十三条"),
    ],
)
def test_a_finding_cites_the_law_of_the_date_of_the_fact(
    packs: tuple[Pack, ...], confirmed: datetime, graded: str | None, article: str
) -> None:
    view = finding_view(row(confirmed, graded), rules_of(packs), now=AT, timezone=CHINA)
    assert [basis.article for basis in view.basis] == [article]
    assert "属公安机关职权，应移送处理" in view.not_orderable_because


def test_rules_are_listed_with_what_they_cite_on_the_day(packs: tuple[Pack, ...]) -> None:
    for day, number in ((date(2025, 12, 31), "第1号令"), (date(2026, 1, 1), "第2号令")):
        (view,) = [view for view in rule_views(packs, day) if view.rule == "country/filing"]
        assert [basis.number for basis in view.basis] == [number]
