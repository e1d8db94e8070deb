"""What an address means and whose it is; and the fast index, which must say the same."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.places import Network, Places, Zone
from inventories.prefixes import Atlas, Ranges, network, position


def net(text: str) -> Network:
    return ipaddress.ip_network(text)


def test_an_address_means_one_thing_from_one_vantage(make: Any) -> None:
    places = make.places()
    assert places.zone_at("scanner", "10.1.0.7").id == "mzj"
    assert places.zone_at("far", "10.1.0.7").id == "czj"
    assert places.zone_at("scanner", "10.3.0.7") is None
    assert places.zone_at("nowhere", "10.1.0.7") is None
    assert places.zone_at("scanner", "no address") is None


def test_the_longest_owning_prefix_wins(make: Any) -> None:
    places = make.places()
    assert places.owner("scanner", "10.2.0.127") == "mzj"
    assert places.owner("scanner", "10.2.0.128") == "jtj"
    assert places.owner("scanner", "10.4.0.1") == ""


def test_a_register_may_mean_its_own_zones_and_the_clouds(make: Any) -> None:
    places = make.places()
    assert [z.id for z in places.candidates("10.1.0.7", "mzj")] == ["mzj"]
    assert [z.id for z in places.candidates("10.1.0.7", "czj")] == ["czj"]
    assert [z.id for z in places.candidates("10.1.0.7")] == ["czj", "mzj"]
    assert [z.id for z in places.candidates("10.2.0.200", "mzj")] == []
    assert [z.id for z in places.candidates("10.9.0.7", "mzj")] == ["gov-cloud"]
    assert places.candidates("none", "mzj") == ()


PREFIXES = [net(f"10.0.{i}.0/{length}") for i in range(4) for length in (24,)] + [net("2001:db8::/112")]


@st.composite
def sites(draw: st.DrawFn) -> Places:
    zones = []
    for i, prefix in enumerate(PREFIXES):
        if not draw(st.booleans()):
            continue
        lengths = st.integers(prefix.prefixlen, prefix.max_prefixlen)
        hosts = st.integers(0, prefix.num_addresses - 1)
        owners = {
            ipaddress.ip_network((int(prefix.network_address) + draw(hosts), draw(lengths)), strict=False): name
            for name in draw(st.lists(st.sampled_from("abc"), max_size=4))
        }
        kind = draw(st.sampled_from(["department", "government_cloud"]))
        vantage = draw(st.sampled_from(["v", "w"]))
        zones.append(Zone(f"z{i}", f"z{i}", vantage, kind, (prefix,), draw(st.sampled_from(["", "d"])), owners))
    return Places(zones)


ADDRESSES = st.one_of(
    st.builds(lambda a, b: f"10.0.{a}.{b}", st.integers(0, 5), st.integers(0, 255)),
    st.builds(lambda a: f"2001:db8::{a:x}", st.integers(0, 2**17)),
)


@given(sites(), st.sampled_from(["v", "w", "x"]), ADDRESSES, st.sampled_from(["", "a", "b", "d"]))
def test_the_index_says_what_the_places_say(places: Places, vantage: str, address: str, department: str) -> None:
    atlas = Atlas(places)
    spot, zone = atlas.at(vantage, address), places.zone_at(vantage, address)
    assert (spot.zone if spot else None) == zone
    assert (spot.department_id if spot else "") == places.owner(vantage, address)
    found = [spot.zone.id for spot in atlas.candidates(address, department)]
    assert found == [zone.id for zone in places.candidates(address, department)]


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=8),
    st.integers(0, 255),
    st.integers(24, 32),
)
def test_ranges_hold_what_their_prefixes_hold_together(given_: list[tuple[int, int]], host: int, length: int) -> None:
    prefixes = [ipaddress.ip_network((0x0A000000 + low, bits), strict=False) for low, bits in given_]
    asked = ipaddress.ip_network((0x0A000000 + host, length), strict=False)
    ranges = Ranges(prefixes)
    every = {int(address) for prefix in prefixes for address in prefix}
    assert ranges.holds_prefix(asked) is {int(address) for address in asked}.issubset(every)
    assert ranges.holds_address(str(asked[0])) is (int(asked[0]) in every)


def test_nothing_that_is_no_address_lies_anywhere(make: Any) -> None:
    assert position("nonsense") is None
    assert position("::ffff:10.1.0.1") == position("10.1.0.1")
    assert network("10.0.0.0/99") is None
    assert not Ranges([])
    assert Ranges([net("10.0.0.0/8")])
    assert not Ranges([net("10.0.0.0/8")]).holds_address("nonsense")
    assert Atlas(make.places()).at("scanner", "nonsense") is None


@pytest.mark.parametrize("address", ["10.1.255.255", "9.255.255.255"])
def test_beside_a_zone_is_not_in_it(make: Any, address: str) -> None:
    assert Atlas(make.places()).at("scanner", address) is None
