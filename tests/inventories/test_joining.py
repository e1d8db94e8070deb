"""What one look at many machines may join: clouds, clusters, clones, containers and networks as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.identity import code_id, instance_id, ip_id, mac_id, mark, serial_id, uuid_id
from inventories.joining import CONTRADICTED, ELSEWHERE, TOO_MANY, join
from inventories.model import Asset, Fact, Identifier, Observation, Strength
from inventories.reconcile import Reconciled

#: One machine's UUID as its hypervisor and as its own firmware write it.
UUID, TWIN = "564d4cbc-c6a9-1969-bc4c-4d56a9c66919", "bc4c4d56-a9c6-6919-bc4c-4d56a9c66919"
OTHER = "4c4c4544-0042-3510-8054-b7c04f333733"
SERVER, CLONE = "0d1c3c5e-6a0e-4a5e-9d3b-5a2e8f9b7c11", "77f0a1f6-3e55-4d9b-8f3a-0a4bd3f6c9e2"


def card(number: int) -> str:
    return f"52:54:00:00:00:{number:02x}"


def machine(
    *ips: str,
    macs: Sequence[int] = (),
    uuid: str = "",
    serial: str = "",
    instance: str = "",
    collector: str = "ssh",
    vantage: str = "scanner",
    inside: bool = True,
    department: str = "",
    zone: str = "mzj",
    **values: object,
) -> Observation:
    """What a login, or a cloud's API, tells of a machine; without ``inside``, what the wire shows of it."""
    strength = Strength.SEEN_INSIDE if inside else Strength.SEEN_OUTSIDE
    identifiers = [
        instance_id(*instance.split("/")) if instance else None,
        uuid_id(uuid) if uuid else None,
        serial_id("Huawei", serial) if serial else None,
        *(mac_id(card(number), vantage) for number in macs),
        *(ip_id(ip, vantage) for ip in ips),
    ]
    facts = [Fact("ips", ips, strength)] if ips else []
    facts += [Fact("macs", tuple(card(n) for n in macs), strength)] if macs else []
    facts += [Fact(column, value, strength) for column, value in values.items()]  # type: ignore[arg-type]
    return Observation(
        "host",
        collector,
        f"{collector} {ips}",
        datetime(2026, 3, 2, 3, tzinfo=UTC),
        tuple(i for i in identifiers if i),
        tuple(facts),
        zone=zone if collector != "register" else "",
        department_id=department,
    )


def wire(ip: str, number: int | None = None, collector: str = "nmap", zone: str = "mzj") -> Observation:
    return machine(ip, macs=() if number is None else (number,), collector=collector, inside=False, zone=zone)


def hosts(found: Reconciled) -> list[Asset]:
    return [asset for asset in found.assets if asset.kind == "host"]


def known_by(found: Reconciled) -> list[set[str]]:
    """For each host, the addresses that it was seen or said to have, in order."""
    return sorted(({i.value for i in host.identifiers if i.scheme == "ip"} for host in hosts(found)), key=sorted)


def why(found: Reconciled) -> dict[str, str]:
    return {doubt.identifier.value: doubt.why for doubt in found.doubts}


# --- one machine, seen in many ways ---


def test_a_cloud_instance_seen_by_api_by_address_and_from_inside_is_one_host(make: Any) -> None:
    by_api = machine(
        "10.1.0.7", "10.1.0.99", macs=[1], uuid=UUID, instance=f"LHC-01/{SERVER}", collector="openstack", name="web"
    )
    found = make.reconciled(by_api, wire("10.1.0.7"), wire("10.1.0.99"), machine("10.1.0.7", macs=[1], uuid=TWIN))
    (host,) = hosts(found)
    assert host.collectors == ("nmap", "openstack", "ssh")
    assert not found.doubts


def test_what_firmware_says_need_not_be_what_the_cloud_calls_the_instance(make: Any) -> None:
    by_api = machine("10.1.0.7", macs=[1], uuid=SERVER, instance=f"LHC-01/{SERVER}", collector="openstack")
    (host,) = hosts(make.reconciled(by_api, machine("10.1.0.7", macs=[1], uuid=OTHER)))
    assert host.collectors == ("openstack", "ssh")


