"""What is asked of every zone or department is split once, and comes to the same as asking about each by itself."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from auditor.collecting import Looked, by_zone
from auditor.faring import fared
from auditor.ledger.life import Life
from auditor.ledger.records import Present
from auditor.overview import fared_by_zone
from auditor.recalling import Recall
from inventories.identity import ip_id
from inventories.model import Collection, Coverage, Failure, KeyMap, Observation
from inventories.places import Places, Zone

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ZONES = [f"z{number:02}" for number in range(12)]
PROBES = ("nmap", "ssh", "endpoints")


def mixed(seed: int) -> Collection:
    """Zones and probes in no order, some zones with nothing, and a zone that the site does not have."""
    drawn = random.Random(seed)
    names = [*drawn.sample(ZONES, 7), "gone", ""]

    def address() -> str:
        return f"10.{drawn.randrange(4)}.{drawn.randrange(256)}.0/{drawn.choice((24, 26, 32))}"

    return Collection(
        tuple(
            Observation("host", drawn.choice(PROBES), "x", AT, (ip_id(f"10.0.0.{n % 250}", "v"),), zone=name)
            for n in range(200)
            for name in [drawn.choice(names)]
        ),
        tuple(
            Coverage(
                drawn.choice(PROBES),
                drawn.choice(names),
                "v",
                drawn.choice(("ports", "inside", "endpoints", "hosts")),
                tuple(address() for _ in range(drawn.randrange(4))),
                AT + timedelta(seconds=drawn.randrange(9)),
                AT + timedelta(seconds=10 + drawn.randrange(9)),
            )
            for _ in range(80)
        ),
        tuple(
            Failure(
                drawn.choice(PROBES), drawn.choice(names), (address(),), drawn.choice(("timed_out", "lost")), "x", AT
            )
            for _ in range(40)
        ),
    )


def zone(name: str, kind: str = "department", department: str = "", **owners: str) -> Zone:
    networks = {ipaddress.ip_network(f"10.9.{n}.0/24"): owner for n, owner in enumerate(owners.values())}
    return Zone(
        name,
        name,
        "v",
        cast(Any, kind),
        (ipaddress.ip_network("10.0.0.0/8"),),
        owners=networks,
        department_id=department,
    )


class Counted(tuple[Any, ...]):
    """Counts how often somebody walks over it."""

    walks = 0

    def __iter__(self) -> Iterator[Any]:
        type(self).walks += 1
        return super().__iter__()


@pytest.mark.parametrize("seed", range(8))
def test_a_run_is_split_by_zone_in_one_pass(seed: int) -> None:
    seen = mixed(seed)
    split = by_zone(seen)
    for name in (*ZONES, "gone", ""):
        assert split.get(name, Collection()) == Collection(
            tuple(o for o in seen.observations if o.zone == name),
            tuple(c for c in seen.coverage if c.zone == name),
            tuple(f for f in seen.failures if f.zone == name),
        )
    Counted.walks = 0
    by_zone(Collection(Counted(seen.observations), Counted(seen.coverage), Counted(seen.failures)))
    assert Counted.walks == 3


@pytest.mark.parametrize("seed", range(8))
def test_how_probes_fared_is_told_zone_by_zone(seed: int) -> None:
    seen, zones = mixed(seed), {name: zone(name) for name in ZONES}
    authorised = dict.fromkeys(ZONES[::2], 1000)
    whole = fared(zones, seen, authorised)
    assert whole and fared_by_zone(zones, seen, authorised) == whole
    Counted.walks = 0
    fared_by_zone(zones, Collection((), Counted(seen.coverage), Counted(seen.failures)), authorised)
    assert Counted.walks == 2


def recall(zones: tuple[Zone, ...]) -> Recall:
    site = SimpleNamespace(places=Places(zones), config=SimpleNamespace(absence_audits=2))
    judged = SimpleNamespace(collected=Collection(), keymap=KeyMap())
    return Recall(cast(Any, site), cast(Any, judged), Looked(), cast(Any, None))


def test_where_the_evidence_on_a_finding_can_lie() -> None:
    zones = (
        zone("jtj", department="jtj"),
        zone("cloud", kind="government_cloud"),
        zone("campus", department="jsj", a="mzj", b="jtj", c="mzj"),
        zone("nobodys"),
        zone("mzj", department="mzj", a="mzj"),
        zone("public", kind="public", department="mzj"),
    )
    asked = recall(zones)
    for department in ("mzj", "jtj", "jsj", "other", ""):
        for named in ("", "elsewhere", *(one.id for one in zones)):
            life = cast(Life, None)
            one = Present("f", "p/r", "host", "h-1", "x", department, named, life)
            here = [z for z in zones if z.id == named]
            everywhere = [
                z for z in zones if z.kind != "department" or department in {z.department_id, *z.owners.values()}
            ]
            assert asked._zones(one) == (here or everywhere)
    assert [z.id for z in asked._zones(Present("f", "p/r", "host", "h", "x", "mzj", "", cast(Life, None)))] == [
        "cloud",
        "campus",
        "mzj",
        "public",
    ]
