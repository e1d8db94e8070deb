"""The whole city, audited for real: every planted case is found, nobody innocent is accused, nothing leaks.

STORY.md in ``city/`` says what is planted, and what only looks alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.lab.city.plan import AGENTS, PREFIX, SSH_HOSTS
from tests.lab.ssh_hosts import SshHosts

pytestmark = pytest.mark.lab

RUN = Path(__file__).with_name("city") / "run.py"
#: What the permits of the site allow (the example city's zones, and those of the laboratory).
AUTHORISED = [
    *(ip_network(f"127.20.{number}.0/24") for number in (1, 2, 3, 4, 5, 7, 8, 9)),
    ip_network("127.20.100.0/25"),
    ip_network("10.20.8.0/24"),
    ip_network("10.20.9.0/24"),
]
EXCLUDED = [ip_network("127.20.1.200/32"), ip_network("127.20.8.200/32")]
#: The cloud's own processes speak to each other, in the namespace of the scanner too.
CLOUD = ip_address("127.20.100.5")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Audited twice, then once more with a login that is wrong in one zone; what came of it."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "ssh").mkdir()
    with SshHosts(SSH_HOSTS, folder / "ssh", prefix=PREFIX) as hosts:
        (folder / "known").write_text(hosts.known_hosts())
        enter = ("ip", "netns", "exec", hosts.scanner)
        done = subprocess.run(
            [*enter, sys.executable, str(RUN), str(folder), str(hosts.key), str(folder / "known")],
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    yield result


@pytest.fixture(scope="module")
def audits(city: dict[str, Any]) -> list[dict[str, Any]]:
    _check, first, second, _assets = city["runs"]
    # Exit 4: one zone of the example city has lost its authorisation, on purpose.
    assert first["status"] == second["status"] == 4, first["err"][-4000:]
    return [json.loads(run["out"]) for run in (first, second)]


class Assets:
    """The second audit's assets, to be asked for by kind and name."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def of(self, kind: str, department: str) -> list[dict[str, Any]]:
        return [row for row in self.rows if (row["kind"], row["department_id"]) == (kind, department)]

    def values(self, kind: str, name: str) -> dict[str, Any]:
        theirs = [row for department in ("swj", "wlj") for row in self.of(kind, department)]
        (row,) = [row for row in theirs if row["name"] == name]
        values: dict[str, Any] = row["values"]
        return values

    def inferred(self, kind: str, department: str) -> list[dict[str, Any]]:
        return [row["values"] for row in self.of(kind, department) if row["values"].get("is_inferred")]


@pytest.fixture(scope="module")
def assets(city: dict[str, Any], audits: object) -> Assets:
    return Assets(json.loads(city["runs"][3]["out"]))


def test_the_registers_are_sound(city: dict[str, Any]) -> None:
    check = city["runs"][0]
    assert check["status"] == 0, check["err"]


def test_what_was_looked_at_was_looked_at_to_the_end(audits: list[dict[str, Any]]) -> None:
    rows = [row for row in audits[1]["zones"] if row["zone"] in ("swj", "wlj")]
    assert {row["probe"] for row in rows} == {"nmap", "endpoints", "ssh", "snmp", "vsphere"}
    assert all(row["success"] for row in rows), [row for row in rows if not row["success"]]
    (cloud,) = [row for row in audits[1]["zones"] if (row["zone"], row["probe"]) == ("gov-cloud", "openstack")]
    assert "服务不可用" not in cloud["problems"]


def test_an_undeclared_machine_room_and_a_recognised_one(assets: Assets) -> None:
    (room,) = assets.inferred("room", "swj")
    assert room["inference_confidence"] >= 0.7
    said = " ".join(room["inference_evidence"])
    for evidence in ("不间断电源", "机房空调", "管理控制器"):
        assert evidence in said
    assert not assets.inferred("room", "wlj")


def test_an_undeclared_private_cloud_and_a_registered_one(assets: Assets) -> None:
    (cloud,) = assets.inferred("cloud", "swj")
    assert cloud["platform"] == "vcenter"
    assert not assets.inferred("cloud", "wlj")
    known = assets.values("cloud", "文化和旅游局虚拟化平台")
    assert (known["code"], known["hosts_total"], known["vms_total"]) == ("WL-C1", 2, 1)


def test_an_undeclared_dedicated_network_and_an_approved_one(assets: Assets) -> None:
    found = [network for network in assets.inferred("network", "swj") if network.get("kind") != "internet_exit"]
    assert [network["prefixes"] for network in found] == [["10.66.0.0/16", "10.66.0.0/24"]]
    assert not assets.inferred("network", "wlj")


def test_an_internet_exit_of_its_own_and_a_notebook_with_a_modem(assets: Assets) -> None:
    assert assets.values("host", "10.20.8.12")["own_uplink"] is True
    (found,) = [network for network in assets.inferred("network", "swj") if network.get("kind") == "internet_exit"]
    assert found["prefixes"] == ["203.0.113.0/24"]
    assert not any(host["values"].get("own_uplink") for host in assets.of("host", "wlj"))


