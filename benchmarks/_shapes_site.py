"""A site in the making, for the shapes of :mod:`benchmarks.shapes`: zones, rows, sightings, instances."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from inventories.identity import code_id, department_id, instance_id, ip_id, name_id
from inventories.model import (
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    Observation,
    Strength,
    Submission,
    Value,
)
from inventories.places import Zone

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
#: Where addresses of departments, of a cloud and of the internet begin.
TEN, POOL = 10 << 24, (172 << 24) + (16 << 16)

_INSIDE, _SEEN, _SAID = Strength.SEEN_INSIDE, Strength.SEEN_OUTSIDE, Strength.DECLARED
_REGISTERS = ("systems", "hosts", "clouds", "rooms", "networks")
_ASPECTS = ("hosts", "ports", "services", "inside")


@dataclass(slots=True)
class Site:
    """A site in the making."""

    zones: list[Zone] = field(default_factory=list)
    said: list[Observation] = field(default_factory=list)
    looks: list[Coverage] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    asked: list[Submission] = field(default_factory=list)

    def collection(self) -> Collection:
        return Collection(tuple(self.said), tuple(self.looks), tuple(self.failed), tuple(self.asked))

    def zone(
        self, name: str, prefix: str, department: str = "", *, vantage: str = "v", cloud: str = "", **more: str
    ) -> str:
        """A department's zone, or with ``cloud`` a government cloud's, looked at to the end."""
        kind = more.get("kind") or ("government_cloud" if cloud else "department")
        nets = tuple(ipaddress.ip_network(one) for one in prefix.split())
        where = more.get("location", "")
        self.zones.append(Zone(name, f"{name} 网络", vantage, kind, nets, department, {}, cloud, where))
        scope = tuple(map(str, nets))
        self.looks += [Coverage("nmap", name, vantage, aspect, scope, AT, AT, "1-65535") for aspect in _ASPECTS]
        if cloud:
            self.looks.append(Coverage("openstack", name, vantage, "resources", ("*",), AT, AT, cloud))
        return name

    def department(self, name: str) -> str:
        self.row("department", "", name=f"{name} 局", department_id=name, region="140800", sector="general")
        self.asked += [Submission(name, register, date(2026, 2, 1)) for register in _REGISTERS]
        return name

    def row(self, of: str, department: str, /, *known: Identifier, **values: Value) -> None:
        """A register's row; its code is what the register gives, whoever else uses it."""
        facts = tuple(Fact(column, value, _SAID) for column, value in values.items())
        if of == "department":
            named = [department_id(str(values["department_id"]))]
        else:
            named = [code_id(of, str(values["code"]))] if "code" in values else []
            named += [name_id(of, department, str(values["name"]))] if of != "host" and "name" in values else []
        source = f"registers/{of}s-{department}.csv!{len(self.said)}"
        self.said.append(Observation(of, "register", source, AT, (*named, *known), facts, department_id=department))

    def seen(
        self,
        ip: str,
        zone: str,
        *known: Identifier,
        vantage: str = "v",
        by: str = "nmap",
        told: Mapping[str, Value] | None = None,
        **values: Value,
    ) -> None:
        """What a scan, or with ``by`` a login, tells of a machine: ``told`` beside the ``values``."""
        values |= told or {}
        strength = _SEEN if by == "nmap" else _INSIDE
        facts = [Fact("ips", (ip,), strength), Fact("answers", True, strength, "22/tcp")]
        facts += [Fact(column, value, strength, "80/tcp") for column, value in values.items()]
        self.said.append(Observation("host", by, by, AT, (ip_id(ip, vantage), *known), tuple(facts), zone=zone))

    def instance(self, number: int, cloud: str, zone: str, *ips: str, owner: str = "", **values: Value) -> None:
        """One instance as a cloud's own interface lists it."""
        known = (instance_id(cloud, f"i-{number}"), *(ip_id(ip, "v") for ip in ips))
        told: dict[str, Value] = {"name": f"vm-{number}", "is_physical": False, "power_state": "on", "ips": ips}
        told |= values
        facts = tuple(Fact(column, value, _INSIDE) for column, value in told.items())
        source = f"openstack https://{cloud}.example:5000"
        self.said.append(Observation("host", "openstack", source, AT, known, facts, zone, owner))


def at(number: int, base: int = TEN) -> str:
    """The number-th address of a range: of 10.0.0.0/8, unless told."""
    return str(ipaddress.IPv4Address(base + number))
