"""A small language for observations, shared by the tests of what becomes of them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from inventories.identity import code_id, department_id, ip_id, mac_id, name_id, serial_id, uuid_id
from inventories.infer import infer
from inventories.model import (
    Asset,
    Collection,
    Coverage,
    Fact,
    Failure,
    Identifier,
    KeyMap,
    Observation,
    Strength,
    Submission,
    Value,
)
from inventories.places import Network, Places, Zone
from inventories.reconcile import Reconciled, reconcile

SEEN, HINT, SAID = Strength.SEEN_OUTSIDE, Strength.HINTED, Strength.DECLARED
AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)


def net(text: str) -> Network:
    return ipaddress.ip_network(text)


@dataclass(frozen=True)
class Make:
    """Builds observations as registers and nmap make them; one city for all tests.

    ``mzj`` has 10.1.0.0/24 behind the scanner; ``jtj`` has the upper half of 10.2.0.0/24; ``czj`` has
    10.1.0.0/24 too, behind another vantage. The government cloud is 10.9.0.0/24.
    """

    at: datetime = AT
    today: date = TODAY

    def zones(self) -> tuple[Zone, ...]:
        return (
            Zone("mzj", "民政局办公网", "scanner", "department", (net("10.1.0.0/24"),), "mzj", location="民政局大楼"),
            Zone(
                "shared",
                "合署办公网",
                "scanner",
                "department",
                (net("10.2.0.0/24"),),
                "mzj",
                {net("10.2.0.128/25"): "jtj"},
            ),
            Zone("czj", "财政局内网", "far", "department", (net("10.1.0.0/24"),), "czj"),
            Zone(
                "gov-cloud", "市级政务云", "scanner", "government_cloud", (net("10.9.0.0/24"),), "bureau", {}, "GOV-1"
            ),
        )

    def places(self) -> Places:
        return Places(self.zones())

    # --- registers ---

    def row(
        self,
        of: str,
        source: str,
        department: str,
        identifiers: tuple[Identifier | None, ...],
        /,
        *,
        at: datetime | None = None,
        none: tuple[str, ...] = (),
        **values: Value,
    ) -> Observation:
        facts = [Fact(column, value, SAID, str(value)) for column, value in values.items()]
        facts += [Fact(column, None, SAID, "无", True) for column in none]
        return Observation(
            of,
            "register",
            source,
            at or self.at - timedelta(days=30),
            tuple(i for i in identifiers if i),
            tuple(facts),
            department_id=department,
        )

    def department(self, name: str, title: str = "", /, **values: Value) -> Observation:
        facts: dict[str, Value] = {
            "department_id": name,
            "name": title or f"{name}局",
            "region": "140800",
            "sector": "general",
            "level_of_government": "city",
        }
        return self.row(
            "department",
            f"registers/departments.csv!{name}",
            name,
            (department_id(name),),
            **(facts | values),
        )

    def system(
        self,
        code: str,
        name: str,
        department: str = "mzj",
        *,
        source: str = "",
        none: tuple[str, ...] = (),
        at: datetime | None = None,
        **values: Value,
    ) -> Observation:
        return self.row(
            "system",
            source or f"registers/systems.xlsx!{code or name}",
            department,
            (code_id("system", code) if code else None, name_id("system", department, name)),
            none=none,
            at=at,
            **({"name": name} | ({"code": code} if code else {}) | values),
        )

    def cloud(self, code: str, level: str = "city", department: str = "bureau", **values: Value) -> Observation:
        facts: dict[str, Value] = {"code": code, "name": f"云 {code}", "kind": "government", "owner_level": level}
        return self.row(
            "cloud", f"registers/clouds.csv!{code}", department, (code_id("cloud", code),), **(facts | values)
        )

    def room(self, code: str, department: str = "mzj", none: tuple[str, ...] = (), **values: Value) -> Observation:
        facts: dict[str, Value] = {"code": code, "name": f"机房 {code}"}
        return self.row(
            "room",
            f"registers/rooms.csv!{code}",
            department,
            (code_id("room", code),),
            none=none,
            **(facts | values),
        )

    def host_row(
        self,
        code: str,
        department: str = "mzj",
        *ips: str,
        vantage: str = "scanner",
        uuid: str = "",
        serial: str = "",
        mac: str = "",
        source: str = "",
        at: datetime | None = None,
        none: tuple[str, ...] = (),
        placed: bool = True,
        **values: Value,
    ) -> Observation:
        identifiers = (
            code_id("host", code) if code else None,
            uuid_id(uuid) if uuid else None,
            serial_id("Huawei", serial) if serial else None,
            mac_id(mac, vantage) if mac else None,
            *((ip_id(ip, vantage) for ip in ips) if placed else ()),
        )
        facts: dict[str, Value] = {"ips": ips} if ips else {}
        if code:
            facts["code"] = code
        return self.row(
            "host",
            source or f"registers/hosts.csv!{code or ips}",
            department,
            identifiers,
            at=at,
            none=none,
            **(facts | values),
        )

    # --- probes ---

    def seen(
        self,
        ip: str,
        *services: str,
        zone: str = "mzj",
        vantage: str = "scanner",
        titles: tuple[tuple[str, str], ...] = (),
        names: tuple[tuple[str, str], ...] = (),
        products: tuple[str, ...] = (),
        guessed: tuple[str, ...] = (),
        mac: str = "",
        uuid: str = "",
        sure: bool = True,
        at: datetime | None = None,
        collector: str = "nmap",
    ) -> Observation:
        """``titles`` and ``names`` are (place, text) such as ("8080/tcp", "民政救助系统")."""
        identifiers = [ip_id(ip, vantage)]
        identifiers += [i for i in (mac_id(mac, vantage) if mac else None, uuid_id(uuid) if uuid else None) if i]
        facts = [
            Fact("ips", (ip,), SEEN),
            Fact("answers", True, SEEN if sure else HINT, "open port" if services else "reset"),
        ]
        facts += [Fact("open_services", (text,), SEEN, text) for text in services]
        facts += [Fact("open_services", (text,), HINT, "按端口推断") for text in guessed]
        facts += [Fact("page_titles", (text,), SEEN, place) for place, text in titles]
        facts += [Fact("tls_names", (text,), SEEN, place) for place, text in names]
        facts += [Fact("products", (text,), SEEN, f"443/tcp {text}") for text in products]
        return Observation("host", collector, collector, at or self.at, tuple(identifiers), tuple(facts), zone=zone)

    def covered(
        self, zone: str, *prefixes: str, aspects: tuple[str, ...] = ("hosts", "ports", "services"), ports: str = ""
    ) -> tuple[Coverage, ...]:
        place = next(z for z in self.zones() if z.id == zone)
        scope = prefixes or tuple(str(p) for p in place.prefixes)
        detail = ports or "tcp:22,80,443,3306,8080"
        end = self.at + timedelta(minutes=5)
        return tuple(Coverage("nmap", zone, place.vantage, aspect, scope, self.at, end, detail) for aspect in aspects)

    def submission(
        self, register: str, department: str = "mzj", *columns: str, nil: bool = False, on: date = date(2026, 2, 1)
    ) -> Submission:
        return Submission(department, register, on, "2026", columns, nil)

    # --- the whole way ---

    def reconciled(
        self, *parts: object, keymap: KeyMap | None = None, today: date = TODAY, places: Places | None = None
    ) -> Reconciled:
        return reconcile(
            self.collection(*parts),
            places=places or self.places(),
            keymap=keymap or KeyMap(),
            today=today,
            site="example",
        )

    def inferred(
        self, *parts: object, keymap: KeyMap | None = None, today: date = TODAY, places: Places | None = None
    ) -> Reconciled:
        collection, where = self.collection(*parts), places or self.places()
        found = reconcile(collection, places=where, keymap=keymap or KeyMap(), today=today, site="example")
        return infer(found, collection, places=where, today=today, site="example")

    @staticmethod
    def collection(*parts: object) -> Collection:
        """Observations, coverage, submissions and failures in any mixture and nesting."""
        out = Collection()
        for part in parts:
            if isinstance(part, Observation):
                out = replace(out, observations=(*out.observations, part))
            elif isinstance(part, Coverage):
                out = replace(out, coverage=(*out.coverage, part))
            elif isinstance(part, Submission):
                out = replace(out, submissions=(*out.submissions, part))
            elif isinstance(part, Failure):
                out = replace(out, failures=(*out.failures, part))
            elif isinstance(part, Collection):
                out = out + part
            elif isinstance(part, (tuple, list)):
                out = out + Make.collection(*part)
            else:
                raise TypeError(f"{part!r} is no part of a collection")
        return out


def only(found: Reconciled, kind: str, **values: Value) -> Asset:
    """The one asset of a kind that has these values."""
    fitting = [a for a in found.assets if a.kind == kind and all(a.get(k) == v for k, v in values.items())]
    assert len(fitting) == 1, f"{len(fitting)} of {[(a.kind, dict(a.values)) for a in found.assets]}"
    return fitting[0]


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture(scope="session")
def one() -> object:
    """:func:`only`, for tests: ``one(found, "system", name="…")``."""
    return only
