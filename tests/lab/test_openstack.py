"""The openstack probe against a real cloud: keystone, nova, neutron, glance and cinder of today's release."""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection, Observation
from inventories.places import Zone
from probes.access import Access, Belongs, OpenstackAccess
from probes.base import Stop
from probes.openstack_cloud.probe import OpenstackProbe
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit
from probes.secrets import Secret

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("openstack")]

ADDRESS = "127.20.0.10"
ADMIN, READER = "canary-admin-5b1e", "canary-reader-5b1e"


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


lab = _load("cloud")

#: What the quick suite's recording was made of as well.
PLAN = lab.Plan(
    projects=(lab.Project("民政局", ("mzj",)), lab.Project("人社局"), lab.Project("交通局")),
    users=(
        lab.User("city-admin", ADMIN, {"admin": "admin"}),
        lab.User("city-reader", READER, {"民政局": "reader", "人社局": "reader"}),
    ),
    networks=(
        lab.Network("wan", "203.0.113.0/24", external=True),
        lab.Network("mzj-net", "10.20.0.0/24", "民政局"),
        lab.Network("rsj-net", "10.21.0.0/24", "人社局"),
        lab.Network("jtj-net", "10.20.0.0/24", "交通局"),
    ),
    flavors=(lab.Flavor("small", 2048), lab.Flavor("large", 16384)),
    images=(lab.Image("debian", "debian", "12"), lab.Image("kylin-sp3", "kylin", "V10"), lab.Image("win2016")),
    servers=(
        lab.Server(
            "mzj-web-01",
            "民政局",
            "mzj-net",
            "10.20.0.11",
            floating="203.0.113.11",
            metadata={"system": "XT-MZ-01"},
            tags=("生产", "web"),
        ),
        lab.Server(
            "mzj-db-01", "民政局", "mzj-net", "10.20.0.12", flavor="large", image="kylin-sp3", volume=("数据盘", 100)
        ),
        lab.Server("mzj-old", "民政局", "mzj-net", "10.20.0.13", image="win2016", on=False),
        lab.Server("rsj-app-01", "人社局", "rsj-net", "10.21.0.11"),
        # The same private address as in another project: two machines.
        lab.Server("jtj-01", "交通局", "jtj-net", "10.20.0.11"),
    ),
)
BELONGS = (
    Belongs("project", "民政局", "mzj"),
    Belongs("project", "人社局", "rsj"),
    Belongs("metadata:system", "XT-*", "", "{value}"),
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    with lab.Cloud(ADDRESS, plan=PLAN, max_limit=3) as running:
        yield running


def look(cloud: Any, tmp_path: Path, user: str, **settings: Any) -> Collection:
    """What one user's login shows, by the same road as an audit."""
    password = next(one.password for one in PLAN.users if one.name == user)
    file = tmp_path / f"{user}.secret"
    file.write_text(password)
    access = OpenstackAccess(
        cloud.auth_url, user, Secret.parse(f"file:{file}"), cloud="ZWY-01", belongs=BELONGS, **settings
    )
    networks = tuple(ipaddress.ip_network(text) for text in (f"{ADDRESS}/32", "10.20.0.0/16", "203.0.113.0/24"))
    zone = Zone("gov", "政务云", "cloud", "government_cloud", networks, cloud_code="ZWY-01")
    until = datetime.now(UTC) + timedelta(hours=1)
    permit = Permit(zone, networks, (), PROFILES["normal"], ("批复",), until, access=Access(openstack=(access,)))
    (tmp_path / "work").mkdir(exist_ok=True)
    return run_probes(
        [OpenstackProbe()], [permit], workdir=tmp_path / "work", stop=Stop(), now=lambda: datetime.now(UTC)
    )


def by_name(collection: Collection, kind: str = "host") -> dict[str, tuple[Observation, Mapping[str, Any]]]:
    out = {}
    for one in collection.observations:
        facts = {fact.column: fact.value for fact in one.facts}
        if one.kind == kind:
            out[facts.get("name", "")] = (one, facts)
    return out


def identifiers(one: Observation) -> set[str]:
    return {str(identifier) for identifier in one.identifiers}


def test_an_administrator_sees_everything_page_by_page(
    cloud: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    got = look(cloud, tmp_path, "city-admin")
    assert got.failures == ()
    hosts = by_name(got)
    assert set(hosts) == {server.name for server in PLAN.servers} | {"compute-01", "compute-02"}
    web, facts = hosts["mzj-web-01"]
    ident = cloud.servers["mzj-web-01"]
    assert web.department_id == "mzj"
    assert {f"instance:ZWY-01/{ident}", "ip:203.0.113.11@cloud"} <= identifiers(web)
    # Two projects use 10.20.0.11: it tells neither of the two machines.
    assert "ip:10.20.0.11@cloud" not in identifiers(web)
    assert facts["ips"] == ("10.20.0.11", "203.0.113.11")
    assert facts["cloud_tags"] == ("web", "生产", "system=XT-MZ-01") or set(facts["cloud_tags"]) == {
        "web",
        "生产",
        "system=XT-MZ-01",
    }
    assert facts["system_codes"] == ("XT-MZ-01",)
    assert (facts["platform"], facts["power_state"], facts["memory_mb"]) == ("gov_cloud", "on", 2048)
    assert facts["cloud_project"] == "民政局" and len(facts["macs"]) == 1
    _, facts = hosts["mzj-db-01"]
    assert (facts["memory_mb"], facts["os_name"], facts["mounts"]) == (16384, "kylin V10", ("volume 数据盘 100 GB",))
    assert hosts["mzj-old"][1]["power_state"] == "off"
    other, _ = hosts["jtj-01"]
    assert other.department_id == "", "nobody's, and seen all the same"
    (whole,) = by_name(got, "cloud").values()
    assert whole[1]["vms_total"] == 5 and whole[1]["hosts_total"] == 2
    assert {"mzj-net 10.20.0.0/24", "jtj-net 10.20.0.0/24", "wan 203.0.113.0/24"} <= set(
        whole[1]["networks_observed"]
    )
    assert {c.detail: c.scope for c in got.coverage} == {"ZWY-01": ("*",), "ZWY-01/hypervisors": ("*",)}
    assert ADMIN not in caplog.text


def test_a_reader_of_two_projects_covers_those(cloud: Any, tmp_path: Path) -> None:
    got = look(cloud, tmp_path, "city-reader")
    assert set(by_name(got)) == {"mzj-web-01", "mzj-db-01", "mzj-old", "rsj-app-01"}
    assert [(failure.reason, failure.scope) for failure in got.failures] == [("forbidden", ("*",))]
    assert [coverage.scope for coverage in got.coverage] == [("人社局", "民政局")]
    (whole,) = by_name(got, "cloud").values()
    assert "vms_total" not in whole[1]


def test_projects_that_the_site_names_limit_what_is_read(cloud: Any, tmp_path: Path) -> None:
    got = look(cloud, tmp_path, "city-reader", projects=("人社局", "交通局"))
    assert set(by_name(got)) == {"rsj-app-01"}
    assert [(failure.reason, failure.scope) for failure in got.failures] == [("forbidden", ("project:交通局",))]
    assert [coverage.scope for coverage in got.coverage] == [("人社局",)]


def test_a_wrong_password_is_a_refused_login(cloud: Any, tmp_path: Path) -> None:
    (tmp_path / "city-admin.secret").write_text(ADMIN)
    access = OpenstackAccess(cloud.auth_url, "city-reader", Secret.parse(f"file:{tmp_path / 'city-admin.secret'}"))
    networks = (ipaddress.ip_network(f"{ADDRESS}/32"),)
    zone = Zone("gov", "政务云", "cloud", "government_cloud", networks)
    until = datetime.now(UTC) + timedelta(hours=1)
    permit = Permit(zone, networks, (), PROFILES["normal"], ("批复",), until, access=Access(openstack=(access,)))
    got = run_probes([OpenstackProbe()], [permit], workdir=tmp_path, stop=Stop(), now=lambda: datetime.now(UTC))
    assert [failure.reason for failure in got.failures] == ["login_refused"]
    assert (got.observations, got.coverage) == ((), ())


def test_a_region_that_is_down_leaves_the_others(cloud: Any, tmp_path: Path) -> None:
    lab._load("seed").add_dead_region(cloud, "south")
    got = look(cloud, tmp_path, "city-admin")
    assert {server.name for server in PLAN.servers} <= set(by_name(got))
    assert [(failure.reason, failure.scope) for failure in got.failures] == [("unavailable", ("region:south",))]
    assert got.coverage == (), "what lies in the region that is down is not known"


def test_a_service_that_is_gone_is_said_and_the_servers_stay(cloud: Any, tmp_path: Path) -> None:
    cloud.stop("cinder")
    got = look(cloud, tmp_path, "city-admin", regions=(cloud.region,))
    assert {server.name for server in PLAN.servers} <= set(by_name(got))
    assert [(failure.reason, failure.scope) for failure in got.failures] == [
        ("unavailable", (f"region:{cloud.region}",))
    ]
    assert got.coverage == ()
