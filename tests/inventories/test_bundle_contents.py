"""What a signed bundle may say: of its own zone, within its own time, and nothing that is a register's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from inventories.bundle import BundleError, Head
from inventories.bundle_contents import Contents, ground, span
from inventories.model import (
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    Observation,
    Strength,
    Submission,
    Waiver,
)
from inventories.places import Zone

AT = datetime(2026, 11, 1, 14, tzinfo=UTC)
UNTIL = AT + timedelta(hours=2)
MINE = Zone("mzj", "民政局", "stick", "department", (ip_network("10.1.0.0/24"), ip_network("fd00::/64")), "mzj")
BESIDE = Zone("jtj", "交通局", "stick", "department", (ip_network("10.2.0.0/24"),), "jtj", cloud_code="GOV-2")
ZONES = (MINE, BESIDE, Zone("far", "远", "elsewhere", "department", (ip_network("10.1.0.0/16"),), "mzj"))
HEAD = Head("offline", "0" * 32, "city", "mzj", "stick", ("nmap", "names", "vsphere"), AT, UNTIL, UNTIL, "0.1.0")

IP = Identifier("ip", "10.1.0.7", "stick")
SEEN = Observation("host", "nmap", "nmap", AT, (IP,), (Fact("answers", True, Strength.SEEN_OUTSIDE),), "mzj")
COVERED = Coverage("nmap", "mzj", "stick", "hosts", ("10.1.0.0/25",), AT, UNTIL)
FAILED = Failure("nmap", "mzj", ("10.1.0.128/25",), "timed_out", "", UNTIL)


def contents(head: Head = HEAD) -> Contents:
    clouds = {"mzj": ["GOV-1", "SHARED"], "jtj": ["GOV-2", "shared"]}
    return Contents(head, ground(MINE, ZONES, clouds), {"nmap", "names", "vsphere", "ssh"})


def why(*observations: Observation, **more: Any) -> str:
    """Why it is refused; empty where it is not."""
    try:
        contents().check(Collection(observations, **more))
    except BundleError as error:
        return error.reason
    return ""


def by(scheme: str, value: str, vantage: str = "", kind: str = "host") -> str:
    return why(replace(SEEN, kind=kind, identifiers=(Identifier(scheme, value, vantage),)))


def test_what_is_the_zones_own_passes_and_is_counted() -> None:
    held = contents()
    held.check(Collection((SEEN, SEEN), (COVERED,), (FAILED,)))
    held.check(Collection((replace(SEEN, observed_at=UNTIL),)))
    assert (held.observations, held.covered, held.failures, held.first, held.last) == (3, 1, 1, AT, UNTIL)
    assert span(Collection((SEEN,), (COVERED,), (FAILED,))) == (AT, UNTIL)
    assert span(Collection()) is None


def test_everything_that_is_a_registers_or_a_persons_is_foreign() -> None:
    day = AT.date()
    assert why(submissions=(Submission("mzj", "rooms", day),)) == "foreign"
    assert why(waivers=(Waiver("w", (), "mzj", "", "", "", "", "", day, day),)) == "foreign"
    assert why(replace(SEEN, collector="register")) == "foreign"
    assert why(replace(SEEN, facts=(Fact("approval", None, Strength.SEEN_INSIDE, "", absent=True),))) == "foreign"
    assert why(replace(SEEN, facts=(Fact("name", "x", Strength.DECLARED),))) == "foreign"
    for scheme in ("pin", "department", "place", "seed", "host-code", "host-name", "system-code", "weird"):
        assert by(scheme, "x") == "foreign"
    assert why(replace(SEEN, kind="department")) == "unknown_word"


def test_another_zone_is_foreign() -> None:
    assert why(replace(SEEN, zone="jtj")) == why(replace(SEEN, zone="")) == "foreign"
    assert why(replace(SEEN, collector="ssh")) == "foreign"
    assert why(coverage=(replace(COVERED, zone="jtj"),)) == "foreign"
    assert why(coverage=(replace(COVERED, vantage="elsewhere"),)) == "foreign"
    assert why(failures=(replace(FAILED, zone="jtj"),)) == "foreign"
    for scope in ("10.2.0.0/24", "10.1.0.0/23", "0.0.0.0/0", "::/0", "10.1.1.0/25", "junk", ""):
        assert why(coverage=(replace(COVERED, scope=(scope,)),)) == "foreign", scope
    assert why(failures=(replace(FAILED, scope=("10.2.0.1/32",)),)) == "foreign"
    assert why(failures=(replace(FAILED, scope=("https://vcenter.example",)),)) == ""


@pytest.mark.parametrize(
    ("address", "vantage", "told"),
    [
        ("10.1.0.255", "stick", ""),
        ("fd00::1", "stick", ""),
        ("10.1.1.1", "stick", "foreign"),
        ("10.2.0.1", "stick", "foreign"),
        ("10.1.0.1", "elsewhere", "foreign"),
        ("fd00::0001", "stick", "foreign"),
        ("FD00::1", "stick", "foreign"),
        ("fd00::1%eth0", "stick", "foreign"),
        ("::ffff:10.1.0.1", "stick", "foreign"),
        (" 10.1.0.1", "stick", "foreign"),
        ("10.1.0.1/24", "stick", "foreign"),
        ("10.1.0.01", "stick", "foreign"),
        ("167837697", "stick", "foreign"),
        ("", "stick", "foreign"),
    ],
)
def test_addresses_are_the_zones_own_and_in_their_plain_form(address: str, vantage: str, told: str) -> None:
    assert by("ip", address, vantage) == told


def test_clouds_of_other_zones_are_foreign() -> None:
    assert by("instance", "GOV-1/x") == by("instance", "SHARED/x") == by("instance", "10.9.9.9:443/x") == ""
    assert (
        by("instance", "GOV-2/x") == by("instance", "GOV-2/hypervisors/x") == by("instance", "gov-2/x") == "foreign"
    )
    assert by("cloud-code", "GOV-1", kind="cloud") == "" and by("cloud-code", "gov-2", kind="cloud") == "foreign"
    assert by("service", "10.1.0.5:5000/tcp", "stick", "cloud") == ""
    assert by("service", "192.0.2.5:5000/tcp", "stick", "cloud") == ""
    for service in ("10.2.0.5:5000/tcp", "x", "10.1.0.5:99999/tcp", "x:1/tcp"):
        assert by("service", service, "stick", "cloud") == "foreign", service
    cloud = Coverage("vsphere", "mzj", "stick", "resources", ("*",), AT, UNTIL, "GOV-1")
    assert why(coverage=(cloud,)) == ""
    assert why(coverage=(replace(cloud, detail="gov-2"),)) == "foreign"
    assert why(coverage=(replace(cloud, detail="GOV-2/hypervisors"),)) == "foreign"


def test_times_lie_within_the_heads() -> None:
    early, late = AT - timedelta(seconds=1), UNTIL + timedelta(seconds=1)
    for moment in (early, late, AT.replace(tzinfo=None), datetime.max.replace(tzinfo=UTC)):
        assert why(replace(SEEN, observed_at=moment)) == "bad_time"
        assert why(coverage=(replace(COVERED, started_at=moment),)) == "bad_time"
        assert why(coverage=(replace(COVERED, ended_at=moment),)) == "bad_time"
        assert why(failures=(replace(FAILED, at=moment),)) == "bad_time"
    assert why(coverage=(replace(COVERED, started_at=UNTIL, ended_at=AT),)) == "bad_time"


def test_words_that_nobody_knows_are_said() -> None:
    assert why(coverage=(replace(COVERED, aspect="everything"),)) == "unknown_word"
    with pytest.raises(BundleError, match="unknown_word: is of a probe 'lidar'"):
        contents(replace(HEAD, probes=("nmap", "lidar"))).check_head()
    with pytest.raises(BundleError, match="wrong_zone"):
        contents(replace(HEAD, vantage="elsewhere")).check_head()
    contents().check_head()


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_texts_that_no_store_takes_are_refused(text: str) -> None:
    fact = Fact("hostname", "x", Strength.SEEN_INSIDE)
    for facts in ((replace(fact, value=text),), (replace(fact, evidence=text),), (replace(fact, value=("a", text)),)):
        assert why(replace(SEEN, facts=facts)) == "bad_format"
    assert why(replace(SEEN, source=text)) == "bad_format"
    assert by("serial", text) == "bad_format"
    assert why(coverage=(replace(COVERED, aspect="names", scope=(text,)),)) == "bad_format"
    assert why(failures=(replace(FAILED, message=text),)) == "bad_format"
    assert why(replace(SEEN, facts=(replace(fact, value="民政\n\x1b"),))) == ""
