"""What travels comes out as it went in, and nothing else comes out at all."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.workers.wire import WireError, decode, encode, map_paths
from inventories.model import Identifier
from inventories.places import Zone
from probes.access import (
    Access,
    Asked,
    Bastion,
    Belongs,
    NameRules,
    OpenstackAccess,
    SnmpLogin,
    SshLogin,
    VsphereAccess,
    WindowsLogin,
)
from probes.scope import Permit, Profile
from probes.secrets import Secret

texts = st.text(max_size=12)
numbers = st.integers(0, 2**31)
moments = st.datetimes(timezones=st.just(UTC))
paths = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), min_size=1, max_size=9).map(
    lambda text: Path("/" + text)
)
secrets = st.sampled_from(["env:A", "file:/etc/x", "systemd:y.z"]).map(Secret.parse)
networks = st.one_of(st.ip_addresses(v=4).map(ipaddress.ip_network), st.ip_addresses(v=6).map(ipaddress.ip_network))
some = st.lists


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of, max_size=2).map(tuple)


def maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | of


bastions = st.builds(Bastion, texts, texts, numbers, maybe(secrets), maybe(paths), texts)
belongs = st.builds(Belongs, texts, texts, texts, texts)
access = st.builds(
    Access,
    ssh=tuples(
        st.builds(
            SshLogin,
            *(texts, maybe(secrets), maybe(secrets), maybe(secrets), numbers),
            *(maybe(paths), maybe(bastions), tuples(networks), texts),
        )
    ),
    windows=tuples(
        st.builds(
            WindowsLogin,
            *(texts, maybe(secrets), maybe(secrets), texts, numbers, maybe(paths), maybe(paths), tuples(networks)),
        )
    ),
    snmp=tuples(st.builds(SnmpLogin, maybe(secrets), texts, prefixes=tuples(networks))),
    vsphere=tuples(st.builds(VsphereAccess, texts, texts, secrets, maybe(paths), texts, texts, tuples(belongs))),
    openstack=tuples(
        st.builds(OpenstackAccess, texts, texts, maybe(secrets), ca=maybe(paths), projects=tuples(texts))
    ),
    names=maybe(st.builds(NameRules, tuples(texts), tuples(texts), st.booleans())),
)
asked = st.builds(Asked, texts, numbers, texts, texts, tuples(st.builds(Identifier, texts, texts, texts)), texts)
zones = st.builds(
    Zone, texts, texts, texts, texts, tuples(networks), texts, st.dictionaries(networks, texts, max_size=2), texts
)
profiles = st.builds(Profile, texts, numbers, numbers, numbers, tuples(numbers), eager=st.booleans())
permits = st.builds(
    Permit,
    zones,
    tuples(networks),
    tuples(networks),
    profiles,
    tuples(texts),
    moments,
    tuples(networks),
    access,
    tuples(asked),
)


@given(permits)
def test_a_permit_comes_back_as_it_was(permit: Permit) -> None:
    text = json.dumps(encode(permit), ensure_ascii=True)
    assert decode(Permit, json.loads(text)) == permit


@given(permits, st.data())
def test_a_permit_with_anything_changed_is_another_one_or_none(permit: Permit, data: st.DataObject) -> None:
    body = encode(permit)
    spots = list(leaves(body))
    holder, key = data.draw(st.sampled_from(spots))
    new = data.draw(st.sampled_from([None, True, 0, -1, 1.5, "", "x", [], {}, [["a"]], "\0", "999.1.1.1/3"]))
    old = holder[key]
    holder[key] = new
    try:
        read = decode(Permit, body)
    except WireError:
        return
    assert (read == permit) == (encode(read) == encode(permit))
    assert json.dumps(encode(read)) == json.dumps(body), (old, new)


def leaves(body: Any) -> Any:
    """Every place of a body: where something stands that can be changed."""
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in items:
        yield body, key
        if isinstance(value, (dict, list)):
            yield from leaves(value)


def test_a_field_too_many_or_too_few_is_refused() -> None:
    body = encode(Identifier("ip", "192.0.2.1", "x"))
    with pytest.raises(WireError, match="other fields"):
        decode(Identifier, {**body, "excluded": []})
    with pytest.raises(WireError, match="other fields"):
        decode(Identifier, {"scheme": "ip"})
    with pytest.raises(WireError, match=r"Identifier\.value: is no str"):
        decode(Identifier, {**body, "value": 3})


def test_a_reference_stays_one_and_a_secret_cannot_pass_for_it() -> None:
    login = SnmpLogin(community=Secret.parse("env:SNMP"))
    assert encode(login)["community"] == "env:SNMP"
    body = {**encode(login), "community": "public"}
    with pytest.raises(WireError) as caught:
        decode(SnmpLogin, body)
    assert "public" not in str(caught.value)


def test_what_has_no_form_does_not_travel() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: bytes = b""

    for odd in (Odd(b"x"), object(), datetime(2026, 1, 1), [1]):
        with pytest.raises(TypeError):
            encode(odd)
    with pytest.raises(TypeError):
        decode(Odd, {"value": "x"})


def test_paths_are_changed_wherever_they_stand() -> None:
    bastion = Bastion("192.0.2.1", "jump", known_hosts=Path("/centre/known"))
    given = Access(ssh=(SshLogin("audit", known_hosts=Path("/centre/known"), bastion=bastion),))
    moved = map_paths(given, lambda path: Path("/here") / path.name)
    assert moved.files == (Path("/here/known"),)
    assert replace(moved.ssh[0], known_hosts=None, bastion=None) == replace(
        given.ssh[0], known_hosts=None, bastion=None
    )
