"""``report``: the newest audit as a page and as figures, of everybody or of one department only."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from auditor.commands import report
from auditor.commands.report import POINTS, department_of, spread, zones_of
from auditor.errors import Refused
from auditor.intake import open_ledger
from auditor.ledger import history, history_tables
from auditor.site import load_site
from reports.html.document import document
from reports.html.figures import figures
from reports.model import CaseView, DepartmentView
from tests.auditor.conftest import City
from tests.reports.conftest import audit_view
from tests.reports.html.cities import AT, made_up
from tests.reports.html.reading import read, rows

DOCS = Path(__file__).parents[2] / "docs" / "report.md"
SITE = """
site: tiny
name: 小市
bureau: 小市数据局
region: '152501'
packs: [erenhot]
zones:
  - {id: a, name: 民政局办公网, vantage: here, department: mzj, prefixes: [10.1.0.0/24]}
  - {id: b, name: 财政局办公网, vantage: here, department: czj, prefixes: [10.2.0.0/24]}
  - id: c
    name: 财政局和民政局合用网
    vantage: here
    department: czj
    prefixes: [10.3.0.0/24]
    owners: [{prefix: 10.3.0.128/25, department: mzj}]
  - {id: d, name: 市级政务云, vantage: here, kind: government_cloud, prefixes: [10.4.0.0/24]}