def test_a_machine_listed_by_its_manager_and_by_its_hypervisor_is_one(make: Any) -> None:
    found = make.reconciled(
        machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"VC-1/{SERVER}", collector="vsphere"),
        machine("10.1.0.7", macs=[1], uuid=TWIN, instance=f"ESXI-3/{SERVER.upper()}", collector="vsphere"),
    )
    assert len(hosts(found)) == 1
    strange = make.reconciled(
        machine("10.1.0.7", uuid=UUID, instance="A/vm-42", collector="vsphere"),
        machine("10.1.0.8", uuid=UUID, instance="B/vm-43", collector="vsphere"),
    )
    assert len(hosts(strange)) == 2


def test_a_two_homed_host_is_one_where_somebody_saw_both_sides(make: Any) -> None:
    outside = [wire("10.1.0.7"), wire("10.2.0.7")]
    assert len(hosts(make.reconciled(*outside))) == 2
    assert known_by(make.reconciled(*outside, machine("10.1.0.7", "10.2.0.7", macs=[1, 2]))) == [
        {"10.1.0.7", "10.2.0.7"}
    ]


def test_a_bridge_that_answers_for_its_machine_is_no_other_machine(make: Any) -> None:
    """A virtualisation host's bridge has a card of its own, which no login counts among the machine's cards."""
    found = make.reconciled(machine("10.1.0.7", "10.2.0.7", macs=[1, 2]), wire("10.1.0.7", 77))
    assert len(hosts(found)) == 1
    assert len(hosts(make.reconciled(machine("10.1.0.7", macs=[1]), wire("10.1.0.7", 77)))) == 1


def test_a_guest_that_overrides_its_card_is_still_its_instance(make: Any) -> None:
    found = make.reconciled(
        machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"VC-1/{SERVER}", collector="vsphere"),
        machine("10.1.0.7", "10.2.0.7", macs=[9], uuid=TWIN),
    )
    assert len(hosts(found)) == 1


# --- several machines behind one identifier ---


def test_a_clusters_address_glues_nothing(make: Any) -> None:
    nodes = [machine("10.1.0.7", "10.1.0.100", macs=[1]), machine("10.1.0.8", "10.1.0.100", macs=[2])]
    found = make.reconciled(*nodes, wire("10.1.0.100"), wire("10.1.0.7"), wire("10.1.0.8"))
    assert known_by(found) == [{"10.1.0.100"}, {"10.1.0.100", "10.1.0.7"}, {"10.1.0.100", "10.1.0.8"}]
    assert why(found) == {"10.1.0.100": CONTRADICTED}


def test_an_address_of_two_that_are_known_apart_joins_neither(make: Any) -> None:
    for one, other in (
        ({"uuid": UUID}, {"uuid": OTHER}),
        ({"serial": "210235K5TX"}, {"serial": "210235K5TY"}),
        ({"instance": f"C/{SERVER}"}, {"instance": f"C/{CLONE}"}),
    ):
        found = make.reconciled(machine("10.1.0.7", **one), machine("10.1.0.7", **other), wire("10.1.0.7"))
        assert len(hosts(found)) == 3, one
        assert why(found) == {"10.1.0.7": CONTRADICTED}


def test_an_address_that_moved_while_we_looked_glues_nothing(make: Any) -> None:
    """Two cards answered there: the cluster failed over, or a lease ended, between two probes."""
    found = make.reconciled(
        wire("10.1.0.7", 1), wire("10.1.0.100", 1), wire("10.1.0.100", 2, "snmp"), wire("10.1.0.8", 2)
    )
    assert known_by(found) == [{"10.1.0.100", "10.1.0.7"}, {"10.1.0.100", "10.1.0.8"}]
    assert why(found) == {"10.1.0.100": CONTRADICTED}


