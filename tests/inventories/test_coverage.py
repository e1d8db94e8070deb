"""Only what was looked at lets an absence mean something."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest

from inventories.coverage import Covered, asset_absence, covers_zone, is_covered
from inventories.identity import (
    code_id,
    department_id,
    instance_id,
    ip_id,
    mac_id,
    name_id,
    place_id,
    service_id,
    uuid_id,
)
from inventories.model import Coverage, Identifier

AT = datetime(2026, 3, 2, tzinfo=UTC)


def looked(*scope: str, vantage: str = "scanner", aspect: str = "hosts", detail: str = "") -> Coverage:
    return Coverage("nmap", "mzj", vantage, aspect, scope, AT, AT, detail)


def register(name: str, *departments: str) -> Coverage:
    return Coverage("register", "", "", "register", departments, AT, AT, name)


def test_an_address_is_covered_where_it_was_looked_at_and_from_where() -> None:
    here = [ip_id("10.1.0.7", "scanner")]
    assert is_covered(here, [looked("10.1.0.0/24")])
    assert is_covered(here, [looked("10.1.0.0/29")])
    assert not is_covered(here, [looked("10.1.0.8/29")])
    assert not is_covered(here, [looked("10.1.0.0/24", vantage="far")])
    assert not is_covered(here, [looked("10.1.0.0/24", aspect="ports")])
    assert is_covered(here, [looked("10.1.0.0/24", aspect="ports")], aspect="ports")


def test_every_address_must_be_covered_and_there_must_be_one() -> None:
    both = [ip_id("10.1.0.7", "scanner"), ip_id("10.2.0.7", "scanner")]
    assert not is_covered(both, [looked("10.1.0.0/24")])
    assert is_covered(both, [looked("10.1.0.0/24"), looked("10.2.0.0/24")])
    assert not is_covered([], [looked("0.0.0.0/0")])
    assert not is_covered([code_id("host", "A")], [looked("0.0.0.0/0")])


def test_a_zone_is_covered_by_shards_that_leave_no_gap(make: Any) -> None:
    zone = make.places().zones["mzj"]
    shards = [looked(f"10.1.0.{start}/26") for start in (0, 64, 128, 192)]
    assert covers_zone(zone, shards)
    assert not covers_zone(zone, shards[1:])
    assert covers_zone(zone, list(reversed(shards)))
    hole = [str(n) for n in ipaddress.ip_network("10.1.0.0/24").address_exclude(ipaddress.ip_network("10.1.0.9/32"))]
    assert not covers_zone(zone, [looked(*hole)])


def test_a_port_is_covered_only_where_it_was_asked_for() -> None:
    index = Covered([looked("10.1.0.0/24", aspect="ports", detail="tcp:22,80,8000-8010")])
    assert index.port("scanner", "10.1.0.7", 80)
    assert index.port("scanner", "10.1.0.7", 8005)
    assert not index.port("scanner", "10.1.0.7", 8011)
    assert not index.port("scanner", "10.1.0.7", 8)
    assert not Covered([looked("10.1.0.0/24", aspect="ports")]).port("scanner", "10.1.0.7", 80)


def absent(make: Any, kind: str, *identifiers: Identifier, coverage: list[Coverage], department: str = "") -> bool:
    return asset_absence(kind, identifiers, coverage, places=make.places(), department_id=department)


def test_a_host_is_absent_where_all_its_addresses_were_looked_at(make: Any) -> None:
    coverage = [looked("10.1.0.0/24")]
    uuid = uuid_id("564d4cbc-c6a9-1969-bc4c-4d56a9c66919")
    assert uuid is not None
    assert absent(make, "host", ip_id("10.1.0.7", "scanner"), uuid, coverage=coverage)
    assert not absent(make, "host", ip_id("10.1.0.7", "scanner"), ip_id("10.2.0.7", "scanner"), coverage=coverage)
    assert not absent(make, "host", ip_id("10.1.0.7", "far"), coverage=coverage)
    # A host of which nobody knows where it was is never shown to be gone.
    mac = mac_id("00:1b:21:0a:bb:cc", "scanner")
    assert mac is not None
    assert not absent(make, "host", uuid, mac, coverage=coverage)
    assert not absent(make, "host", coverage=coverage)


def test_a_declared_thing_is_absent_where_its_register_came_in(make: Any) -> None:
    known = (code_id("system", "MZ-1"), name_id("system", "mzj", "救助系统"))
    assert absent(make, "system", *known, coverage=[register("systems", "mzj", "jtj")], department="mzj")
    assert not absent(make, "system", *known, coverage=[register("systems", "jtj")], department="mzj")
    assert not absent(make, "system", *known, coverage=[register("hosts", "mzj")], department="mzj")
    assert not absent(make, "system", *known, coverage=[])
    assert absent(make, "department", department_id("x"), coverage=[register("departments", "x")], department="x")


def test_a_host_of_the_register_needs_both_the_register_and_the_network(make: Any) -> None:
    known = (code_id("host", "A-1"), ip_id("10.1.0.7", "scanner"))
    network, paper = looked("10.1.0.0/24"), register("hosts", "mzj")
    assert absent(make, "host", *known, coverage=[network, paper], department="mzj")
    assert not absent(make, "host", *known, coverage=[network], department="mzj")
    assert not absent(make, "host", *known, coverage=[paper], department="mzj")


def test_a_service_is_absent_where_its_port_was_asked_for(make: Any) -> None:
    service = service_id("10.1.0.7", 8080, "tcp", "scanner")
    assert absent(make, "system", service, coverage=[looked("10.1.0.0/24", aspect="ports", detail="tcp:80,8080")])
    assert not absent(make, "system", service, coverage=[looked("10.1.0.0/24", aspect="ports", detail="tcp:80")])
    assert not absent(make, "system", service, coverage=[looked("10.1.0.0/24")])


@pytest.mark.parametrize(("prefix", "gone"), [("10.1.0.0/24", True), ("10.1.0.0/25", False)])
def test_a_place_is_empty_where_its_whole_zone_was_looked_at(make: Any, prefix: str, gone: bool) -> None:
    room = place_id("mzj", "mzj", "民政局大楼", "room")
    assert absent(make, "room", room, coverage=[looked(prefix, aspect="services")]) is gone
    assert not absent(make, "room", place_id("mzj", "nowhere", "", "room"), coverage=[looked(prefix)])


def test_nonsense_in_a_scope_covers_nothing() -> None:
    assert not is_covered([ip_id("10.1.0.7", "scanner")], [looked("everything")])


def listed(*projects: str, cloud: str = "LHC-01") -> Coverage:
    return Coverage("openstack", "cloud", "scanner", "resources", projects, AT, AT, cloud)


def test_a_cloud_is_covered_where_everything_of_it_was_listed() -> None:
    index = Covered([listed("*", cloud="ｌｈｃ－０１")])
    assert index.cloud("LHC-01")
    assert index.cloud(" lhc-01 ")
    assert index.project("LHC-01", "anything")
    assert not index.cloud("LHC-02")
    assert not index.project("LHC-02", "anything")
    assert not index.project("LHC-01", "")


def test_some_projects_of_a_cloud_are_not_the_cloud() -> None:
    index = Covered([listed("交通局", "民政局"), listed("教育局")])
    assert not index.cloud("LHC-01")
    assert index.project("LHC-01", "交通局")
    assert index.project("lhc-01", "教育局")
    assert not index.project("LHC-01", "财政局")
    assert not index.project("LHC-01", "project:交通局")
    # A project may bear any name: beside others, the star is one of them.
    assert not Covered([listed("*", "交通局")]).cloud("LHC-01")


def test_a_listing_of_a_cloud_without_a_code_covers_no_cloud() -> None:
    index = Covered([listed("*", cloud="")])
    assert not index.cloud("")
    assert not index.project("", "交通局")
    assert not Covered([]).cloud("LHC-01")


def test_a_name_is_covered_where_it_was_asked_to_the_end() -> None:
    index = Covered([looked("Fuwu.mz.example.", "10.1.0.7", aspect="names")])
    assert index.name("fuwu.mz.example")
    assert index.name("10.1.0.7")
    assert not index.name("mz.example")
    assert not index.name("")
    # Asking a name says nothing about the address that it happens to be.
    assert not index.address("scanner", "10.1.0.7")
    assert not index.address("scanner", "10.1.0.7", "names")


def test_a_machine_is_read_inside_where_somebody_was_on_it() -> None:
    index = Covered([looked("10.1.0.7/32", aspect="inside"), looked("10.1.0.0/24")])
    assert index.inside("scanner", "10.1.0.7")
    assert not index.inside("scanner", "10.1.0.8")
    assert not index.inside("far", "10.1.0.7")
    assert not index.address("scanner", "10.1.0.7", "ports")


def test_scopes_that_are_no_prefixes_disturb_nothing(make: Any) -> None:
    odd = [
        listed("*"),
        listed("project:x", "region:y", "10.9.0.0/16"),
        looked("*", "https://cloud.example:5000", aspect="names"),
        looked("*", "project:x", aspect="hosts"),
        looked("*", aspect="an aspect of tomorrow"),
    ]
    index = Covered([*odd, looked("10.1.0.0/24")])
    assert index.address("scanner", "10.1.0.7")
    assert not index.address("scanner", "10.9.0.1")
    assert not index.address("scanner", "10.9.0.1", "resources")
    assert not covers_zone(make.places().zones["mzj"], odd)


def test_an_instance_is_absent_only_where_its_cloud_was_listed_whole(make: Any) -> None:
    instance = instance_id("LHC-01", "0d1c3c5e-6a0e-4a5e-9d3b-5a2e8f9b7c11")
    address, network = ip_id("10.1.0.7", "scanner"), looked("10.1.0.0/24")
    assert absent(make, "host", instance, coverage=[listed("*")])
    assert absent(make, "host", instance, address, coverage=[listed("*"), network])
    assert not absent(make, "host", instance, address, coverage=[listed("*")])
    # An address that stays silent is no proof: the machine may be switched off, and still be there.
    assert not absent(make, "host", instance, address, coverage=[network])
    assert not absent(make, "host", instance, coverage=[listed("交通局")])
    assert not absent(make, "host", instance, coverage=[listed("*", cloud="LHC-02")])
    nameless = instance_id("", "0d1c3c5e-6a0e-4a5e-9d3b-5a2e8f9b7c11")
    assert not absent(make, "host", nameless, coverage=[listed("*", cloud="")])
