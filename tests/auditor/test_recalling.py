"""What becomes of a finding whose asset is in no source: gone only where those who saw it have looked again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from auditor.collecting import Looked
from auditor.ledger import Ledger
from auditor.ledger.life import Sight
from auditor.ledger.records import Opening, Present, Seen, Terms
from auditor.recalling import Recall
from inventories.identity import code_id, instance_id, ip_id, place_id, service_id, uuid_id
from inventories.model import (
    Asset,
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    KeyMap,
    Observation,
    Strength,
    Value,
)
from inventories.places import Places
from inventories.snapshot import Draft
from tests.auditor.ledgers import ledger_of
from tests.inventories.conftest import Make

FIRST, SECOND = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
RULE, ZONE, AT = "p/r", "mzj", "scanner"
WHOLE = "10.1.0.0/24"
GONE, OPEN = Sight.ABSENT_COVERED, Sight.ABSENT_UNCOVERED

ROOM = place_id("mzj", ZONE, "民政局大楼", "room")
NETWORK = place_id("mzj", ZONE, "民政局大楼", "network-10.77.0.0/16")
CLOUD = place_id("mzj", ZONE, "民政局大楼", "cloud-vsphere")


def asset(kind: str, key: str, *identifiers: Identifier, by: Sequence[str] = ("nmap",), zone: str = ZONE) -> Asset:
    return Asset(kind, key, identifiers, {"key": key}, zones=(zone,), collectors=tuple(sorted(by)))


def host(number: int, *by: str) -> Asset:
    return asset("host", f"h-{number}", ip_id(f"10.1.0.{number}", AT), by=by or ("nmap",))


def looked(collector: str, aspect: str, *scope: str, detail: str = "", zone: str = ZONE) -> Coverage:
    return Coverage(collector, zone, AT, aspect, scope or (WHOLE,), SECOND, SECOND, detail)


def swept() -> tuple[Coverage, ...]:
    """nmap looked at the whole zone."""
    aspects = ("hosts", "ports", "services")
    return tuple(looked("nmap", aspect, detail="tcp:22,80,443,8080") for aspect in aspects)


def failed(collector: str, *scope: str, reason: str = "login_refused") -> Failure:
    return Failure(collector, ZONE, scope or (WHOLE,), reason, "", SECOND)


def heard(number: int, collector: str = "nmap") -> Observation:
    fact = Fact("answers", True, Strength.SEEN_OUTSIDE)
    at = ip_id(f"10.1.0.{number}", AT)
    return Observation("host", collector, collector, SECOND, (at,), (fact,), zone=ZONE)


@dataclass
class Case:
    """One finding, an audit that confirmed it, and a second one that does not find its asset in any source."""

    root: Path
    ledger: Ledger
    keymap: KeyMap = field(default_factory=KeyMap)
    present: list[Present] = field(default_factory=list)

    def confirmed(
        self, found: Asset, *others: Asset, source: str = "nmap", aliases: dict[str, str] | None = None
    ) -> None:
        with Draft(self.root, "s1") as draft:
            draft.write(assets=(found, *others), collection=Collection(), keymap=KeyMap(), context={}, packs={})
            draft.commit()
        aliases = aliases or {}
        key = aliases.get(found.key, found.key)
        self.keymap = KeyMap(keys={(found.kind, i): key for i in found.identifiers}, aliases=aliases)
        strength = "declared" if source.startswith("registers") else "seen_inside"
        at = FIRST.isoformat()
        facts: tuple[dict[str, Value], ...] = (
            {"column": "c", "value": True, "source": source, "strength": strength, "observed_at": at},
        )
        name = self.ledger.begin_audit(Opening(), at=FIRST)
        seen = Seen(RULE, found.kind, key, "x", "mzj", "民政局", ZONE, "high", "order", facts)
        self.ledger.record(
            name, snapshot="s1", at=FIRST, seen=[seen], sight_of=lambda _: {}, terms=Terms(date(2026, 3, 1))
        )
        (row,) = self.ledger.findings()
        self.present = [Present(row.id, RULE, found.kind, key, "x", "mzj", ZONE, row.life)]

    def now(self, *parts: object, looked_at: Looked | None = None) -> Sight:
        """What the second audit says of the finding; where not said otherwise, it looked everywhere."""
        site = SimpleNamespace(
            places=Places(Make().zones()), snapshots=self.root, config=SimpleNamespace(absence_audits=2)
        )
        judged = SimpleNamespace(
            collected=Make.collection(*parts),
            keymap=self.keymap,
            rules={RULE: None},
            as_of=SECOND.date(),
            verdicts_for=lambda _pairs: {},
        )
        everywhere = Looked(attempted=frozenset(site.places.zones))
        recall = Recall(cast(Any, site), cast(Any, judged), looked_at or everywhere, self.ledger)
        return recall.sight_of(self.present)[self.present[0].id]


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as ledger:
        yield Case(tmp_path / "snapshots", ledger)


# --- rooms ---

SNMP_WHOLE, INSIDE_WHOLE = looked("snmp", "snmp"), looked("ssh", "inside")


@pytest.fixture
def room(case: Case) -> Case:
    """Two hypervisors and a power supply of which its SNMP agent told."""
    case.confirmed(asset("room", "r-1", ROOM, by=("nmap", "snmp")), host(2), host(3), host(9, "nmap", "snmp"))
    return case


def test_a_room_is_gone_where_everybody_who_saw_it_looked_again(room: Case) -> None:
    assert room.now(swept(), SNMP_WHOLE) is GONE
    # Its machines stand there still, and say other things.
    assert room.now(swept(), SNMP_WHOLE, heard(2), heard(3), heard(9)) is GONE
    # Nobody is at these addresses any more: an agent that is not there cannot be asked.
    assert room.now(swept()) is GONE


def test_a_room_is_not_gone_because_its_agents_refused_us(room: Case) -> None:
    assert room.now(swept(), failed("snmp"), heard(9)) is OPEN
    assert room.now(swept(), failed("snmp", "10.1.0.9/32"), heard(9)) is OPEN
    assert room.now(swept(), failed("snmp")) is OPEN
    assert room.now(swept(), SNMP_WHOLE, failed("snmp", "10.1.0.77/32")) is OPEN


def test_an_agent_that_does_not_know_the_community_any_more_is_silent_and_not_gone(room: Case) -> None:
    """No failure tells of it: agents answer nobody who does not know the word."""
    assert room.now(swept(), heard(9)) is OPEN
    assert room.now(swept(), heard(9), looked("snmp", "snmp", "10.1.0.77/32")) is OPEN
    assert room.now(swept(), heard(9), looked("snmp", "snmp", "10.1.0.9/32")) is GONE


def test_another_zones_agents_say_nothing_of_this_room(room: Case) -> None:
    elsewhere = Failure("snmp", "shared", ("10.2.0.0/24",), "login_refused", "", SECOND)
    assert room.now(swept(), SNMP_WHOLE, elsewhere) is GONE
    assert room.now(swept(), heard(9), looked("snmp", "snmp", "10.2.0.0/24", zone="shared")) is OPEN


def test_a_machine_that_no_scan_ever_heard_cannot_fall_silent(case: Case) -> None:
    case.confirmed(asset("room", "r-1", ROOM, by=("snmp",)), host(9, "snmp"))
    assert case.now(swept()) is OPEN
    assert case.now(swept(), SNMP_WHOLE) is GONE


def test_a_room_is_not_gone_where_the_scan_itself_was_not_whole(room: Case) -> None:
    assert room.now(SNMP_WHOLE) is OPEN
    assert room.now(SNMP_WHOLE, [looked("nmap", a, "10.1.0.0/25") for a in ("hosts", "ports", "services")]) is OPEN
    assert room.now(swept(), SNMP_WHOLE, failed("nmap", "10.1.0.77/32", reason="timed_out")) is OPEN


def test_a_room_that_a_platforms_interface_told_of_needs_all_of_it_listed_again(case: Case) -> None:
    case.confirmed(asset("room", "r-1", ROOM, by=("nmap", "vsphere")), host(2, "nmap", "vsphere"))
    assert case.now(swept()) is OPEN
    assert case.now(swept(), failed("vsphere", "https://10.1.0.2", reason="certificate")) is OPEN
    assert case.now(swept(), looked("vsphere", "resources", "民政局", detail="VC-1")) is OPEN
    assert case.now(swept(), looked("vsphere", "resources", "*", detail="VC-1")) is GONE


# --- clouds ---


def test_a_cloud_that_its_interface_told_of_is_not_gone_when_the_interface_fails(case: Case) -> None:
    """It has the code that the site gives it: that no register names it was so before."""
    case.confirmed(
        asset("cloud", "c-1", code_id("cloud", "VC-1"), by=("vsphere",)), source="vsphere https://10.1.0.2"
    )
    register = Coverage("register", "", "", "register", ("mzj",), SECOND, SECOND, "clouds")
    assert case.now(swept(), register) is OPEN
    assert case.now(swept(), register, failed("vsphere", "https://10.1.0.2")) is OPEN
    assert case.now(swept(), register, looked("vsphere", "resources", "*", detail="VC-2")) is OPEN
    assert case.now(swept(), register, looked("vsphere", "resources", "*", detail="VC-1")) is GONE


def test_a_cloud_that_only_its_own_number_names_is_never_gone_by_itself(case: Case) -> None:
    number = uuid_id("564d4cbc-c6a9-1969-bc4c-4d56a9c66919")
    assert number is not None
    case.confirmed(asset("cloud", "c-1", number, by=("vsphere",)), source="vsphere https://10.1.0.2")
    assert case.now(swept(), looked("vsphere", "resources", "*", detail="VC-2")) is OPEN


def test_a_cloud_that_was_inferred_is_gone_where_its_pages_were_asked_again(case: Case) -> None:
    case.confirmed(asset("cloud", "c-1", CLOUD, by=("endpoints", "nmap")), host(2, "nmap", "endpoints"))
    pages = looked("endpoints", "endpoints", "10.1.0.2/32", detail="443")
    assert case.now(swept(), heard(2), failed("endpoints", "10.1.0.2/32", reason="timed_out")) is OPEN
    assert case.now(swept(), heard(2)) is OPEN
    assert case.now(swept(), heard(2), pages) is GONE
    assert case.now(swept()) is GONE


# --- networks ---


def test_a_network_is_gone_where_the_machines_that_led_to_it_were_read_again(case: Case) -> None:
    machines = host(5, "nmap", "ssh"), host(6, "nmap", "snmp"), host(7, "nmap")
    case.confirmed(asset("network", "n-1", NETWORK, by=("nmap", "snmp", "ssh")), *machines, source="ssh + snmp")
    here = [heard(5), heard(6), heard(7)]
    read = looked("ssh", "inside", "10.1.0.5/32"), looked("snmp", "snmp", "10.1.0.6/32")
    assert case.now(swept(), here, read) is GONE
    assert case.now(swept(), here, read[0]) is OPEN
    assert case.now(swept(), here, read[1]) is OPEN
    assert case.now(swept(), here[1:], read[1]) is GONE
    assert case.now(swept(), here, read, failed("ssh", "10.1.0.5/32", reason="changed_host_key")) is OPEN
    assert case.now(here, read) is OPEN


# --- hosts ---


def test_a_host_is_not_gone_because_its_login_failed(case: Case) -> None:
    case.confirmed(host(5, "nmap", "snmp", "ssh"))
    assert case.now(swept()) is GONE
    assert case.now(swept(), failed("snmp", "10.1.0.5/32", reason="timed_out")) is OPEN
    assert case.now(swept(), failed("ssh", WHOLE, reason="no_credentials")) is OPEN
    assert case.now(swept(), failed("ssh", "10.1.0.6/32")) is GONE
    assert case.now(swept(), failed("windows")) is GONE
    # It was seen at its address all the same, as something else.
    assert case.now(swept(), heard(5)) is OPEN
    assert case.now() is OPEN


def test_a_host_that_only_its_agent_told_of_needs_the_agent(case: Case) -> None:
    case.confirmed(host(5, "snmp"), source="snmp")
    assert case.now(swept()) is OPEN
    assert case.now(swept(), failed("snmp")) is OPEN
    assert case.now(swept(), SNMP_WHOLE) is GONE


def test_a_cloud_instance_is_gone_where_its_cloud_was_listed_whole(case: Case) -> None:
    instance = instance_id("GOV-1", "0d1c3c5e-6a0e-4a5e-9d3b-5a2e8f9b7c11")
    case.confirmed(asset("host", "h-1", instance, by=("openstack",)), source="openstack https://cloud.example:5000")
    assert case.now(looked("openstack", "resources", "民政局", detail="GOV-1")) is OPEN
    assert case.now(looked("openstack", "resources", "*", detail="GOV-1")) is GONE
    assert case.now(looked("openstack", "resources", "*", detail="GOV-1"), failed("openstack", "region:b")) is OPEN


# --- systems ---


def test_a_service_is_gone_where_its_port_was_asked_again(case: Case) -> None:
    case.confirmed(asset("system", "s-1", service_id("10.1.0.5", 8080, "tcp", AT)))
    assert case.now(swept()) is GONE
    assert case.now(swept(), failed("nmap", "10.1.0.5/32", reason="timed_out")) is OPEN


def test_what_only_registers_named_needs_the_register_alone(case: Case) -> None:
    system = asset("system", "s-1", code_id("system", "MZ-1"), by=("register", "names"))
    case.confirmed(system, source="registers/systems.xlsx!B7")
    register = Coverage("register", "", "", "register", ("mzj",), SECOND, SECOND, "systems")
    assert case.now(register, failed("snmp")) is GONE
    assert case.now(failed("snmp")) is OPEN


# --- what is known no more ---


def test_an_asset_that_has_been_merged_since_is_still_found_in_its_snapshot(case: Case) -> None:
    found = asset("room", "r-old", ROOM, by=("nmap", "snmp"))
    case.confirmed(found, host(9, "nmap", "snmp"), aliases={"r-old": "r-new"})
    assert case.now(swept(), heard(9)) is OPEN
    assert case.now(swept(), heard(9), SNMP_WHOLE) is GONE


def test_without_its_snapshot_a_findings_own_sources_must_have_covered_the_zone(case: Case) -> None:
    case.confirmed(asset("room", "r-1", ROOM, by=("nmap", "snmp")), source="nmap + snmp")
    shutil.rmtree(case.root / "s1")
    assert case.now(swept()) is OPEN
    assert case.now(swept(), SNMP_WHOLE, failed("snmp")) is OPEN
    assert case.now(swept(), SNMP_WHOLE) is GONE


def test_without_its_snapshot_what_was_concluded_needs_a_zone_without_failures(case: Case) -> None:
    """Its finding rests on papers that are missing, so nothing tells any more who saw it."""
    case.confirmed(asset("room", "r-1", ROOM, by=("nmap", "snmp")), source="registers/submissions（mzj rooms）")
    (case.root / "s1" / "assets.parquet").write_bytes(b"broken")
    assert case.now(swept(), failed("snmp")) is OPEN
    assert case.now(swept()) is GONE


# --- what was judged before ---


def test_what_an_earlier_audit_judged_shows_nothing_new(room: Case) -> None:
    """The same sweep, taken along for another day: it covered everything, and still is no second look."""
    carried = Looked(left_out=frozenset({ZONE}), carried=frozenset({(ZONE, "nmap"), (ZONE, "snmp")}))
    assert room.now(swept(), SNMP_WHOLE, looked_at=carried) is Sight.NOT_ATTEMPTED
    assert room.now(swept(), SNMP_WHOLE) is GONE


def test_a_probe_that_looks_less_often_is_waited_for(case: Case) -> None:
    """Swept last night; what the agent told is of last week, and a finding that rests on it waits for the agent."""
    case.confirmed(asset("room", "r-1", ROOM, by=("nmap", "snmp")), host(9, "nmap", "snmp"), source="snmp")
    weekly = Looked(carried=frozenset({(ZONE, "snmp")}))
    assert case.now(swept(), SNMP_WHOLE, heard(9), looked_at=weekly) is Sight.NOT_ATTEMPTED
    assert case.now(swept(), SNMP_WHOLE, heard(9)) is GONE