def test_the_bridges_that_every_container_host_has_glue_nothing(make: Any) -> None:
    bridges = ("172.17.0.1", "172.18.0.1", "192.168.122.1")
    two = make.reconciled(*(machine(f"10.1.0.{n}", *bridges, macs=[n]) for n in (1, 2)))
    assert len(hosts(two)) == 2
    assert set(why(two)) == set(bridges)
    # Where nobody could read a card, the number tells.
    many = make.reconciled(*(machine(f"10.1.0.{n}", "172.17.0.1") for n in range(1, 7)))
    assert len(hosts(many)) == 6
    assert why(many) == {"172.17.0.1": TOO_MANY}
    # Nor are they one where some others of the same address are known apart.
    known = (machine(f"10.1.0.{n}", "172.17.0.1", uuid=uuid) for n, uuid in ((8, UUID), (9, OTHER)))
    mixed = make.reconciled(*known, *(machine(f"10.1.0.{n}", "172.17.0.1") for n in range(1, 7)))
    assert len(hosts(mixed)) == 8
    assert why(mixed) == {"172.17.0.1": CONTRADICTED}


def test_the_card_of_a_container_identifies_nothing() -> None:
    assert mac_id("02:42:ac:11:00:02", "scanner") is None
    assert mac_id("02:bf:0a:01:00:64", "scanner") is None
    assert mac_id("00:05:73:a0:00:01", "scanner") is None
    assert mac_id("02:43:ac:11:00:02", "scanner") is not None


def test_a_proxys_address_in_front_of_several_hosts_joins_none_of_them(make: Any) -> None:
    found = make.reconciled(
        wire("10.1.0.100"),
        *(make.host_row(f"A-{n}", "mzj", f"10.1.0.{n}", "10.1.0.100", name=f"应用{n}") for n in (1, 2)),
        *(wire(f"10.1.0.{n}") for n in (1, 2)),
    )
    assert {h.get("code") for h in hosts(found)} == {"A-1", "A-2", None}
    assert why(found) == {"10.1.0.100": CONTRADICTED}


def test_a_cloned_machine_is_told_from_its_original_by_its_instance(make: Any) -> None:
    found = make.reconciled(
        machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"VC-1/{SERVER}", collector="vsphere"),
        machine("10.1.0.8", macs=[2], uuid=UUID, instance=f"VC-1/{CLONE}", collector="vsphere"),
        machine("10.1.0.7", macs=[1], uuid=TWIN),
        machine("10.1.0.8", macs=[2], uuid=TWIN),
    )
    assert known_by(found) == [{"10.1.0.7"}, {"10.1.0.8"}]
    assert [doubt.why for doubt in found.doubts] == [CONTRADICTED]


def test_a_cloned_machine_is_told_from_its_original_by_its_cards(make: Any) -> None:
    clones = [machine("10.1.0.7", macs=[1], uuid=UUID), machine("10.1.0.8", macs=[2], uuid=TWIN)]
    assert known_by(make.reconciled(*clones)) == [{"10.1.0.7"}, {"10.1.0.8"}]
    serials = [machine("10.1.0.7", macs=[1], serial="210235K5TX"), machine("10.1.0.8", macs=[2], serial="210235K5TX")]
    assert len(hosts(make.reconciled(*serials))) == 2
    # Seen from elsewhere, the cards are others' to compare; what the register says of a card shows nothing.
    far = replace(clones[1], identifiers=(*clones[1].identifiers[:1], ip_id("10.1.0.8", "far")))
    assert len(hosts(make.reconciled(clones[0], far))) == 1
    row = machine("10.1.0.8", macs=[2], uuid=TWIN, collector="register")
    assert len(hosts(make.reconciled(clones[0], row))) == 1


def test_servers_of_one_enclosure_share_its_serial_number_and_nothing_else(make: Any) -> None:
    found = make.reconciled(
        machine("10.1.0.7", uuid=UUID, serial="CHASSIS01"), machine("10.1.0.8", uuid=OTHER, serial="CHASSIS01")
    )
    assert len(hosts(found)) == 2
    assert [doubt.why for doubt in found.doubts] == [CONTRADICTED]


def test_a_card_that_answers_for_others_counts_for_nothing(make: Any) -> None:
    """A gateway with proxy ARP: its card is everybody's, and so nobody's; it tells no machine from itself."""
    behind = [wire(f"10.1.0.{n}", 99) for n in range(1, 12)]
    found = make.reconciled(*behind, machine("10.1.0.1", macs=[1]), wire("10.1.0.1", 1, "snmp"))
    assert len(hosts(found)) == 11
    assert why(found) == {card(99): TOO_MANY}


# --- one card in several zones ---


