"""The demonstration, and that the whole audit tells the example's story: whom it accuses, and whom it must not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from auditor.city.example import write_example

#: (rule, asset) of every violation that is planted: nothing else may be one.
PLANTED = {
    ("migrate-to-cloud", "社会救助管理信息系统"),
    ("migrate-to-cloud", "出租汽车监管系统"),
    ("old-environment-still-running", "道路运输管理系统"),
    ("data-sharing", "道路运输管理系统"),
    ("no-new-dedicated-network", "超限检测专网"),
    ("industry-cloud-merged", "示例市交通运输行业云"),
    ("no-build-before-approval", "就业创业服务平台"),
    ("catalogue-filed", "社会保险网上经办系统"),
    ("use-cloud-catalogue", "不动产登记应用服务器"),
    ("registered", "基层卫生绩效考核平台"),
    ("no-county-cloud", "示例县城市大脑云平台"),
    ("county-migration", "示例县政务服务一窗受理系统"),
    ("county-migration", "示例县城市管理信息系统"),
    ("mlps-assessment-l3", "道路运输管理系统"),
    ("crypto-assessment", "道路运输管理系统"),
    ("mlps-assessment-l3", "预防接种信息系统"),
    ("crypto-assessment", "预防接种信息系统"),
    ("crypto-conclusion", "全民健康信息平台"),
    ("domestic-os-eol", "道路运输原服务器操作系统"),
}

#: What cannot be told, and must stay so: a missing fact is neither a pardon nor a charge.
CANNOT_BE_TOLD = {
    ("migrate-to-cloud", "养老服务信息平台"),
    ("migrate-to-cloud", "不动产登记系统"),
    ("migrate-to-cloud", "房屋交易与产权备案系统"),
    ("no-new-dedicated-network", "不动产登记专网"),
    ("no-new-dedicated-network", "远程医疗专网"),
    ("catalogue-filed", "劳动保障监察办案系统"),
    ("use-cloud-catalogue", "影像存储服务器"),
    ("use-cloud-catalogue-room", "自然资源局大楼机房（推断）"),
}


@dataclass(frozen=True)
class Shown:
    """One whole demonstration. ``network`` is the start of its addresses."""

    site: Path
    network: str
    status: int
    said: str
    findings: list[dict[str, Any]]
    unknown: list[dict[str, Any]]
    assets: list[dict[str, Any]]

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        return {asset["name"]: asset for asset in self.assets if asset["kind"] == kind}


def program(module: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )


@pytest.fixture
def shown(own_network: str, tmp_path: Path) -> Shown:
    site = tmp_path / "city"
    write_example(site, date.today(), network=own_network)
    done = program("auditor.city", "demo", "--site", str(site))

    def listed(*words: str) -> list[dict[str, Any]]:
        listing = program("auditor", *words, "--json", "--site", str(site))
        assert listing.returncode == 0, listing.stderr
        return list(json.loads(listing.stdout))

    return Shown(
        site,
        own_network,
        done.returncode,
        done.stdout + done.stderr,
        listed("findings"),
        listed("findings", "--unknown"),
        listed("assets"),
    )


def pairs(found: list[dict[str, Any]], *verdicts: str) -> set[tuple[str, str]]:
    return {
        (item["rule"].partition("/")[2], item["asset_name"])
        for item in found
        if not verdicts or item["verdict"] in verdicts
    }


def done_in_part_is_what_the_example_is_meant_to_be(shown: Shown) -> None:
    assert shown.status == 0, shown.said
    assert "done in part" in shown.said
    assert "saw not one connection" in shown.said
    assert "Traceback" not in shown.said
    assert (shown.site / "state" / "city-touched.log").read_text() == ""
    assert not (shown.site / "state" / "city.pid").exists()


def next_commands_are_told_with_a_real_finding(shown: Shown) -> None:
    (told,) = [line.split() for line in shown.said.splitlines() if " explain " in line and "--site" in line][-1:]
    finding = told[told.index("explain") + 1]
    assert finding in {item["id"] for item in shown.findings}
    assert program("auditor", "explain", finding, "--site", str(shown.site)).returncode == 0


def exactly_the_planted_violations(shown: Shown) -> None:
    assert pairs(shown.findings, "violation") == PLANTED
    assert pairs(shown.findings, "waived") == {("migrate-to-cloud", "全民健康信息平台")}


def what_cannot_be_told_is_unknown(shown: Shown) -> None:
    assert pairs(shown.unknown) >= CANNOT_BE_TOLD
    assert not pairs(shown.unknown) & PLANTED


def a_lead_accuses_nobody(shown: Shown) -> None:
    leads = {item["asset_name"] for item in shown.findings if item["bite"] == "lead"}
    assert leads == {"基层卫生绩效考核平台", "道路运输管理系统"}
    assert not [item for item in shown.findings if item["bite"] == "lead" and item["orderable"]]


def nobody_is_found_where_nobody_looked(shown: Shown) -> None:
    assert not [item for item in shown.findings if item["department_id"] == "zjj"]
    everything = json.dumps(shown.assets, ensure_ascii=False)
    assert "工程档案管理系统" not in everything  # it answers there, and nobody may know
    hosts = shown.named("host")
    assert hosts["门禁控制器"]["values"]["is_observed"] is False
    assert f"{shown.network}.100.213" not in hosts


def conclusions_are_drawn_where_there_is_evidence_only(shown: Shown) -> None:
    inferred = {name: room for name, room in shown.named("room").items() if room["values"]["is_inferred"]}
    assert {room["department_id"] for room in inferred.values()} == {"zrj"}
    assert {
        (cloud["department_id"], cloud["values"]["platform"])
        for cloud in shown.named("cloud").values()
        if cloud["values"]["is_inferred"]
    } == {("zrj", "vcenter"), ("zrj", "proxmox")}
    owners = {name: host["department_id"] for name, host in shown.named("host").items()}
    assert owners["自助服务终端管理机"] == "rsj"


def the_classified_system_is_nowhere(shown: Shown) -> None:
    hidden = "内部专用文件流转系统".encode()
    assert "内部专用文件流转系统" not in shown.said
    for path in [*(shown.site / "state").rglob("*"), *(shown.site / "out").rglob("*")]:
        assert not path.is_file() or hidden not in path.read_bytes(), path


def test_the_demonstration_tells_the_story(shown: Shown) -> None:
    """One test, because one demonstration is enough: each check would cost another where tests run in parallel."""
    for check in (
        done_in_part_is_what_the_example_is_meant_to_be,
        next_commands_are_told_with_a_real_finding,
        exactly_the_planted_violations,
        what_cannot_be_told_is_unknown,
        a_lead_accuses_nobody,
        nobody_is_found_where_nobody_looked,
        conclusions_are_drawn_where_there_is_evidence_only,
        the_classified_system_is_nowhere,
    ):
        check(shown)


# --- what goes wrong ----------------------------------------------------------------------------------------


def test_without_nmap_it_says_what_to_do_and_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = program("auditor.city", "demo", "--site", str(tmp_path / "city"), PATH=str(tmp_path / "bin"))
    assert done.returncode == 2
    assert "apt-get install nmap" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "city").exists()


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    done = program("auditor.city", "demo", "--site", str(tmp_path))
    assert done.returncode == 2
    assert "name a new folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_another_site_is_not_taken_for_the_example(tmp_path: Path) -> None:
    write_example(tmp_path / "city", date.today())
    site = tmp_path / "city" / "site.yaml"
    before = site.read_text(encoding="utf-8").replace("site: example-city", "site: real-city")
    site.write_text(before, encoding="utf-8")
    done = program("auditor.city", "demo", "--site", str(tmp_path / "city"))
    assert done.returncode == 2
    assert "is not the example city" in done.stderr
    assert site.read_text(encoding="utf-8") == before
    assert not (tmp_path / "city" / "state").exists()
