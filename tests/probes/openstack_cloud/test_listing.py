"""What a cloud shows to an administrator and to a reader, from recorded answers of a real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from inventories.model import Strength
from probes.access import Belongs
from probes.secrets import Secret

SERVERS = {"mzj-web-01", "mzj-db-01", "mzj-old", "rsj-app-01", "jtj-01"}
HYPERVISORS = {"compute-01", "compute-02"}
BELONGS = (
    Belongs("project", "民政局", "mzj"),
    Belongs("name", "mzj-*", "other"),
    Belongs("tag", "web", "", "XT-WEB"),
    Belongs("metadata:system", "XT-*", "", "{value}"),
)
Some = Callable[..., Any]


def identifiers(one: Any) -> set[str]:
    return {str(identifier) for identifier in one.identifiers}


@pytest.mark.parametrize("page", [1, 2, 3, 5, 1000])
def test_an_administrator_sees_everything_however_small_the_pages(
    replay: Some, look: Some, hosts: Some, page: int
) -> None:
    cloud = replay(page=page)
    got = look(cloud)
    assert got.failures == ()
    assert set(hosts(got)) == SERVERS | HYPERVISORS | {"cloud"}
    assert {c.detail: c.scope for c in got.coverage} == {"ZWY-01": ("*",), "ZWY-01/hypervisors": ("*",)}
    assert {(c.aspect, c.zone, c.vantage, c.collector) for c in got.coverage} == {
        ("resources", "gov", "cloud", "openstack")
    }
    # With a limit nova leaves out, in silence, what lies in a cell that does not answer.
    assert not any("limit" in asked.query for asked in cloud.asked if "/compute/" in asked.path)
    assert {asked.method for asked in cloud.asked if "auth/tokens" not in asked.path} == {"GET"}


def test_a_server_with_all_that_is_known_of_it(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    found = hosts(look(cloud, belongs=BELONGS))
    web, facts = found["mzj-web-01"]
    (row,) = [row for row in cloud.data["servers"]["servers"] if row["name"] == "mzj-web-01"]
    (mac,) = facts["macs"]
    assert web.source == f"openstack {cloud.auth_url}"
    assert (web.kind, web.collector, web.zone, web.department_id) == ("host", "openstack", "gov", "mzj")
    assert identifiers(web) >= {f"instance:ZWY-01/{row['id']}", "ip:203.0.113.11@cloud", f"mac:{mac}@cloud"}
    assert any(identifier.scheme == "uuid" for identifier in web.identifiers)
    assert set(facts.pop("cloud_tags")) == {"web", "生产", "system=XT-MZ-01"}
    assert facts == {
        "name": "mzj-web-01",
        "platform": "gov_cloud",
        "is_physical": False,
        "power_state": "on",
        "cloud_project": "民政局",
        "memory_mb": 2048,
        "created_on": date.fromisoformat(row["created"][:10]),
        "ips": ("10.20.0.11", "203.0.113.11"),
        "macs": (mac,),
        "os_name": "debian 12",
        "system_codes": ("XT-WEB", "XT-MZ-01"),
    }
    strengths = {fact.column: fact.strength for fact in web.facts}
    assert strengths.pop("os_name") is Strength.HINTED, "an image may be named anything"
    assert set(strengths.values()) == {Strength.SEEN_INSIDE}
    assert found["mzj-db-01"][1]["mounts"] == ("volume 数据盘 100 GB",)
    assert found["mzj-db-01"][1]["memory_mb"] == 16384
    assert found["mzj-old"][1]["power_state"] == "off"
    assert found["mzj-old"][1]["os_name"] == "win2016"


def test_a_resource_that_maps_to_nobody_is_seen_all_the_same(replay: Some, look: Some, hosts: Some) -> None:
    one, facts = hosts(look(replay(), belongs=BELONGS))["jtj-01"]
    assert one.department_id == "" and "system_codes" not in facts
    assert facts["cloud_project"] == "交通局"


def test_an_address_that_two_projects_use_names_neither_machine(replay: Some, look: Some, hosts: Some) -> None:
    found = hosts(look(replay()))
    for name in ("mzj-web-01", "jtj-01"):
        assert "10.20.0.11" in found[name][1]["ips"]
        assert "ip:10.20.0.11@cloud" not in identifiers(found[name][0])
    assert "ip:10.20.0.12@cloud" in identifiers(found["mzj-db-01"][0])
    # Not in the zone's prefixes: it means nothing as seen from there.
    assert not any(i.scheme == "ip" for i in found["rsj-app-01"][0].identifiers)


def test_the_cloud_itself(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    one, facts = hosts(look(cloud))["cloud"]
    assert identifiers(one) == {"cloud-code:ZWY-01"}
    assert facts == {
        "platform": "openstack",
        "endpoint": cloud.auth_url,
        "projects_observed": ("admin", "service", "交通局", "人社局", "民政局"),
        "networks_observed": (
            "jtj-net 10.20.0.0/24",
            "mzj-net 10.20.0.0/24",
            "rsj-net 10.21.0.0/24",
            "wan 203.0.113.0/24",
        ),
        "vms_total": 5,
        "hosts_total": 2,
    }


def test_a_cloud_without_a_code_goes_by_its_address(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    found = hosts(look(cloud, cloud="", kind="department"))
    assert identifiers(found["cloud"][0]) == {f"service:127.0.0.1:{cloud.port}/tcp@cloud"}
    assert found["jtj-01"][1]["platform"] == "openstack"
    assert any(str(i).startswith(f"instance:127.0.0.1:{cloud.port}/") for i in found["jtj-01"][0].identifiers)


def test_hypervisors(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    rows = cloud.data["hypervisors"]["hypervisors"]
    rows[0]["host_ip"], rows[1]["host_ip"] = "10.20.9.1", "10.20.9.2"
    rows[1]["cpu_info"]["features"].append("hypervisor")
    rows.append(
        {**rows[0], "id": "c-1", "hypervisor_type": "VMware vCenter Server", "hypervisor_hostname": "domain-c7"}
    )
    rows[2]["host_ip"] = "10.20.9.3"
    found = hosts(look(cloud))
    one, facts = found["compute-01"]
    assert facts == {"name": "compute-01", "hypervisor": "QEMU 8.2.0", "is_physical": True}
    assert identifiers(one) == {f"instance:ZWY-01/HYPERVISORS/{rows[0]['id']}", "ip:10.20.9.1@cloud"}
    assert {f.column: f.strength for f in one.facts}["is_physical"] is Strength.SEEN_OUTSIDE
    assert "is_physical" not in found["compute-02"][1], "its processor says that it is a guest"
    cluster, facts = found["domain-c7"]
    assert "is_physical" not in facts and not any(i.scheme == "ip" for i in cluster.identifiers)


def test_hypervisors_that_share_an_address_are_not_found_by_it(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    for row in cloud.data["hypervisors"]["hypervisors"]:
        row["host_ip"] = "10.20.9.1"
    found = hosts(look(cloud))
    for name in HYPERVISORS:
        assert {identifier.scheme for identifier in found[name][0].identifiers} == {"instance"}


@pytest.mark.parametrize(
    "spoken, said", [("2.104", "2.69"), ("2.60", "2.47"), ("2.38", "2.26"), ("2.9", ""), ("", "")]
)
def test_the_newest_version_that_both_speak_is_spoken(
    replay: Some, look: Some, hosts: Some, spoken: str, said: str
) -> None:
    cloud = replay(microversion=spoken)
    got = look(cloud, belongs=BELONGS)
    assert got.failures == ()
    found = hosts(got)
    assert set(found) >= SERVERS
    assert {asked.microversion for asked in cloud.asked if asked.path.endswith("servers/detail")} == {said}
    # Old servers name their flavor only, and have no tags.
    assert found["mzj-db-01"][1]["memory_mb"] == 16384
    assert found["mzj-web-01"][0].department_id == "mzj"


def test_a_reader_of_two_projects_covers_those_and_says_what_is_missing(
    replay: Some, look: Some, hosts: Some, said: Some
) -> None:
    got = look(replay(), "city-reader")
    assert set(hosts(got)) == SERVERS - {"jtj-01"} | {"cloud"}
    assert said(got) == [("forbidden", ("*",))]
    assert "人社局" in got.failures[0].message and "民政局" in got.failures[0].message
    assert [(coverage.scope, coverage.detail) for coverage in got.coverage] == [(("人社局", "民政局"), "ZWY-01")]
    assert "vms_total" not in hosts(got)["cloud"][1] and "hosts_total" not in hosts(got)["cloud"][1]


def test_projects_that_are_known_and_closed_are_named(replay: Some, replays: Any, look: Some, said: Some) -> None:
    cloud = replay()
    cloud.on(r"/identity/v3/projects$", replays.Answer(200, cloud.data["projects"]))
    got = look(cloud, "city-reader")
    assert said(got) == [("forbidden", ("project:admin", "project:service", "project:交通局"))]
    assert [coverage.scope for coverage in got.coverage] == [("人社局", "民政局")]


def test_the_site_limits_projects(replay: Some, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay()
    got = look(cloud, "city-reader", projects=("人社局", "交通局"))
    assert set(hosts(got)) == {"rsj-app-01", "cloud"}
    assert said(got) == [("forbidden", ("project:交通局",))]
    assert [coverage.scope for coverage in got.coverage] == [("人社局",)]
    assert not any(asked.query.get("all_tenants") for asked in cloud.asked)


def test_a_project_of_another_domain_is_not_the_one_that_the_site_names(replay: Some, look: Some, said: Some) -> None:
    got = look(replay(), "city-reader", projects=("人社局",), project_domain="Elsewhere")
    assert said(got) == [("forbidden", ("project:人社局",))]
    assert [one.kind for one in got.observations] == ["cloud"] and got.coverage == ()


def test_two_regions_and_the_site_limits_them(replay: Some, look: Some, hosts: Some, said: Some) -> None:
    cloud = replay(regions=("gov-1", "south"))
    both = look(cloud)
    assert both.failures == () and {c.detail for c in both.coverage} == {"ZWY-01", "ZWY-01/hypervisors"}
    assert {asked.region for asked in cloud.asked if asked.path.endswith("/detail")} == {"gov-1", "south"}
    cloud.asked.clear()
    one = look(cloud, regions=("gov-1", "west"))
    assert set(hosts(one)) >= SERVERS
    assert said(one) == [("unavailable", ("region:west",))]
    assert one.coverage == (), "what lies in the other region was not looked at"
    assert {asked.region for asked in cloud.asked if asked.path.endswith("/detail")} == {"gov-1"}


def test_an_application_credential_reads_its_own_project(
    replay: Some, look: Some, hosts: Some, said: Some, tmp_path: Any
) -> None:
    cloud = replay()
    cloud.users = {**cloud.users, "cred-1": "canary-credential-91c4"}
    cloud.data["users"]["cred-1"] = {"人社局": "reader"}
    (tmp_path / "credential").write_text("canary-credential-91c4\n")
    secret = Secret.parse(f"file:{tmp_path / 'credential'}")
    got = look(cloud, "", password=None, credential_id="cred-1", credential_secret=secret)
    assert set(hosts(got)) == {"rsj-app-01", "cloud"}
    assert said(got) == [("forbidden", ("*",))]
    assert [coverage.scope for coverage in got.coverage] == [("人社局",)]


def test_a_project_called_star_does_not_cover_everything(replay: Some, look: Some) -> None:
    cloud = replay()
    for row in cloud.data["projects"]["projects"]:
        if row["name"] == "人社局":
            row["name"] = "*"
    cloud.data["users"]["city-reader"] = {"*": "reader"}
    assert look(cloud, "city-reader").coverage == ()


def test_a_name_that_two_projects_bear_is_covered_only_with_both(replay: Some, replays: Any, look: Some) -> None:
    cloud = replay()
    twin = next(row for row in cloud.data["projects"]["projects"] if row["name"] == "人社局")
    cloud.data["projects"]["projects"].append({**twin, "id": "f" * 32, "domain_id": "other"})

    def of_twin(asked: Any) -> Any:
        _user, project = cloud.tokens[asked.headers["X-Auth-Token"]]
        return replays.Answer(418, {}) if project["id"] == "f" * 32 else None

    cloud.on("servers/detail", of_twin)
    assert [coverage.scope for coverage in look(cloud, "city-reader").coverage] == [("民政局",)]


def test_public_addresses(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    for row in cloud.data["floatingips"]["floatingips"]:
        row["floating_ip_address"] = "8.8.4.4"
    found = hosts(look(cloud))
    assert found["mzj-web-01"][1]["has_public_ip"] is True
    # A floating address of a private range is none, and having none shows nothing.
    assert "has_public_ip" not in found["rsj-app-01"][1]


def test_a_volume_tells_what_a_server_boots_from(replay: Some, look: Some, hosts: Some) -> None:
    cloud = replay()
    for row in cloud.data["servers"]["servers"]:
        row["image"] = ""
    (volume,) = cloud.data["volumes"]["volumes"]
    volume.update(
        bootable="true", volume_image_metadata={"image_name": "uos-20", "os_distro": "uos", "os_version": "20"}
    )
    found = hosts(look(cloud))
    assert found["mzj-db-01"][1]["os_name"] == "uos 20"
    assert "os_name" not in found["jtj-01"][1]


def test_servers_in_a_cell_that_does_not_answer_are_known_and_uncovered(
    replay: Some, look: Some, hosts: Some, said: Some
) -> None:
    cloud = replay(page=1000)
    rows = cloud.data["servers"]["servers"]
    ident, project = "0d5b3a34-1f0c-4f1e-9d5e-3c2a9c3e5f10", rows[0]["tenant_id"]
    rows.insert(0, {"id": ident, "status": "UNKNOWN", "tenant_id": project, "created": "2025-01-01T00:00:00Z"})
    got = look(cloud)
    assert any(f"instance:ZWY-01/{ident}" in identifiers(one) for one in got.observations)
    assert said(got) == [("unavailable", ("region:gov-1",))]
    assert got.coverage == ()
