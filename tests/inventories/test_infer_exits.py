"""Internet exits of a department's own: what must be concluded, and above all what must not."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from inventories.identity import ip_id
from inventories.infer.known import is_public
from inventories.model import Asset, Coverage, Fact, Observation, Strength, Value
from inventories.places import Address
from inventories.reconcile import Reconciled

IN = Strength.SEEN_INSIDE
PUBLIC = "203.0.113.9"
PPPOE = {"uplinks": ("ppp0 pppoe",)}
MODEM = {"uplinks": ("wwan0 cellular",)}
ADDRESS: dict[str, Any] = {"interfaces": ("eth0 10.1.0.5/24", f"eth1 {PUBLIC}/29")}


@pytest.fixture(scope="module")
def inside(make: Any) -> Callable[..., Observation]:
    """A host as its own shell tells it. By default it is a server: nginx listens."""

    def build(
        ip: str = "10.1.0.5", *, zone: str = "mzj", vantage: str = "scanner", collector: str = "ssh", **values: Value
    ) -> Observation:
        default: dict[str, Value] = {
            "interfaces": (f"eth0 {ip}/24",),
            "default_gateway": "10.1.0.1",
            "listeners": ("22/tcp sshd", "80/tcp nginx"),
        }
        facts = [Fact("answers", True, IN), Fact("ips", (ip,), IN)]
        facts += [Fact(column, value, IN) for column, value in (default | values).items() if value not in (None, ())]
        return Observation("host", collector, collector, make.at, (ip_id(ip, vantage),), tuple(facts), zone=zone)

    return build


def row(make: Any, code: str, department: str = "mzj", **values: Any) -> Observation:
    return make.row(
        "network", f"registers/networks.csv!{code}", department, (), **({"code": code, "name": code} | values)
    )


def unified(make: Any, **values: Any) -> Observation:
    told = {"kind": "internet_exit", "is_unified_exit": True, "prefixes": ("198.51.100.0/28",)}
    return row(make, "EXIT", "bureau", **(told | values))


def read_whole(make: Any, *prefixes: str) -> Coverage:
    scope = prefixes or ("10.1.0.5/32",)
    return Coverage("ssh", "mzj", "scanner", "inside", scope, make.at, make.at)


def audit(make: Any, *parts: Any) -> Reconciled:
    return make.inferred([make.department(name) for name in ("mzj", "jtj", "czj", "bureau")], *parts)


def exits(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "network" and a.get("is_inferred") is True]


def told(found: Reconciled) -> tuple[Any, Any, list[tuple[Any, Any]]]:
    """own_uplink and has_public_ip of the one host, and (kind, confidence) of every exit inferred."""
    (host,) = [a for a in found.assets if a.kind == "host"]
    return (
        host.get("own_uplink"),
        host.get("has_public_ip"),
        [(e.get("kind"), e.get("inference_confidence")) for e in exits(found)],
    )


# --- what is concluded ---


@pytest.mark.parametrize(("values", "sure"), [(PPPOE, 0.9), (MODEM, 0.8), ({"uplinks": ("ppp1 dial-up",)}, 0.8)])
def test_a_server_that_dials_by_itself(make: Any, inside: Any, values: dict[str, Any], sure: float) -> None:
    """Whatever the unified exit is: this is not it."""
    for more in ([], [unified(make)]):
        found = audit(make, inside(**values), more)
        assert told(found) == (True, None, [("internet_exit", sure)])
    (network,) = exits(found)
    assert network.get("endpoints_observed") == ("10.1.0.5",)
    assert network.text("name").startswith("民政局办公网") and "疑似" not in network.text("name")
    assert "10.1.0.5（民政局办公网） 上网接口" in network.values["inference_evidence"][0]  # type: ignore[index]


def test_a_public_address_outside_the_unified_exit(make: Any, inside: Any) -> None:
    found = audit(make, inside(**ADDRESS), unified(make))
    assert told(found) == (True, True, [("internet_exit", 0.7)])
    (network,) = exits(found)
    assert (network.get("prefixes"), network.get("department_id")) == (("203.0.113.8/29",), "mzj")
    gateway = audit(make, inside(**ADDRESS, default_gateway="203.0.113.14"), unified(make))
    assert told(gateway) == (True, True, [("internet_exit", 0.9)])


def test_where_the_unified_exit_is_not_known_it_is_a_lead(make: Any, inside: Any) -> None:
    for more in ([], [unified(make, prefixes=("不详",))], [row(make, "X", "jtj", kind="internet_exit")]):
        found = audit(make, inside(**ADDRESS, default_gateway="203.0.113.14"), more)
        assert told(found) == (None, True, [(None, 0.6)])
        assert "疑似" in exits(found)[0].text("name")


def test_another_gateway_than_the_unified_exits_in_its_own_zone(make: Any, inside: Any) -> None:
    known = unified(make, gateways_observed=("10.1.0.1",))
    legs = ("eth0 10.1.0.5/24", "eth1 192.168.1.5/24")
    away = inside(interfaces=legs, default_gateway="192.168.1.1")
    assert told(audit(make, away, known)) == (True, None, [("internet_exit", 0.8)])
    # Without knowing it, an unlisted gateway says next to nothing.
    assert told(audit(make, away, unified(make))) == (None, None, [])
    assert told(audit(make, away)) == (None, None, [])
    # One more gateway of the zone may lead to the unified exit by another way.
    assert told(audit(make, inside(default_gateway="10.1.0.254"), known)) == (None, None, [])


def test_a_firewall_is_a_way_out_for_all(make: Any, inside: Any) -> None:
    firewall = inside(
        "10.1.0.1",
        collector="snmp",
        interfaces=("inside 10.1.0.1/24", f"outside {PUBLIC}/29"),
        routes=("0.0.0.0/0 via 203.0.113.14 dev outside",),
        default_gateway="",
        listeners=(),
        products=("security_device:防火墙",),
    )
    assert told(audit(make, firewall, unified(make))) == (True, True, [("internet_exit", 0.9)])


def test_machines_behind_one_line_are_one_exit(make: Any, inside: Any) -> None:
    hosts = [inside(f"10.1.0.{i}", interfaces=(f"eth0 10.1.0.{i}/24", f"eth1 203.0.113.{i}/28")) for i in (5, 6)]
    (network,) = exits(audit(make, hosts, unified(make)))
    assert network.get("endpoints_observed") == ("10.1.0.5", "10.1.0.6")
    modems = exits(audit(make, inside("10.1.0.5", **MODEM), inside("10.1.0.6", **MODEM)))
    assert [network.get("inference_confidence") for network in modems] == [0.8]
    elsewhere = inside("10.2.0.200", zone="shared", **MODEM)
    assert len(exits(audit(make, inside("10.1.0.5", **MODEM), elsewhere))) == 2


# --- what must not be concluded ---


@pytest.mark.parametrize(
    "values",
    [
        {"model": "ThinkPad T14 Gen 3"},
        {"os_name": "Microsoft Windows 10 Pro"},
        {"os_name": "UnionTech OS Desktop 20 Pro"},
        # Nothing is served: whatever it is, it is no infrastructure.
        {"listeners": ("22/tcp sshd", "127.0.0.1:631/tcp cupsd", "111/tcp rpcbind")},
        {"listeners": ()},
    ],
)
def test_a_laptop_with_a_mobile_uplink_is_no_server(make: Any, inside: Any, values: dict[str, Any]) -> None:
    for uplink in (MODEM, PPPOE, {"uplinks": ("usb0 usb-tether",)}, ADDRESS):
        own, _public, networks = told(audit(make, inside(**(uplink | values)), unified(make)))
        assert (own, networks) == (None, [])


def test_a_phone_on_a_server_is_a_lead(make: Any, inside: Any) -> None:
    assert told(audit(make, inside(uplinks=("usb0 usb-tether",)))) == (None, None, [(None, 0.5)])


def test_what_a_register_or_a_scan_shows_makes_a_server(make: Any, inside: Any) -> None:
    quiet = inside(listeners=(), **MODEM)
    carrier = make.host_row("A-1", "mzj", "10.1.0.5", system_codes=("MZ-1",))
    web = make.seen("10.1.0.5", "8080/tcp http nginx")
    database = inside(listeners=(), products=("database:达梦 DM8",), **MODEM)
    for parts in ([quiet, carrier], [quiet, web], [database]):
        assert told(audit(make, *parts)) == (True, None, [("internet_exit", 0.8)])
    # A row alone says that somebody owns it.
    assert told(audit(make, quiet, make.host_row("A-1", "mzj", "10.1.0.5"))) == (None, None, [])


def test_clouds_have_floating_addresses_and_no_exits_of_their_own(make: Any, inside: Any) -> None:
    floating = inside("10.9.0.5", zone="gov-cloud", interfaces=("eth0 10.9.0.5/24", f"eth1 {PUBLIC}/29"))
    assert told(audit(make, floating, unified(make))) == (None, True, [])


@pytest.mark.parametrize(
    ("kind", "department", "prefix", "own", "named"),
    [
        # The unified exit itself, and the government network: everybody's.
        ("unified", "bureau", "203.0.113.0/24", None, []),
        ("government", "bureau", "203.0.113.0/24", None, []),
        ("dedicated", "mzj", "203.0.113.0/24", None, []),
        # The department's own exit stands in its register: nothing is inferred beside it, and the host has one.
        ("internet_exit", "mzj", "203.0.113.0/24", True, []),
        # Another department's is none of this one's.
        ("dedicated", "jtj", "203.0.113.0/24", True, [("internet_exit", 0.7)]),
        ("internet_exit", "jtj", "203.0.113.0/24", True, [("internet_exit", 0.7)]),
    ],
)
def test_a_declared_network_accounts_for_its_addresses(
    make: Any, inside: Any, kind: str, department: str, prefix: str, own: Any, named: Any
) -> None:
    values: dict[str, Any] = {"prefixes": (prefix,)}
    values |= {"kind": "internet_exit", "is_unified_exit": True} if kind == "unified" else {"kind": kind}
    parts = [inside(**ADDRESS), row(make, "N-1", department, **values)]
    if kind != "unified":
        parts.append(unified(make))
    found_own, _public, networks = told(audit(make, *parts))
    assert (found_own, networks) == (own, named)


def test_the_zones_own_gateway_proves_nothing(make: Any, inside: Any) -> None:
    for gateway in ("10.1.0.1", "10.1.0.254", "10.1.9.1", "", "fe80::1"):
        assert told(audit(make, inside(default_gateway=gateway), unified(make))) == (None, None, [])


def test_public_addresses_of_version_six_are_everybodys(make: Any, inside: Any) -> None:
    six = inside(interfaces=("eth0 10.1.0.5/24", "eth0 2001:db8:1::5/64", "eth1 240e:1::5/64"))
    assert told(audit(make, six, unified(make))) == (None, None, [])


def test_addresses_inside_the_machine_are_not_looked_at(make: Any, inside: Any) -> None:
    bridge = inside(interfaces=("eth0 10.1.0.5/24", f"docker0 {PUBLIC}/24"))
    assert told(audit(make, bridge, unified(make))) == (None, None, [])


def test_what_was_only_hinted_does_not_count(make: Any, inside: Any) -> None:
    seen = inside(**PPPOE)
    for strength in (Strength.HINTED, Strength.SEEN_OUTSIDE):
        facts = tuple(replace(f, strength=strength) if f.column == "uplinks" else f for f in seen.facts)
        assert told(audit(make, replace(seen, facts=facts))) == (None, None, [])


def test_an_owner_in_doubt_is_accused_of_nothing(make: Any, inside: Any) -> None:
    stranger = make.host_row("B-1", "jtj", "10.1.0.5")
    assert told(audit(make, inside(**PPPOE), stranger)) == (None, None, [])


# --- FALSE, and contradictions ---


def test_no_exit_of_its_own_only_where_everything_was_read_and_the_unified_one_is_known(
    make: Any, inside: Any
) -> None:
    known, whole, host = unified(make, gateways_observed=("10.1.0.1",)), read_whole(make), inside()
    assert told(audit(make, host, known, whole)) == (False, False, [])
    for parts in (
        [host, known],  # nobody says that it was read to the end
        [host, whole],  # the unified exit is not known
        [host, unified(make), whole],  # nobody says that this gateway leads to it
        [host, known, read_whole(make, "10.1.0.6/32")],
        [inside(default_gateway=""), known, whole],
        [inside(interfaces=()), known, whole],
        [inside(uplinks=("usb0 usb-tether",), listeners=()), known, whole],
    ):
        own, public, networks = told(audit(make, *parts))
        assert (own, public, networks) == (None, None, [])


def test_seen_beats_what_a_register_denies_and_says_so(make: Any, inside: Any) -> None:
    denied = make.host_row("A-1", "mzj", "10.1.0.5", own_uplink=False)
    found = audit(make, inside(**PPPOE), denied)
    (host,) = [a for a in found.assets if a.kind == "host"]
    assert host.get("own_uplink") is True
    (conflict,) = [c for c in host.conflicts if c.column == "own_uplink"]
    assert {claim.value for claim in conflict.claims} == {True, False}
    (fact,) = [f for f in host.facts if f.column == "own_uplink" and f.value is True]
    assert fact.strength is IN and "ppp0 pppoe" in fact.evidence and "10.1.0.5" in fact.evidence


def test_what_a_probe_said_of_public_addresses_stands(make: Any, inside: Any) -> None:
    for said in (True, False):
        host = inside(has_public_ip=said, **(ADDRESS if said else {}))
        assert told(audit(make, host, unified(make)))[1] is said


def test_undeclared_only_where_the_register_came_in_whole(make: Any, inside: Any) -> None:
    (unknown,) = exits(audit(make, inside(**PPPOE)))
    assert unknown.get("is_declared") is None
    (nil,) = exits(audit(make, inside(**PPPOE), make.submission("networks", nil=True)))
    assert (nil.get("is_declared"), nil.get("approval_absent")) == (False, True)


# --- the whole ---


def test_the_order_of_the_input_decides_nothing(make: Any, inside: Any) -> None:
    parts = [
        *(make.department(name) for name in ("mzj", "jtj", "bureau")),
        inside("10.1.0.5", **ADDRESS),
        inside("10.1.0.6", interfaces=("eth0 10.1.0.6/24", "eth1 203.0.113.10/29"), default_gateway="203.0.113.14"),
        inside("10.1.0.7", **PPPOE),
        inside("10.2.0.200", zone="shared", **MODEM),
        unified(make),
        make.host_row("A-1", "mzj", "10.1.0.7", own_uplink=False),
        read_whole(make),
    ]
    expected = make.inferred(*parts)
    luck = random.Random(5)
    for _ in range(25):
        luck.shuffle(parts)
        assert make.inferred(*parts) == expected
    again = make.inferred(*parts, keymap=expected.keymap, today=date(2026, 3, 9))
    assert [e.key for e in exits(again)] == [e.key for e in exits(expected)]
    assert len(exits(expected)) == 3


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("203.0.113.9", True),
        ("59.192.0.1", False),
        ("59.172.0.1", True),
        ("10.1.0.1", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("192.168.0.1", False),
        ("100.64.1.1", False),
        ("127.0.0.1", False),
        ("169.254.1.1", False),
        ("255.255.255.255", False),
        ("2001:db8::1", False),
    ],
)
def test_public_addresses(text: str, public: bool) -> None:
    address: Address = ipaddress.ip_address(text)
    assert is_public(address) is public
