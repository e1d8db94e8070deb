"""Only what was looked at lets an absence mean something."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from typing import Any

import pytest

from inventories.coverage import Covered, asset_absence, covers_zone, is_covered
from inventories.identity import code_id, department_id, ip_id, mac_id, name_id, place_id, service_id, uuid_id
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
