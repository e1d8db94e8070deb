"""From answers to a device and its observations."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.documents import parse_yaml
from inventories.faults import Faults
from inventories.model import Strength
from inventories.places import Zone
from probes.snmp import oids
from probes.snmp.agents import agents, read_agents
from probes.snmp.answers import Answers, Raw, text
from probes.snmp.device import read_device
from probes.snmp.facts import observe, observe_met

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ZONE = Zone("a", "测试网", "v", "department", (ipaddress.ip_network("10.1.0.0/16"),))

#: Recorded from Debian's snmpd 5.9.3 that played a switch (tests/lab/test_snmp.py), as the session hands it over.
SWITCH = Answers(
    {
        oids.SYS_DESCR: b"S5735-L48T4X-A Huawei Versatile Routing Platform",
        oids.SYS_OBJECT_ID: "1.3.6.1.4.1.2011.2.23.900",
        oids.SYS_NAME: b"sw1",
    },
    {
        oids.IF_DESCR: {(1,): b"Vlanif1", (2,): b"GE0/0/1", (3,): b"LoopBack0"},
        oids.IF_TYPE: {(1,): 6, (2,): 6, (3,): 24},
        oids.IF_PHYS_ADDRESS: {(1,): bytes.fromhex("001882010203"), (2,): bytes.fromhex("001882010204"), (3,): b""},
        oids.IF_OPER_STATUS: {(1,): 1, (2,): 1, (3,): 1},
        oids.IP_AD_IF_INDEX: {(10, 1, 0, 1): 1, (10, 1, 9, 9): 3},
        oids.IP_AD_NET_MASK: {(10, 1, 0, 1): "255.255.255.0", (10, 1, 9, 9): "255.255.255.255"},
        oids.CIDR_ROUTE_IF_INDEX: {
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 1, 0, 254): 1,
            (10, 8, 0, 0, 255, 255, 0, 0, 0, 10, 1, 0, 253): 1,
        },
        oids.NET_TO_MEDIA_PHYS: {
            (1, 10, 1, 0, 50): bytes.fromhex("005056aabbcc"),
            (1, 10, 1, 0, 200): bytes.fromhex("005056aabbcd"),
            (1, 192, 168, 7, 7): bytes.fromhex("005056aabbce"),
            (1, 10, 1, 0, 60): bytes.fromhex("00005e000101"),
        },
        oids.ENT_CLASS: {(1,): 3, (2,): 9},
        oids.ENT_VENDOR: {(1,): b"Huawei", (2,): b"Huawei"},
        oids.ENT_MODEL: {(1,): b"S5735-L48T4X-A", (2,): b"board"},
        oids.ENT_SERIAL: {(1,): b"2102TEST0001", (2,): b"2102TEST0002"},
        oids.LLDP_LOCAL_PORT: {(2,): b"GE0/0/1"},
        oids.LLDP_REMOTE_NAME: {(0, 2, 1): b"core-1"},
        oids.LLDP_REMOTE_PORT: {(0, 2, 1): b"GE1/0/24"},
        oids.LLDP_REMOTE_ADDRESS: {(0, 2, 1, 1, 4, 10, 9, 0, 1): 1},
    },
)


def test_a_switch_is_read_whole() -> None:
    device = read_device(SWITCH)
    assert (device.vendor, device.model, device.serial) == ("Huawei", "S5735-L48T4X-A", "2102TEST0001")
    assert device.default_gateway == "10.1.0.254"
    assert [str(route) for route in device.routes] == [
        "0.0.0.0/0 via 10.1.0.254 dev Vlanif1",
        "10.8.0.0/16 via 10.1.0.253 dev Vlanif1",
    ]
    assert device.neighbours == ("GE0/0/1 → core-1 GE1/0/24 (10.9.0.1)",)
    seen = observe(device, address="10.1.0.1", zone=ZONE, at=AT)
    facts = {fact.column: fact.value for fact in seen.facts}
    assert facts["products"] == ("network_device:华为网络设备 S5735-L48T4X-A",)
    assert {str(i) for i in seen.identifiers} == {
        "ip:10.1.0.1@v",
        "mac:00:18:82:01:02:03@v",
        "mac:00:18:82:01:02:04@v",
        "serial:huawei|2102TEST0001",
    }, "a loopback's address of its own is no identity"


def test_what_it_met_is_told_only_within_the_leave_to_probe() -> None:
    targets = (ipaddress.ip_network("10.1.0.0/25"),)
    met = observe_met(read_device(SWITCH), address="10.1.0.1", zone=ZONE, targets=targets, at=AT)
    assert [str(o.identifiers[0]) for o in met] == ["ip:10.1.0.50@v"], "neither outside, nor a virtual router's"
    assert not any(fact.column == "answers" for o in met for fact in o.facts)


def test_a_ups_is_one_by_its_own_mib_whoever_made_it() -> None:
    said: dict[str, Raw] = {
        oids.SYS_DESCR: b"GSE200M",
        oids.SYS_OBJECT_ID: "1.3.6.1.4.1.476.1.42",
        oids.UPS_VENDOR: b"HUAWEI",
    }
    said[oids.UPS_MODEL] = b"UPS2000"
    facts = observe(read_device(Answers(said)), address="10.1.0.9", zone=ZONE, at=AT).facts
    products = [(f.value, f.strength) for f in facts if f.column == "products"]
    assert products == [(("ups:HUAWEI UPS2000",), Strength.SEEN_INSIDE)]


def test_a_number_that_serves_power_and_cooling_alike_is_only_a_hint() -> None:
    facts = observe(
        read_device(Answers({oids.SYS_OBJECT_ID: "1.3.6.1.4.1.476.1.42"})), address="10.1.0.9", zone=ZONE, at=AT
    ).facts
    assert [f.strength for f in facts if f.column == "products"] == [Strength.HINTED]


def test_a_number_is_no_prefix_of_a_longer_one() -> None:
    assert read_device(Answers({oids.SYS_OBJECT_ID: "1.3.6.1.4.1.3181.3.4"})).agent is None


def test_two_default_gateways_are_none() -> None:
    table = {(0,) * 9 + (10, 1, 0, 254): 1, (0,) * 9 + (10, 1, 0, 253): 1}
    assert read_device(Answers({}, {oids.CIDR_ROUTE_IF_INDEX: table})).default_gateway == ""


def test_a_stack_has_no_serial_number_of_its_own() -> None:
    tables: dict[str, dict[tuple[int, ...], Raw]] = {
        oids.ENT_CLASS: {(1,): 3, (2,): 3},
        oids.ENT_SERIAL: {(1,): b"A0001", (2,): b"A0002"},
        oids.ENT_MODEL: {(1,): b"S5735", (2,): b"S5735"},
    }
    assert read_device(Answers({}, tables)).serial == ""


def test_the_newer_table_of_routes_is_read() -> None:
    index = (1, 4, 10, 8, 0, 0, 16, 2, 0, 0, 1, 4, 10, 1, 0, 253)
    device = read_device(Answers({}, {oids.INET_CIDR_ROUTE_IF_INDEX: {index: 1}, oids.IF_DESCR: {(1,): b"vlan1"}}))
    assert [str(route) for route in device.routes] == ["10.8.0.0/16 via 10.1.0.253 dev vlan1"]


def test_words_from_outside_do_nothing() -> None:
    device = read_device(Answers({oids.SYS_NAME: b"\x1b[31mroot\x07", oids.SYS_DESCR: "交换机".encode("gb18030")}))
    assert "\x1b" not in device.name
    assert device.descr == "交换机"
    assert text(b"\xff\xfe\xff") != ""


_INDEX = st.tuples(*[st.integers(0, 300)] * 5) | st.lists(st.integers(0, 300), max_size=14).map(tuple)
_VALUE = st.binary(max_size=12) | st.integers() | st.text(max_size=12)


@given(st.dictionaries(st.sampled_from(oids.TABLES), st.dictionaries(_INDEX, _VALUE, max_size=4), max_size=8))
def test_nonsense_is_left_out_and_never_raises(tables: dict[str, dict[tuple[int, ...], Raw]]) -> None:
    device = read_device(Answers({oids.SYS_OBJECT_ID: "x"}, tables))
    observe(device, address="10.1.0.9", zone=ZONE, at=AT)
    observe_met(device, address="10.1.0.9", zone=ZONE, targets=ZONE.prefixes, at=AT)


def test_every_row_of_the_table_has_its_source() -> None:
    assert len(agents()) > 10
    assert all(row.source for row in agents())


def test_a_broken_table_tells_all_its_faults() -> None:
    row = "  - {object: x, vendor: v, product: p, category: ups, strength: hinted, source: s}\n"
    rows = f"agents:\n{row}  - {{object: '1'}}\n"
    with pytest.raises(Faults) as caught:
        read_agents(parse_yaml(rows, name="agents.yaml"))
    assert len(caught.value.faults) == 2
