"""site.yaml: every fault at once, with its place and how to mend it."""

from __future__ import annotations

import ipaddress
from datetime import time
from pathlib import Path

import pytest

from auditor.site import load_site
from inventories.faults import Faults

GOOD = """\
site: test-city
name: 测试市
bureau: 测试市数据局
region: "140800"
packs: [yuncheng-2021]
zones:
  - id: mzj
    name: 民政局
    vantage: scanner
    department: mzj
    prefixes: [127.20.1.0/24]
    exclude: [{prefix: 127.20.1.200/32, reason: 老旧设备}]
    owners: [{prefix: 127.20.1.128/25, department: jtj}]
    profile: fast
    authorisations:
      - {document: 授权1号, approver: 分管领导, from: 2026-01-01, to: 2026-12-31, window: "22:00-06:00"}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    return folder


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        load_site(write(folder, text))
    return [str(fault).replace(str(folder) + "/", "") for fault in caught.value.faults]


def test_a_good_site_becomes_zones_and_scopes(tmp_path: Path) -> None:
    site = load_site(write(tmp_path, GOOD))
    (scope,) = site.scopes
    assert scope.zone.prefixes == (ipaddress.ip_network("127.20.1.0/24"),)
    assert scope.excluded == (ipaddress.ip_network("127.20.1.200/32"),)
    leave = scope.authorisations[0]
    assert leave.prefixes == scope.zone.prefixes
    assert leave.window is not None
    assert (leave.window.start, leave.window.end) == (time(22), time(6))
    assert site.places.owner("scanner", "127.20.1.130") == "jtj"
    assert site.places.owner("scanner", "127.20.1.3") == "mzj"
    assert site.places.owner("elsewhere", "127.20.1.3") == ""


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Faults, match="auditor init"):
        load_site(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "127.20.1.0/24]\n    exclude",
            "0.0.0.0/0]\n    exclude",
            "site.yaml:11:16: 0.0.0.0/0 is everything there is",
        ),
        ("127.20.1.0/24]\n    exclude", "127.0.0.0/8]\n    exclude", "more than the site's limit of 65536"),
        ("127.20.1.0/24]\n    exclude", "127.20.1.1/24]\n    exclude", "did you mean 127.20.1.0/24?"),
        ("127.20.1.0/24]\n    exclude", "--script=x]\n    exclude", "is no prefix"),
        ("profile: fast", "profile: fsat", "unknown profile 'fsat': did you mean 'fast'?"),
        ("approver: 分管领导, ", "", "site.yaml:16:9: the key 'approver' is missing"),
        ("vantage: scanner", "vantag: scanner", "unknown key 'vantag': did you mean 'vantage'?"),
        ('"22:00-06:00"', '"22:00-26:00"', "is no window"),
        ("to: 2026-12-31", "to: 2025-12-31", "ends before it begins"),
        ("127.20.1.200/32", "127.20.2.200/32", "lies in none of the zone's prefixes"),
        ("id: mzj", "id: ../mzj", "is not of the form"),
        ("department: mzj\n", "\n", ""),
        ("site: test-city", "site: test-city\nsite: again", "stands twice"),
        ("name: 测试市", "name: &a 测试市", "anchors and aliases are not allowed"),
        ("    name: 民政局", "\tname: 民政局", "a tab in the indentation"),
        ("packs: [yuncheng-2021]", "packs: [yuncheng-2021]\ntimezone: Asia/Nowhere", "unknown time zone"),
    ],
)
def test_each_fault_names_its_place(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    if not told:
        # Owners alone are enough to say whose a zone is.
        load_site(write(tmp_path, GOOD.replace(old, new)))
        return
    assert any(told in fault for fault in faults_of(tmp_path, GOOD.replace(old, new)))


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("profile: fast", "profile: fsat").replace("to: 2026-12-31", "to: 2025-12-31")
    assert len(faults_of(tmp_path, text)) == 2


def test_prefixes_may_repeat_across_vantages_and_not_overlap_within_one(tmp_path: Path) -> None:
    second = "  - {id: two, name: 二, vantage: VANTAGE, department: jtj, prefixes: [127.20.1.0/25]}\n"
    load_site(write(tmp_path, GOOD + second.replace("VANTAGE", "other")))
    told = faults_of(tmp_path, GOOD + second.replace("VANTAGE", "scanner"))
    assert any("127.20.1.0/25 overlaps 127.20.1.0/24 of zone 'mzj'" in fault for fault in told)


def test_nobody_owns_a_zone_without_department(tmp_path: Path) -> None:
    text = GOOD.replace("    department: mzj\n", "").replace(
        "    owners: [{prefix: 127.20.1.128/25, department: jtj}]\n", ""
    )
    assert any("nobody owns" in fault for fault in faults_of(tmp_path, text))
