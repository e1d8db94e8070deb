"""One asset, attribute by attribute: who said it, when, and who disagreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.provenance import Attribute, attributes, conflicts_json, fact_json
from inventories.facts import EQUALS, NOT_FROM_HERE, STRONGER_SHOWN
from inventories.model import Asset, Fact, Observation, Strength
from tests.inventories.conftest import Make
from tests.inventories.test_joining import UUID, machine, wire

MAKE = Make()
INSIDE = Strength.SEEN_INSIDE


def host(*parts: object) -> Asset:
    (found,) = [a for a in MAKE.reconciled(*parts).assets if a.kind == "host"]
    return found


def by_column(asset: Asset) -> dict[str, Attribute]:
    return {attribute.column.name: attribute for attribute in attributes(asset)}


def said(source: str, at: datetime, ip: str = "10.1.0.7", **values: Any) -> Observation:
    seen = machine(ip, macs=[1], uuid=UUID, collector=source.split(maxsplit=1)[0])
    facts = tuple(Fact(column, value, INSIDE, f"{column} 如此") for column, value in values.items())
    return Observation("host", seen.collector, source, at, seen.identifiers, facts, zone="mzj")


AT = datetime(2026, 3, 2, 3, tzinfo=UTC)


def test_every_fact_of_every_source_is_told_with_its_time() -> None:
    row = MAKE.host_row("A-1", "mzj", "10.1.0.7", os_name="CentOS 7", vendor="华为")
    asset = host(row, wire("10.1.0.7"), said("ssh", AT, os_name="openEuler", vendor="HUAWEI"))
    told = by_column(asset)
    everything = {(f.column, f.source, f.observed_at) for a in told.values() for f in (s.fact for s in a.said)}
    assert everything == {(f.column, f.source, f.observed_at) for f in asset.facts}
    system = told["os_name"]
    assert [(one.fact.source, one.words, one.standing) for one in system.said] == [
        ("ssh", "openEuler", "采信"),
        ("registers/hosts.csv!A-1", "CentOS 7", "未采信"),
    ]
    assert (system.words, system.why) == ("openEuler", STRONGER_SHOWN)
    # The same maker, put differently: nobody disagrees.
    assert [one.standing for one in told["vendor"].said] == ["采信", "采信"] and not told["vendor"].why


def test_where_equals_contradict_each_other_nobody_is_believed() -> None:
    told = by_column(host(said("ssh", AT, os_name="A"), said("windows", AT, os_name="B")))["os_name"]
    assert (told.value, told.words, told.why) == (None, "不明", EQUALS)
    assert told.as_json()["disagree"] == ["ssh", "windows"]
    assert [one.standing for one in told.said] == ["未采信", "未采信"]


def test_what_a_source_said_before_is_past_and_no_disagreement() -> None:
    told = by_column(host(said("ssh", AT - timedelta(hours=1), os_name="A"), said("ssh", AT, os_name="B")))["os_name"]
    assert (told.value, told.why, told.as_json()["disagree"]) == ("B", "", [])
    assert [(one.words, one.standing) for one in told.said] == [("B", "采信"), ("A", "已更新")]


def test_what_is_disputed_is_not_past_though_one_probe_said_both() -> None:
    """Two addresses of one machine, looked at one after the other by a scan that was told different things."""

    def scanned(ip: str, at: datetime, name: str) -> Observation:
        fact = Fact("os_name", name, Strength.SEEN_OUTSIDE)
        return Observation("host", "nmap", "nmap", at, wire(ip).identifiers, (fact,), zone="mzj")

    both = machine("10.1.0.7", "10.1.0.8", macs=[1], uuid=UUID)
    asset = host(both, scanned("10.1.0.7", AT, "A"), scanned("10.1.0.8", AT + timedelta(minutes=1), "B"))
    told = by_column(asset)["os_name"]
    assert (told.value, told.why) == (None, EQUALS)
    assert {one.standing for one in told.said} == {"未采信"}
    assert told.as_json()["disagree"] == ["nmap"]


def test_what_one_side_cannot_see_is_told_as_that() -> None:
    asset = host(
        said("openstack https://cloud.example", AT, has_public_ip=True), said("ssh", AT, has_public_ip=False)
    )
    told = by_column(asset)["has_public_ip"]
    assert (told.value, told.words, told.why) == (True, "是", NOT_FROM_HERE)
    assert told.as_json()["disagree"] == ["ssh"]


def test_an_answer_of_none_is_told_as_one() -> None:
    system = MAKE.system("S-1", "救助系统", none=("approval_no",))
    found = MAKE.reconciled(MAKE.department("mzj"), system, MAKE.submission("systems"))
    (asset,) = [a for a in found.assets if a.kind == "system"]
    told = by_column(asset)
    assert [(one.words, one.fact.absent) for one in told["approval_no"].said] == [("无", True)]
    assert (told["approval_absent"].value, told["approval_absent"].said[0].fact.evidence) == (True, "批准文号：无")


def test_a_refused_identifier_is_told_with_its_reason() -> None:
    found = MAKE.reconciled(*(MAKE.host_row(code, "mzj", "10.1.0.7") for code in ("A-1", "A-2")))
    for asset in found.assets:
        told = by_column(asset)["key"]
        assert told.why.startswith("ip:10.1.0.7@scanner：")
        assert [c["column"] for c in conflicts_json(asset)] == ["key"]


def test_json_holds_what_a_program_needs() -> None:
    (fact,) = [f for f in host(said("ssh", AT, memory_mb=2048)).facts if f.column == "memory_mb"]
    assert fact_json(fact) == {
        "column": "memory_mb",
        "value": 2048,
        "absent": False,
        "strength": "seen_inside",
        "origin": "observed",
        "source": "ssh",
        "observed_at": "2026-03-02T03:00:00+00:00",
        "evidence": "memory_mb 如此",
    }
    attribute = by_column(host(said("ssh", AT, memory_mb=2048)))["memory_mb"].as_json()
    assert (attribute["title"], attribute["value"], attribute["shown"]) == ("内存", 2048, "2048MB")