"""


def systems(city: City) -> None:
    city.registers("市民政局,MZ-1,婚姻登记系统,运行,自建机房,", "市民政局,MZ-2,殡葬管理系统,运行,,")
    city.register(
        "departments",
        "部门编号,部门名称,行政区划代码,政府层级",
        "mzj,市民政局,140800,市级",
        "czj,市财政局,140800,市级",
    )
    rows = "所属部门,系统编号,系统名称,系统状态,部署位置,IP地址"
    told = (
        "市民政局,MZ-1,婚姻登记系统,运行,自建机房,",
        "市民政局,MZ-2,殡葬管理系统,运行,,",
        "市财政局,CZ-1,非税系统,运行,自建机房,",
    )
    city.register("systems", rows, *told)


def test_the_newest_audit_as_a_page_and_as_figures(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    systems(city)
    city.listen(1, "婚姻登记")
    city.site(city.zone())
    file = city.root / "report.html"
    with pytest.raises(Refused, match="nothing was audited yet"):
        report.html(city.root, file)
    assert not file.exists()
    city.audit()

    done = city.run("report", "html", str(file), "--for", "市人民政府办公室")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    page = read(file.read_text(encoding="utf-8"))
    assert "供市人民政府办公室使用" in page.text and "小市数据局" in page.text
    rates = {row["部门"]: row["上云率"] for row in rows(page, "各部门上云率")}
    assert rates == {"1 市民政局 市级": "0.0%～50.0%", "2 市财政局 市级": "0.0%"}

    told = progress(city, capsys)
    assert told["migration"]["in_scope"] == 3
    assert (told["migration"]["off_cloud"], told["migration"]["not_known"]) == (2, 1)
    assert [one["id"] for one in told["departments"]] == ["mzj", "czj"]
    live = [f for f in city.findings() if f["state"] in ("open", "reopened", "stale")]
    assert told["findings"]["live"] + told["findings"]["leads"] == len(live) > 0
    assert report.progress(city.root) == 0
    assert "上云率　0.0%～33.3%" in capsys.readouterr().out

    assert report.html(city.root, city.root / "own.htm", department="市民政局") == 0
    words = (city.root / "own.htm").read_text(encoding="utf-8")
    assert "婚姻登记系统" in words and "非税系统" not in words and "市财政局" not in words
    mine = progress(city, capsys, department="mzj")
    assert (mine["department"], [one["id"] for one in mine["departments"]]) == ("市民政局", ["mzj"])

    with pytest.raises(Refused, match=r"no \.html file"):
        report.html(city.root, city.root / "x.pdf")
    with pytest.raises(Refused, match="did you mean '市民政局'"):
        report.html(city.root, city.root / "y.html", department="市民正局")
    assert not (city.root / "x.pdf").exists() and not (city.root / "y.html").exists()
    # What the ledger keeps of the past.
    keep_some_days(city)
    trend = [
        (one["day"], one["on_cloud"], one["not_known"], one["in_scope"]) for one in progress(city, capsys)["trend"]
    ]
    assert trend == [("2026-01-05", 0, 1, 3), ("2026-01-06", 0, 1, 3), ("2026-01-07", 1, 0, 3)]
    mine = progress(city, capsys, department="mzj")
    assert [(one["on_cloud"], one["in_scope"]) for one in mine["trend"]] == [(0, 2), (0, 2), (1, 2)]


def progress(city: City, capsys: pytest.CaptureFixture[str], department: str = "") -> dict[str, Any]:
    capsys.readouterr()
    assert report.progress(city.root, department=department, as_json=True) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


def keep_some_days(city: City) -> None:
    """Two days of history instead of what there was; on the second of them a system has come on the cloud."""

    def series(department: str, hosting: str) -> tuple[tuple[str, str], ...]:
        return (("department", department), ("hosting", hosting), ("status", "running"))

    scope = {(("department", "mzj"),): 2.0, (("department", "czj"),): 1.0}
    off = {series("czj", "own_room"): 1.0, series("mzj", "own_room"): 1.0}
    days = {
        date(2026, 1, 5): {**off, series("mzj", "not_known"): 1.0},
        date(2026, 1, 7): {**off, series("mzj", "gov_cloud"): 1.0},
    }
    with open_ledger(load_site(city.root)) as ledger, ledger.writing() as connection:
        connection.execute(delete(history_tables.history))
        for day, standing in days.items():
            history.note(connection, day, {"auditor_systems": standing, "auditor_systems_in_scope": scope})


# --- who is meant -------------------------------------------------------------------------------------------


def test_a_department_by_id_or_name() -> None:
    view = audit_view(cases=(CaseView("C1", "served", "order", "gone", "示例市原广播电视局"),))
    assert department_of(view, "mzj") == "mzj"
    assert department_of(view, " 示例市民政局 ") == "mzj"
    assert department_of(view, "示例市原广播电视局") == "gone"
    with pytest.raises(Refused, match="did you mean"):
        department_of(view, "示例市民政厅")
    with pytest.raises(Refused, match="knows no such department"):
        department_of(view, "\x1b[31m")
    twice = replace(view, departments=(*view.departments, DepartmentView("x", "示例市民政局")))
    with pytest.raises(Refused, match="may mean any of mzj, x"):
        department_of(twice, "示例市民政局")


def test_zones_that_are_others_too_are_told_without_their_names(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    site, view = load_site(tmp_path), audit_view()
    told = zones_of(site, view, "mzj")
    assert told == {"a": "民政局办公网", "c": "共用网络区域1"}
    in_cloud = replace(view, assets=tuple(replace(asset, zone="d") for asset in view.assets))
    assert zones_of(site, in_cloud, "mzj")["d"] == "共用云平台网络区域1"
    assert zones_of(site, view, "czj") == {"b": "财政局办公网", "c": "共用网络区域1"}


@pytest.mark.parametrize(("days", "number"), [(0, 1), (1, 2), (5, 6), (12, 13), (400, POINTS)])
def test_days_of_the_past_are_spread_evenly(days: int, number: int) -> None:
    first = date(2026, 1, 1)
    last = date.fromordinal(first.toordinal() + days)
    found = spread(first, last)
    assert (len(found), found[0], found[-1]) == (number, first, last)
    gaps = {(b - a).days for a, b in pairwise(found)}
    assert not gaps or max(gaps) - min(gaps) <= 1


# --- what is documented -------------------------------------------------------------------------------------


def test_every_key_of_the_document_is_documented() -> None:
    view = made_up(4, 20)
    body = document(view, figures(view, AT), AT)
    documented = set(re.findall(r"`([a-z_0-9]+)`", DOCS.read_text(encoding="utf-8")))
    assert _keys(body) <= documented


def _keys(body: object, *, free: bool = False) -> set[str]:
    """Names of fields; what is counted by code has codes for names, which are the metrics' labels."""
    counted = (
        "excluded_by_reason",
        "components_validity",
        "by_state",
        "stages",
        "within",
        "rooms",
        "networks",
        "papers",
    )
    match body:
        case dict():
            own = set() if free else set(body)
            return own.union(*(_keys(value, free=free or key in counted) for key, value in body.items()))
        case list():
            return set().union(*(_keys(one) for one in body[:1]))
        case _:
            return set()