def test_a_card_joins_only_within_a_zone(make: Any) -> None:
    """Copies of one machine in two offices behind one scanner: their software numbered both cards alike."""
    here = wire("10.1.0.7", 1), wire("10.1.0.8", 1)
    there = wire("10.2.0.7", 1, zone="shared")
    found = make.reconciled(*here, there)
    assert known_by(found) == [{"10.1.0.7", "10.1.0.8"}, {"10.2.0.7"}]
    assert why(found) == {card(1): ELSEWHERE}
    # Neither takes the other's key in the next audit, whoever is away.
    keys = {frozenset(i.value for i in h.identifiers if i.scheme == "ip"): h.key for h in hosts(found)}
    (alone,) = hosts(make.reconciled(there, keymap=found.keymap))
    assert alone.key == keys[frozenset({"10.2.0.7"})]


def test_a_machine_that_stands_in_two_zones_and_says_so_is_one(make: Any) -> None:
    inside = machine("10.1.0.7", macs=[1, 2])
    both = replace(inside, facts=(Fact("ips", ("10.1.0.7", "10.2.0.7"), Strength.SEEN_INSIDE), *inside.facts[1:]))
    found = make.reconciled(both, wire("10.2.0.7", 2, zone="shared"))
    assert known_by(found) == [{"10.1.0.7", "10.2.0.7"}]
    assert not found.doubts


def test_what_a_platform_in_another_zone_lists_is_joined_by_card_and_address(make: Any) -> None:
    """A vCenter is asked in the zone where it stands; its guests' addresses lie in others."""
    listed = machine(macs=[1], uuid=UUID, instance=f"VC-1/{SERVER}", collector="vsphere", zone="shared")
    listed = replace(listed, facts=(Fact("ips", ("10.1.0.7",), Strength.SEEN_INSIDE), *listed.facts))
    guest = machine("10.1.0.7", macs=[1])
    (host,) = hosts(make.reconciled(listed, guest, wire("10.1.0.7")))
    assert host.collectors == ("nmap", "ssh", "vsphere")
    other = machine("10.1.0.8", macs=[1])
    assert len(hosts(make.reconciled(listed, other))) == 2


def test_a_registers_card_goes_with_what_was_seen_where_that_is_one_thing(make: Any) -> None:
    row = machine(macs=[1], collector="register", department="mzj", code="A-1")
    assert len(hosts(make.reconciled(row, wire("10.1.0.7", 1)))) == 1
    assert len(hosts(make.reconciled(row, wire("10.1.0.7", 1), wire("10.2.0.7", 1, zone="shared")))) == 3
    placed = machine("10.2.0.7", macs=[1], collector="register", department="mzj", code="A-1")
    found = make.reconciled(placed, wire("10.1.0.7", 1), wire("10.2.0.7", 1, zone="shared"))
    assert known_by(found) == [{"10.1.0.7"}, {"10.2.0.7"}]


# --- gateways, pairs and tenants ---


def test_a_gateway_that_answers_for_registered_machines_swallows_none_of_them(make: Any) -> None:
    """Its card is at all their addresses: few enough that the number alone would not tell."""
    rows = [make.host_row(f"A-{n}", "mzj", f"10.1.0.{n}") for n in range(1, 4)]
    found = make.reconciled(*rows, *(wire(f"10.1.0.{n}", 99) for n in range(1, 4)))
    assert sorted(h.text("code") for h in hosts(found)) == ["A-1", "A-2", "A-3"]
    assert all(h.collectors == ("nmap", "register") for h in hosts(found))
    assert why(found) == {card(99): CONTRADICTED}


def test_a_gateway_that_answers_for_machines_that_we_log_in_to_swallows_none_of_them(make: Any) -> None:
    logins = machine("10.1.0.1", macs=[1], uuid=UUID), machine("10.1.0.2", macs=[2], uuid=OTHER)
    found = make.reconciled(*logins, wire("10.1.0.1", 99), wire("10.1.0.2", 99))
    assert known_by(found) == [{"10.1.0.1"}, {"10.1.0.2"}]
    assert all(h.collectors == ("nmap", "ssh") for h in hosts(found))


