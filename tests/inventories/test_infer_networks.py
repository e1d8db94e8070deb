"""Networks that hosts lead to and nobody declared: what must be concluded, and above all what must not."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.coverage import asset_absence
from inventories.facts import COLUMNS, supports
from inventories.identity import ip_id
from inventories.infer.readings import listener, reading_of
from inventories.model import Asset, Fact, Failure, Observation, Strength, Value
from inventories.places import Places, Zone
from inventories.reconcile import Reconciled

IN = Strength.SEEN_INSIDE
FAR = "10.200.0.0/16"


@pytest.fixture(scope="module")
def inside(make: Any) -> Callable[..., Observation]:
    """A host as its own shell tells it; ``routes`` and the rest as the probes write them."""

    def build(
        ip: str = "10.1.0.5",
        *,
        zone: str = "mzj",
        vantage: str = "scanner",
        collector: str = "ssh",
        at: timedelta = timedelta(),
        length: int = 24,
        **values: Value,
    ) -> Observation:
        default: dict[str, Value] = {
            "interfaces": (f"eth0 {ip}/{length}",),
            "routes": ("0.0.0.0/0 via 10.1.0.1 dev eth0",),
            "default_gateway": "10.1.0.1",
        }
        facts = [Fact("answers", True, IN), Fact("ips", (ip,), IN)]
        facts += [Fact(column, value, IN) for column, value in (default | values).items() if value]
        return Observation("host", collector, collector, make.at + at, (ip_id(ip, vantage),), tuple(facts), zone=zone)

    return build


def leg(i: int = 5, far: str = FAR) -> dict[str, Value]:
    """A second interface with a gateway beyond which another network lies."""
    return {
        "interfaces": (f"eth0 10.1.0.{i}/24", f"eth1 172.31.5.{i}/24 00:1b:21:0a:bb:{i:02x}"),
        "routes": (
            "0.0.0.0/0 via 10.1.0.1 dev eth0",
            "10.1.0.0/24 dev eth0",
            "172.31.5.0/24 dev eth1",
            f"{far} via 172.31.5.1 dev eth1",
        ),
    }


def network_row(make: Any, code: str, department: str = "mzj", **values: Any) -> Observation:
    values = {"code": code, "name": f"网络 {code}", "kind": "dedicated"} | values
    return make.row("network", f"registers/networks.csv!{code}", department, (), **values)


def inferred(make: Any, *parts: Any, **more: Any) -> list[Asset]:
    departments = [make.department(name) for name in ("mzj", "jtj", "czj", "bureau")]
    return found_in(make.inferred(departments, *parts, **more))


def found_in(found: Reconciled) -> list[Asset]:
    return [a for a in found.assets if a.kind == "network" and a.get("is_inferred") is True]


def shown(networks: list[Asset]) -> list[tuple[Any, Any, Any]]:
    return [(n.get("prefixes"), n.get("kind"), n.get("inference_confidence")) for n in networks]


BOTH = (FAR, "172.31.5.0/24")


# --- what is concluded ---


def test_two_machines_over_one_gateway_show_a_dedicated_network(make: Any, inside: Any) -> None:
    (found,) = inferred(make, inside("10.1.0.5", **leg(5)), inside("10.1.0.6", **leg(6)))
    assert shown([found]) == [(BOTH, "dedicated", 0.9)]
    assert (found.get("department_id"), found.get("zone")) == ("mzj", "mzj")
    assert found.get("endpoints_observed") == ("10.1.0.5", "10.1.0.6")
    assert found.get("gateways_observed") == ("172.31.5.1",)
    lines = found.values["inference_evidence"]
    assert isinstance(lines, tuple)
    for words in ("10.1.0.5（民政局办公网）", f"{FAR} via 172.31.5.1 dev eth1", "来源：ssh", "第二网卡"):
        assert words in lines[0] + lines[2], (words, lines)
    (fact,) = [f for f in found.facts if f.column == "prefixes"]
    assert fact.strength is IN and FAR in fact.evidence


def test_one_machine_alone_is_a_lead_and_no_kind(make: Any, inside: Any) -> None:
    assert shown(inferred(make, inside(**leg()))) == [(BOTH, None, 0.7)]


def test_a_router_and_a_host_agree(make: Any, inside: Any) -> None:
    router = inside(
        "10.1.0.1",
        collector="snmp",
        default_gateway="",
        interfaces=("vlan1 10.1.0.1/24", "wan1 172.31.5.2/30", "vlan20 10.77.20.1/24"),
        routes=("10.1.0.0/24 dev vlan1", "10.77.20.0/24 dev vlan20", f"{FAR} via 172.31.5.1 dev wan1"),
        products=("network_device:路由器",),
    )
    # Its own subnets are no networks of anybody else's.
    assert shown(inferred(make, router)) == [((FAR,), None, 0.5)]
    assert shown(inferred(make, router, inside(**leg())))[0][1:] == ("dedicated", 0.9)


def test_a_tunnel_to_nobody_declared(make: Any, inside: Any) -> None:
    told: dict[str, Any] = {
        "tunnels": ("wg0 wireguard 198.51.100.7",),
        "routes": ("0.0.0.0/0 via 10.1.0.1 dev eth0", f"{FAR} dev wg0"),
    }
    assert shown(inferred(make, inside(**told))) == [((FAR,), None, 0.5)]
    # What its text tells may be its own address, and no other end.
    own = told | {"tunnels": ("wg0 wireguard 10.99.0.2",), "interfaces": ("eth0 10.1.0.5/24", "wg0 10.99.0.2/24")}
    assert shown(inferred(make, inside(**own))) == [((FAR,), None, 0.5)]
    # The tunnel's own text may tell where it leads.
    text = {"tunnels": (f"ipsec0 ipsec 198.51.100.7 {FAR}",)}
    two = inferred(make, inside("10.1.0.5", **text), inside("10.1.0.6", **told))
    assert shown(two) == [((FAR,), "dedicated", 0.9)]


def test_the_same_prefix_behind_two_departments_is_two_networks(make: Any, inside: Any) -> None:
    other = inside(
        "10.2.0.200", zone="shared", **(leg() | {"interfaces": ("eth0 10.2.0.200/25", "eth1 172.31.5.9/24")})
    )
    far = inside("10.1.0.5", zone="czj", vantage="far", **leg())
    found = inferred(make, inside(**leg()), other, far)
    assert sorted(str(n.get("department_id")) for n in found) == ["czj", "jtj", "mzj"]
    assert len({n.key for n in found}) == 3


def test_all_that_one_gateway_leads_to_is_one_network(make: Any, inside: Any) -> None:
    routes = tuple(f"10.20{i}.0.0/16 via 172.31.5.1 dev eth1" for i in range(5))
    (found,) = inferred(make, inside(interfaces=("eth0 10.1.0.5/24", "eth1 172.31.5.5/24"), routes=routes))
    assert len(found.values["prefixes"]) == 6  # type: ignore[arg-type]
    assert found.get("inference_confidence") == 0.7


def test_two_gateways_are_two_networks(make: Any, inside: Any) -> None:
    routes = (f"{FAR} via 172.31.5.1 dev eth1", "10.201.0.0/16 via 172.30.5.1 dev eth2")
    interfaces = ("eth0 10.1.0.5/24", "eth1 172.31.5.5/24", "eth2 172.30.5.5/24")
    found = inferred(make, inside(interfaces=interfaces, routes=routes))
    assert [n.get("gateways_observed") for n in found] in (
        [("172.31.5.1",), ("172.30.5.1",)],
        [("172.30.5.1",), ("172.31.5.1",)],
    )


def test_its_key_is_the_places_and_outlives_a_prefix(make: Any, inside: Any) -> None:
    departments = [make.department("mzj")]
    first = make.inferred(departments, inside(**leg()))
    (network,) = found_in(first)
    for later in (inside("10.1.0.9", **leg(9)), inside(**leg(far="10.201.0.0/16"))):
        again = make.inferred(departments, later, keymap=first.keymap, today=date(2026, 3, 9))
        (same,) = found_in(again)
        assert same.key == network.key and same.get("first_seen_on") == date(2026, 3, 2)


# --- what accounts for it ---


@pytest.mark.parametrize(
    ("row", "accounted"),
    [
        ({"prefixes": (FAR, "172.31.5.0/24")}, True),
        # Its gateway leads there: what else that leads to is the same network's.
        ({"prefixes": ("172.31.5.0/24",)}, True),
        ({"prefixes": ("10.200.7.0/24",)}, True),
        ({"prefixes": ("10.0.0.0/8", "172.16.0.0/12")}, True),
        ({"prefixes": ("10.199.0.0/16",)}, False),
        ({"prefixes": ()}, False),
        ({"prefixes": ("0.0.0.0/0",)}, False),
        ({"prefixes": (FAR,), "kind": "government"}, True),
        ({"prefixes": (FAR,), "kind": "vertical"}, True),
        ({"prefixes": ("不详",)}, False),
    ],
)
def test_a_declared_network_accounts_for_what_leads_to_it(
    make: Any, inside: Any, row: dict[str, Any], accounted: bool
) -> None:
    parts = [inside("10.1.0.5", **leg(5)), inside("10.1.0.6", **leg(6))]
    declared = network_row(make, "N-1", approval_no="示审〔2022〕15号", **{k: v for k, v in row.items() if v})
    assert (inferred(make, parts, declared) == []) is accounted


def test_what_was_seen_is_told_of_the_declared_network(make: Any, inside: Any, one: Any) -> None:
    declared = network_row(make, "N-1", prefixes=(FAR,))
    found = make.inferred(make.department("mzj"), declared, inside("10.1.0.5", **leg(5)))
    network = one(found, "network")
    assert (network.get("is_inferred"), network.get("is_declared")) == (False, True)
    assert network.get("endpoints_observed") == ("10.1.0.5",)
    assert network.get("gateways_observed") == ("172.31.5.1",)


def test_another_departments_network_accounts_for_nothing_here(make: Any, inside: Any) -> None:
    parts = [inside("10.1.0.5", **leg(5)), inside("10.1.0.6", **leg(6))]
    assert len(inferred(make, parts, network_row(make, "N-1", "jtj", prefixes=BOTH))) == 1
    # The government network is everybody's.
    assert inferred(make, parts, network_row(make, "N-1", "bureau", prefixes=BOTH, kind="government")) == []


def test_a_clouds_prefixes_are_no_networks(make: Any, inside: Any) -> None:
    parts = [inside("10.1.0.5", **leg(5)), inside("10.1.0.6", **leg(6))]
    cloud = make.cloud("GOV-2", prefixes=(FAR, "172.31.5.0/24"))
    assert inferred(make, parts, cloud) == []
    # Those of a cloud's zone are the same from every vantage.
    czj = inside("10.1.0.5", zone="czj", vantage="far", **leg(far="10.9.0.0/24"))
    assert shown(inferred(make, czj)) == []


def test_a_tunnel_to_a_declared_end_is_accounted_for(make: Any, inside: Any) -> None:
    for peer in ("10.9.0.20", "10.2.0.7", "172.30.1.1"):
        told = {"tunnels": (f"gre1 gre {peer}",), "routes": (f"{FAR} dev gre1",)}
        declared = network_row(make, "N-1", prefixes=("172.30.1.0/24",))
        parts = [inside(f"10.1.0.{i}", **told) for i in (5, 6)]
        assert inferred(make, parts, declared) == []


# --- what must not be concluded ---


@pytest.mark.parametrize(
    "told",
    [
        # An idle second interface leads nowhere.
        {"interfaces": ("eth0 10.1.0.5/24", "eth1 192.168.77.5/24"), "routes": ("192.168.77.0/24 dev eth1",)},
        # The default route, in every spelling.
        {
            "routes": (
                "0.0.0.0/0 via 172.31.5.1 dev eth1",
                "0.0.0.0/1 via 172.31.5.1 dev tun0",
                "default via 172.31.5.1",
            )
        },
        # What the default gateway leads to anyway.
        {"routes": (f"{FAR} via 10.1.0.1 dev eth0",)},
        # One more gateway in its own subnet.
        {"routes": (f"{FAR} via 10.1.0.254 dev eth0",)},
        # A neighbouring subnet, another zone, the cloud.
        {
            "routes": (
                "10.1.7.0/24 via 10.1.0.254 dev eth0",
                "10.2.0.0/24 via 10.1.0.254",
                "10.9.0.0/24 via 10.1.0.254",
            )
        },
        {"interfaces": ("eth0 10.1.0.5/24", "eth1 10.1.9.5/24"), "routes": ("10.1.8.0/24 via 10.1.9.1 dev eth1",)},
        # A single address, the two ends of a line.
        {"routes": ("172.31.9.9/32 via 172.31.5.1 dev eth1", "172.31.9.8/31 via 172.31.5.1 dev eth1")},
        # Loopback, link-local, multicast, nonsense.
        {
            "routes": (
                "127.0.0.0/8 dev lo",
                "169.254.0.0/16 dev eth0",
                "224.0.0.0/4 via 172.31.5.1",
                "gibberish",
                "1 via x",
            )
        },
        {"routes": ("fe80::/64 dev eth0", "ff00::/8 dev eth0")},
        # Containers and guests of the machine itself.
        {
            "interfaces": ("eth0 10.1.0.5/24", "docker0 172.17.0.1/16", "br-0123456789ab 172.19.0.1/16"),
            "routes": (
                "172.17.0.0/16 dev docker0",
                "172.19.0.0/16 dev br-0123456789ab",
                "172.20.0.0/16 via 172.19.0.2",
            ),
        },
        {"interfaces": ("eth0 10.1.0.5/24", "virbr0 192.168.122.1/24"), "routes": ("192.168.122.0/24 dev virbr0",)},
        {
            "interfaces": ("eth0 10.1.0.5/24", "flannel.1 10.244.0.0/32", "cni0 10.244.0.1/24"),
            "routes": ("10.244.1.0/24 via 10.244.1.0 dev flannel.1", "10.55.2.0/24 via 10.1.0.6 dev eth0"),
        },
        {"tunnels": ("vx0 vxlan 10.1.0.6",), "routes": (f"{FAR} dev vx0",)},
        # The same without their interfaces: what runs there tells.
        {"routes": ("10.55.2.0/24 via 10.1.0.6 dev eth0",) * 2, "products": ("container:kubelet",)},
        {"routes": ("10.244.2.0/24 via 172.31.5.1 dev eth1",), "products": ("cloud_platform:Kubernetes",)},
        # A server that others dial in to: its own subnet, in both spellings of the kernel.
        {
            "tunnels": ("tun0 openvpn 10.8.0.1",),
            "interfaces": ("eth0 10.1.0.5/24", "tun0 10.8.0.1/24"),
            "routes": ("10.8.0.0/24 dev tun0", "10.8.0.0/24 via 10.8.0.2 dev tun0"),
        },
        # A tunnel with nothing behind it.
        {"tunnels": ("tun0 openvpn 10.8.0.1/24",), "interfaces": ("eth0 10.1.0.5/24", "tun0 10.8.0.1/24")},
        # A summary of everything private that holds what is declared.
        {"interfaces": ("eth0 10.1.0.5/24", "eth1 172.31.5.5/24"), "routes": ("10.0.0.0/8 via 172.31.5.1 dev eth1",)},
        # A mask that is too short.
        {"interfaces": ("eth0 10.1.0.5/8", "eth1 10.1.0.6/8")},
    ],
)
def test_what_every_machine_has_is_no_network(make: Any, inside: Any, told: dict[str, Any]) -> None:
    assert shown(inferred(make, inside(**told))) == []


def test_a_storage_network_of_many_machines_leads_nowhere(make: Any, inside: Any) -> None:
    hosts = [
        inside(f"10.1.0.{i}", interfaces=(f"eth0 10.1.0.{i}/24", f"eth1 192.168.77.{i}/24")) for i in range(10, 18)
    ]
    assert inferred(make, hosts) == []


def test_gateways_of_ones_own_subnet_never_make_a_dedicated_network(make: Any, inside: Any) -> None:
    routes = {"routes": (f"{FAR} via 10.1.0.254 dev eth0",)}
    hosts = [inside(f"10.1.0.{i}", **routes) for i in range(10, 18)]
    assert shown(inferred(make, hosts)) == [((FAR,), None, 0.6)]


def test_the_subnet_that_a_machine_lives_in_is_its_home(make: Any, inside: Any) -> None:
    """Servers with a leg in the zone, whose default gateway stands in a subnet that the site does not list."""
    told: dict[str, Any] = {
        "default_gateway": "172.20.1.1",
        "routes": ("0.0.0.0/0 via 172.20.1.1 dev eth1", f"{FAR} via 172.20.1.2 dev eth1"),
    }
    hosts = [
        inside(f"10.1.0.{i}", **told, interfaces=(f"eth0 10.1.0.{i}/24", f"eth1 172.20.1.{i}/24")) for i in (5, 6)
    ]
    assert shown(inferred(make, hosts)) == [((FAR,), None, 0.6)]


def test_a_carriers_table_is_no_list_of_networks(make: Any, inside: Any) -> None:
    routes = tuple(f"10.{64 + i // 200}.{i % 200}.0/24 via 172.31.5.1 dev eth1" for i in range(400))
    assert inferred(make, inside(**(leg() | {"routes": routes}))) == []


def test_a_desk_counts_half(make: Any, inside: Any) -> None:
    desks = [inside(f"10.1.0.{i}", os_name="Microsoft Windows 10 Pro", **leg(i)) for i in (5, 6)]
    assert shown(inferred(make, desks[0])) == []
    assert shown(inferred(make, desks)) == [(BOTH, None, 0.6)]


def test_nothing_is_concluded_of_clouds_machines_or_of_doubtful_owners(make: Any, inside: Any) -> None:
    cloud = [inside(f"10.9.0.{i}", zone="gov-cloud", **leg(i)) for i in (5, 6)]
    assert inferred(make, cloud) == []
    stranger = make.host_row("B-1", "jtj", "10.1.0.5")
    assert shown(inferred(make, inside(**leg()), stranger)) == []


def test_what_was_only_hinted_or_said_from_outside_does_not_count(make: Any, inside: Any) -> None:
    for strength in (Strength.HINTED, Strength.SEEN_OUTSIDE):
        seen = inside(**leg())
        weaker = replace(seen, facts=tuple(replace(fact, strength=strength) for fact in seen.facts))
        assert inferred(make, weaker) == []


def test_a_newer_look_outdates_an_older_one(make: Any, inside: Any) -> None:
    before, after = inside(**leg()), inside(at=timedelta(hours=1))
    assert inferred(make, before, after) == []
    assert len(inferred(make, after, inside(at=timedelta(hours=2), **leg()))) == 1


# --- undeclared or not ---


def test_undeclared_only_where_the_register_came_in_whole(make: Any, inside: Any) -> None:
    parts = [inside("10.1.0.5", **leg(5)), inside("10.1.0.6", **leg(6))]
    broken = Failure("register", "", ("networks", "mzj"), "bad_input", "rows were refused", make.at)
    for received in ([], [make.submission("networks", "jtj")], [make.submission("networks"), broken]):
        (found,) = inferred(make, parts, received)
        assert (found.get("is_declared"), found.get("approval_absent")) == (None, None)
        assert "是否已登记不明" in found.values["inference_evidence"][-1]  # type: ignore[index]
    (told,) = inferred(make, parts, make.submission("networks"))
    assert (told.get("is_declared"), told.get("approval_absent"), told.get("built_on")) == (False, None, None)
    assert "2026-02-01" in told.values["inference_evidence"][-1]  # type: ignore[index,operator]
    (nil,) = inferred(make, parts, make.submission("networks", nil=True))
    assert (nil.get("is_declared"), nil.get("approval_absent")) == (False, True)


# --- the whole ---


def test_the_order_of_the_input_decides_nothing(make: Any, inside: Any) -> None:
    routes = (f"{FAR} via 172.31.5.1 dev eth1", "10.200.7.0/24 via 172.30.5.1 dev eth2", "10.77.0.0/16 via 10.1.0.9")
    parts = [
        *(make.department(name) for name in ("mzj", "jtj")),
        *(inside(f"10.1.0.{i}", **leg(i)) for i in range(5, 9)),
        inside("10.1.0.20", interfaces=("eth0 10.1.0.20/24", "eth2 172.30.5.5/24"), routes=routes),
        inside("10.2.0.200", zone="shared", **leg()),
        inside("10.1.0.5", at=timedelta(hours=1), **leg(5, "10.222.0.0/16")),
        network_row(make, "N-1", "jtj", prefixes=("172.31.5.0/24",)),
        make.submission("networks"),
    ]
    expected = make.inferred(*parts)
    luck = random.Random(11)
    for _ in range(25):
        luck.shuffle(parts)
        assert make.inferred(*parts) == expected
    second = make.inferred(*parts, keymap=expected.keymap, today=date(2026, 3, 9))
    assert [(a.kind, a.key) for a in second.assets] == [(a.kind, a.key) for a in expected.assets]
    for network in found_in(expected):
        for name, value in network.values.items():
            grounds = [f for f in network.facts if f.column == name and supports(COLUMNS["network"][name], value, f)]
            assert grounds or name in ("key", "sources", "is_observed", "first_seen_on", "last_seen_on", "zone")


_prefix = st.builds(
    lambda base, length: str(ipaddress.ip_network((base, length), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
_address = st.builds(lambda number: str(ipaddress.ip_address(number)), st.integers(0, 2**32 - 1))
_name = st.sampled_from(["eth0", "eth1", "docker0", "wg0", "ppp0", "", "Ethernet 2", "lo"])
_route = st.builds(lambda p, g, n: f"{p} via {g} dev {n}".strip(), _prefix, _address, _name)


@settings(max_examples=60, deadline=None)
@given(st.lists(_route, max_size=6), st.lists(_route, max_size=6), st.randoms(use_true_random=False))
def test_whatever_routes_say_declared_space_is_never_named(
    make: Any, inside: Any, one: list[str], two: list[str], luck: Any
) -> None:
    """No prefix of a zone or of a declared network, no default, no single address, and the same in any order."""
    declared = network_row(make, "N-1", prefixes=(FAR,))
    parts = [
        make.department("mzj"),
        declared,
        inside("10.1.0.5", **(leg() | {"routes": tuple(one)})),
        inside("10.1.0.6", **(leg(6) | {"routes": tuple(two)})),
    ]
    found = make.inferred(*parts)
    known = [ipaddress.ip_network(text) for text in ("10.1.0.0/24", "10.2.0.0/24", "10.9.0.0/24", FAR)]
    for network in found_in(found):
        for text in network.values["prefixes"]:  # type: ignore[union-attr]
            prefix = ipaddress.ip_network(text)
            assert 13 <= prefix.prefixlen <= 30 and not any(prefix.overlaps(other) for other in known)
        assert network.get("inference_confidence") >= 0.5  # type: ignore[operator]
    luck.shuffle(parts)
    assert make.inferred(*parts) == found


# --- reading what the probes write ---


def test_names_of_several_words_and_broken_texts(make: Any, inside: Any, one: Any) -> None:
    told = inside(
        interfaces=("Ethernet 2 10.1.0.5/24 00:1b:21:0a:bb:05", "eth9", "eth8 10.1.0.300/24", ""),
        routes=("10.200.0.0/16 via 10.1.0.9 dev Ethernet 2", "::/0 via fe80::1%eth0 dev eth0", "10.3.0.0/33"),
        tunnels=("VPN 连接 2 ikev2 198.51.100.7", "wg0 wireguard", "x"),
        uplinks=("wwan0 cellular", "broken"),
    )
    host = one(make.inferred(make.department("mzj"), told), "host")
    reading = reading_of(host)
    assert reading is not None
    assert [(found.name, str(found.prefix)) for found in reading.legs] == [("Ethernet 2", "10.1.0.0/24")]
    assert {(str(r.prefix), r.interface) for r in reading.routes} == {
        ("10.200.0.0/16", "Ethernet 2"),
        ("None", "eth0"),
    }
    assert {(t.name, t.kind) for t in reading.tunnels} == {("VPN 连接 2", "ikev2"), ("wg0", "wireguard"), ("x", "")}
    assert reading.uplinks == (("wwan0", "cellular"),)


@pytest.mark.parametrize(
    ("text", "serves"),
    [
        ("5236/tcp dmserver", True),
        ("80/tcp nginx", True),
        ("127.0.0.1:5236/tcp dmserver", False),
        ("[::1]:80/tcp nginx", False),
        ("22/tcp sshd", False),
        ("22/tcp sshd:", False),
        ("445/tcp System", False),
        ("135/tcp svchost.exe", False),
        ("53/udp named", False),
        ("80/tcp", False),
    ],
)
def test_who_serves_others(text: str, serves: bool) -> None:
    found = listener(text)
    assert found is not None and found.serves is serves
    assert listener(f"x{text}") is None or text.startswith("127")


def test_zones_at_one_place_are_one_identity(make: Any, inside: Any) -> None:
    """A second zone of the same department: the network keeps its key whichever of them shows it."""
    second = Zone("mzj-2", "民政局机房网", "scanner", "department", (ipaddress.ip_network("10.1.1.0/24"),), "mzj")
    places = Places((*make.zones(), second))
    departments = [make.department("mzj")]
    first = make.inferred(departments, inside(**leg()), places=places)
    moved = inside("10.1.1.5", zone="mzj-2", **(leg() | {"interfaces": ("eth0 10.1.1.5/24", "eth1 172.31.5.5/24")}))
    then = make.inferred(departments, moved, places=places, keymap=first.keymap)
    assert [n.key for n in found_in(then)] == [n.key for n in found_in(first)]


def test_a_scan_cannot_show_that_a_network_is_gone(make: Any, inside: Any) -> None:
    """Its zone was scanned to the end, and nobody logged in: the network is not seen, and not gone."""
    first = make.inferred(make.department("mzj"), inside(**leg()))
    (network,) = found_in(first)
    scanned = make.covered("mzj") + make.covered("shared")
    read = tuple(replace(record, collector="ssh", aspect="inside") for record in scanned[::3])
    for coverage, gone in ((scanned, False), (read, True)):
        assert asset_absence("network", network.identifiers, coverage, places=make.places()) is gone