def test_a_system_nobody_registered_and_a_shared_proxy(assets: Assets) -> None:
    assert assets.values("system", "水务应急调度平台")["is_registered"] is False
    assert all(row["values"].get("is_registered") for row in assets.of("system", "wlj"))
    for name in ("公共文化服务平台", "旅游投诉受理系统"):
        assert assets.values("system", name)["hosting"] == ["gov_cloud"]


def test_migrated_on_paper_unfinished_and_done(assets: Assets) -> None:
    state = {
        row["name"]: row["values"].get("migration_state")
        for department in ("swj", "wlj")
        for row in assets.of("system", department)
    }
    assert state["水资源取用管理系统"] == "on_paper"
    assert state["河湖长制信息平台"] == "unfinished"
    assert state["旅游投诉受理系统"] == state["文物普查管理系统"] == "done"


def test_ghosts_both_ways_and_a_spare_that_is_off(assets: Assets) -> None:
    assert assets.values("system", "农村饮水安全监测系统")["is_found"] is False
    assert assets.values("host", "旧视频网关")["is_found"] is False
    assert assets.values("host", "swj-old-test")["is_claimed"] is False
    assert assets.values("host", "备用服务器").get("is_found") is None
    assert assets.values("system", "群众艺术馆网站").get("is_found") is not False
    # Unclaimed is only what could have been claimed: the forgotten project belongs to nobody at all.
    assert not [row for row in assets.of("host", "wlj") if row["values"].get("is_claimed") is False]


def test_what_hosts_are_made_of(assets: Assets, city: dict[str, Any]) -> None:
    made = {
        (row["department_id"], row["values"]["category"], row["values"]["product"])
        for department in ("swj", "wlj")
        for row in assets.of("component", department)
    }
    assert {("swj", "cpu", "鲲鹏 920"), ("swj", "database", "达梦 DM"), ("wlj", "database", "达梦 DM")} <= made
    (product,) = [one for one in city["shown"]["防汛值班数据库"]["attributes"] if one["column"] == "product"]
    assert product["value"] == "达梦 DM"
    assert [word["value"] for word in product["said"] if not word["stands"]] == ["KingbaseES"]
    assert product["disagree"] and product["why"]
    (agreed,) = [one for one in city["shown"]["票务数据库"]["attributes"] if one["column"] == "product"]
    assert agreed["value"] == "达梦 DM" and not agreed["disagree"]
    assert {word["value"] for word in agreed["said"] if word["agrees"]} == {"DM8"}


def test_no_innocent_is_accused(audits: list[dict[str, Any]]) -> None:
    for audit in audits:
        assert [f for f in audit["findings"] if f["department_id"] == "wlj" and f["state"] != "waived"] == []
        guilty = {f["asset_name"] for f in audit["findings"] if f["department_id"] == "swj"}
        assert {"水资源取用管理系统", "水务应急调度平台", "河湖长制信息平台"} <= guilty


def test_a_second_audit_adds_nothing(audits: list[dict[str, Any]]) -> None:
    first, second = audits
    assert second["changes"]["new"] == second["changes"]["resolved"] == second["changes"]["reopened"] == 0
    assert {f["id"] for f in first["findings"]} == {f["id"] for f in second["findings"]}


def test_a_login_that_is_wrong_in_one_zone_is_that_zones_failure(city: dict[str, Any]) -> None:
    run = city["wrong_login"]
    assert run["status"] == 4
    audit = json.loads(run["out"])
    fared = {row["zone"]: row for row in audit["zones"] if row["probe"] == "snmp"}
    assert fared["swj"]["success"] and fared["swj"]["covered_ratio"] == 1
    assert "登录被拒绝" in fared["wlj"]["problems"]
    assert audit["changes"]["resolved"] == audit["changes"]["new"] == 0


def test_nothing_was_sent_where_nobody_gave_leave(city: dict[str, Any]) -> None:
    hosts = {ip_address(host.address) for host in SSH_HOSTS}
    agents = {ip_address(agent.address) for agent in AGENTS}
    reached = set()
    for source, destination, protocol, port, began in city["spoken"]:
        there, here = ip_address(destination), ip_address(source)
        if not began or (protocol == "udp" and here in agents):
            continue  # an answer
        if here == CLOUD or there == CLOUD or (here.is_loopback and here == there):
            continue  # the cloud among itself; every other server here speaks to nobody of its own accord
        assert not any(there in prefix for prefix in EXCLUDED), (source, destination, protocol, port)
        assert any(there in prefix for prefix in AUTHORISED), (source, destination, protocol, port)
        reached.add(there)
    assert hosts <= reached, "the capture saw what was allowed"
    assert city["touched"] == ""


def test_no_secret_is_anywhere(city: dict[str, Any]) -> None:
    assert city["arguments"] == []
    assert city["searched"] > 20
    assert city["found_in"] == []
    assert city["left_behind"] == []
    for run in (*city["runs"], city["wrong_login"]):
        assert "canary" not in run["out"] + run["err"]
