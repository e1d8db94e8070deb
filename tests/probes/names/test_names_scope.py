"""Which addresses a name may lead to, and which texts are names: pure decisions, held against many of each."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.access import Access, NameRules
from probes.names.hosts import BadName, is_address, wire_name
from probes.names.reach import choose, may_ask
from probes.scope import Permit


@pytest.fixture
def leave(permit_of: Callable[..., Permit]) -> Callable[..., Permit]:
    def make(follow: bool = True, targets: tuple[str, ...] = ("10.1.0.0/24", "2001:db8:1::/64")) -> Permit:
        made = permit_of(*targets, excluded=("203.0.114.0/24", "2400:3200::/32", "10.2.0.0/16"))
        left_out = (ipaddress.ip_network("101.200.0.0/24"),)
        return dataclasses.replace(made, access=Access(names=NameRules(("*",), (), follow)), left_out=left_out)

    return make


@pytest.mark.parametrize(
    "address", ["10.1.0.7", "2001:db8:1::7", "39.107.1.2", "2408:4000::1", "203.0.115.1", "101.200.1.1"]
)
def test_targets_and_public_addresses(leave: Callable[..., Permit], address: str) -> None:
    assert may_ask(address, leave())


@pytest.mark.parametrize(
    "address",
    [
        *(
            "10.1.1.1",
            "10.2.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "127.0.0.1",
            "0.0.0.0",
        ),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.114.9", "101.200.0.9"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "fec0::1", "2400:3200::1", "2001:db8::1"),
        *(
            "::ffff:10.0.0.1",
            "::ffff:39.107.1.2",
            "64:ff9b::a00:1",
            "64:ff9b::276b:102",
            "2002:a00:1::",
            "2001:0:1::",
        ),
        *("", "localhost", "10.1.0.7/24", "10.1.7", "fe80::1%eth0", "0x7f000001"),
    ],
)
def test_private_local_excluded_and_disguised_ones(leave: Callable[..., Permit], address: str) -> None:
    assert not may_ask(address, leave())


def test_without_the_sites_word_only_targets(leave: Callable[..., Permit]) -> None:
    assert may_ask("10.1.0.7", leave(follow=False))
    assert not may_ask("39.107.1.2", leave(follow=False))


def test_the_zones_own_address_goes_first(leave: Callable[..., Permit]) -> None:
    assert choose(("39.107.1.2", "2001:db8:1::7", "10.1.0.9", "10.1.0.7"), leave()) == "10.1.0.7"
    assert choose(("2408:4000::1", "39.107.1.3", "39.107.1.2"), leave()) == "39.107.1.2"
    assert choose(("10.9.9.9", "127.0.0.1"), leave()) == ""


@given(st.ip_addresses())
def test_no_address_outside_is_asked_that_is_not_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    from datetime import UTC, datetime

    from inventories.places import Zone
    from probes.scope import Profile

    permit = Permit(
        zone=Zone("a", "区", "v", "department", ()),
        targets=(),
        excluded=(),
        profile=Profile("test", 100, 1, 60, ()),
        documents=(),
        until=datetime(2026, 1, 1, tzinfo=UTC),
        access=Access(names=NameRules(("*",), (), True)),
    )
    if may_ask(str(address), permit):
        assert address.is_global and not address.is_multicast and not address.is_private


@pytest.mark.parametrize(
    ("host", "wire"),
    [
        ("www.example.gov.cn", "www.example.gov.cn"),
        ("WWW.Example.gov.cn.", "www.example.gov.cn"),
        ("_dmarc.a-b.example.cn", "_dmarc.a-b.example.cn"),
        ("政务.cn", "xn--zfr164b.cn"),
        ("xn--zfr164b.cn", "xn--zfr164b.cn"),
        ("oa", "oa"),
    ],
)
def test_names_for_the_wire(host: str, wire: str) -> None:
    assert wire_name(host) == wire


@given(st.text(max_size=80))
def test_any_text_is_a_plain_name_or_refused(text: str) -> None:
    try:
        name = wire_name(text)
    except BadName:
        return
    assert name.isascii() and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.") and len(name) <= 253
    assert not is_address(name)