def test_a_pair_of_firewalls_is_two_whichever_of_them_holds_the_address(make: Any) -> None:
    nodes = (
        machine("10.1.0.2", macs=[2], serial="210235K5TX", collector="snmp"),
        machine("10.1.0.3", macs=[3], serial="210235K5TY", collector="snmp"),
    )
    for vip in (wire("10.1.0.1"), machine("10.1.0.1", macs=[2], serial="210235K5TX", collector="snmp")):
        found = make.reconciled(*nodes, vip)
        serials = [{i.value for i in h.identifiers if i.scheme == "serial"} for h in hosts(found)]
        assert {"huawei|210235K5TX"} in serials and {"huawei|210235K5TY"} in serials
        assert all(len(of) <= 1 for of in serials)


def test_tenants_that_use_the_same_addresses_stay_themselves(make: Any) -> None:
    """Two projects of one cloud, each with 10.1.0.7 in a network of its own; one floating address that has moved."""

    def server(name: str, number: int, *ips: str) -> Observation:
        return machine(*ips, macs=[number], uuid=name, instance=f"GOV-1/{name}", collector="openstack")

    found = make.reconciled(server(SERVER, 1, "10.1.0.7"), server(CLONE, 2, "10.1.0.7"), wire("10.1.0.7"))
    assert sorted(h.collectors for h in hosts(found)) == [("nmap",), ("openstack",), ("openstack",)]
    before = make.reconciled(server(SERVER, 1, "10.1.0.7", "10.1.0.50"), server(CLONE, 2, "10.1.0.8"))
    key = {h.text("key"): {i.value for i in h.identifiers if i.scheme == "instance"} for h in hosts(before)}
    moved = make.reconciled(
        server(SERVER, 1, "10.1.0.7"),
        server(CLONE, 2, "10.1.0.8", "10.1.0.50"),
        wire("10.1.0.50"),
        keymap=before.keymap,
    )
    assert {h.text("key"): {i.value for i in h.identifiers if i.scheme == "instance"} for h in hosts(moved)} == key


def test_machines_behind_one_translated_address_are_not_one(make: Any) -> None:
    """Each says from inside that it leaves by the gateway's public address; none of them has it."""
    behind = [machine(f"10.1.0.{n}", macs=[n], default_gateway="10.1.0.254") for n in range(1, 5)]
    assert len(hosts(make.reconciled(*behind, wire("10.1.0.254")))) == 5


# --- what firmware and software repeat ---

DUMMIES = st.fixed_dictionaries(
    {
        "uuid": st.sampled_from(
            [
                "00000000-0000-0000-0000-000000000000",
                "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
                "03000200-0400-0500-0006-000700080009",
                "12345678-1234-5678-90AB-CDDEEFAABBCC",
                "78563412-3412-7856-90AB-CDDEEFAABBCC",
                "4C4C4544-0000-2010-8020-80C04F202020",
            ]
        ),
        "serial": st.sampled_from(
            [
                "To be filled by O.E.M.",
                "Default string",
                "0123456789",
                "System Serial Number",
                "Not Specified",
                "见铭牌",
            ]
        ),
        "mac": st.sampled_from(
            [
                "00:00:00:00:00:00",
                "00:00:5e:00:01:0a",
                "00:00:0c:07:ac:01",
                "00:00:0c:9f:f0:01",
                "00:09:0f:09:00:01",
                "02:42:ac:11:00:02",
                "00:50:56:c0:00:08",
                "52:54:00:12:34:56",
                "ee:ee:ee:ee:ee:ee",
            ]
        ),
    }
)


@settings(max_examples=60)
@given(dummies=DUMMIES, number=st.integers(2, 6))
def test_what_firmware_and_software_repeat_glues_nothing(make: Any, dummies: dict[str, str], number: int) -> None:
    """As few as two machines with it, and nothing else by which they were seen but their addresses."""
    repeated = [
        i
        for i in (
            uuid_id(dummies["uuid"]),
            serial_id("Inspur", dummies["serial"]),
            mac_id(dummies["mac"], "scanner"),
        )
        if i
    ]
    seen = [replace(o, identifiers=(*o.identifiers, *repeated)) for o in (wire(f"10.1.0.{n}") for n in range(number))]
    found = make.reconciled(*seen)
    assert len(hosts(found)) == number
    assert not found.doubts


# --- whatever is seen, in whatever order ---

ADDRESSES = [f"10.1.0.{n}" for n in range(1, 6)]
KNOWN: list[Identifier] = [
    *(ip_id(address, "scanner") for address in ADDRESSES),
    *(i for n in range(1, 4) if (i := mac_id(card(n), "scanner"))),
    *(i for text in (UUID, OTHER, SERVER) if (i := uuid_id(text))),
    *(i for text in ("210235K5TX", "210235K5TY") if (i := serial_id("Huawei", text))),
    *(instance_id(cloud, name) for cloud in ("A", "B") for name in (SERVER, CLONE)),
    *(code_id("host", code) for code in ("A", "B")),
]


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    collector = draw(st.sampled_from(["register", "nmap", "ssh"]))
    inside = collector == "ssh"
    fact = Fact("arch", "x86_64", Strength.SEEN_INSIDE if inside else Strength.SEEN_OUTSIDE)
    more = draw(st.lists(st.sampled_from(ADDRESSES), max_size=2, unique=True)) if inside else []
    addresses = [Fact("ips", tuple(more), Strength.SEEN_INSIDE)] if more else []
    return Observation(
        "host",
        collector,
        f"{collector} {draw(st.integers(0, 9))}",
        datetime(2026, 3, 2, draw(st.integers(0, 3)), tzinfo=UTC),
        tuple(draw(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=4, unique=True))),
        (fact, *addresses) if collector != "register" else (),
        zone="" if collector == "register" else draw(st.sampled_from(["mzj", "shared"])),
        department_id=draw(st.sampled_from(["", "mzj", "jtj"])) if collector == "register" else "",
    )


MANY = st.lists(observations(), max_size=9, unique=True)


def parts(found: Sequence[Observation]) -> set[frozenset[Observation]]:
    return {frozenset(found[index] for index in group) for group in join("host", found, {}).groups}


@settings(max_examples=100)
@given(found=MANY, luck=st.randoms(use_true_random=False))
def test_order_decides_nothing(found: list[Observation], luck: Any) -> None:
    shuffled = list(found)
    luck.shuffle(shuffled)
    assert parts(found) == parts(shuffled)
    assert join("host", found, {}).doubted == join("host", shuffled, {}).doubted


@settings(max_examples=100)
@given(found=MANY)
def test_no_union_has_two_marks_of_one_scheme(found: list[Observation]) -> None:
    """A single observation may itself be muddled; a union never is."""
    for part in parts(found):
        marks = [_marks(observation) for observation in part]
        muddled = {scheme for own in marks for scheme in own if len(own[scheme]) > 1}
        united: dict[str, set[str]] = {}
        for own in marks:
            for scheme, values in own.items():
                united.setdefault(scheme, set()).update(values)
        assert {scheme for scheme, values in united.items() if len(values) > 1} <= muddled


def _marks(observation: Observation) -> dict[str, set[str]]:
    out: dict[str, set[str]] = {}
    for identifier in observation.identifiers:
        if identifier.scheme in ("uuid", "serial", "instance", "host-code"):
            scheme, value = mark(identifier)
            out.setdefault(scheme, set()).add(value)
    # A cloud that names its instances by UUID says so twice; what the firmware says may differ.
    out["uuid"] = out.get("uuid", set()) - {same.value for n in out.get("instance", ()) if (same := uuid_id(n))}
    if observation.department_id:
        out["owner"] = {observation.department_id}
    return out


@settings(max_examples=100)
@given(found=MANY)
def test_a_card_alone_never_joins_across_zones(found: list[Observation]) -> None:
    """Unless a register's row enters several cards as one machine's, each of them seen in one zone."""
    cards = []
    for observation in found:
        kept = tuple(i for i in observation.identifiers if i.scheme == "mac")
        facts = tuple(fact for fact in observation.facts if fact.column != "ips")
        cards.append(replace(observation, identifiers=kept, facts=facts))
    for part in parts([o for o in cards if o.identifiers and (o.zone or len(o.identifiers) == 1)]):
        assert len({o.zone for o in part} - {""}) <= 1


@settings(max_examples=100)
@given(found=MANY, address=st.sampled_from(ADDRESSES))
def test_one_more_sight_of_an_address_neither_joins_nor_parts_others(found: list[Observation], address: str) -> None:
    more = wire(address)
    before = parts(found)
    after = {part - {more} for part in parts([*found, more])} - {frozenset()}
    assert after == before
