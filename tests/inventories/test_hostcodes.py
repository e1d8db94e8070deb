"""Codes by which components' rows name their hosts: never a wrong host, and never a guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from inventories.hostcodes import SEVERAL, UNKNOWN, HostCodes
from inventories.identity import code_id, ip_id
from inventories.model import Fact, Identifier, Observation, Strength, Value

AT = datetime(2026, 3, 2, tzinfo=UTC)


def row(kind: str, department: str, *ids: Identifier, collector: str = "register", **values: Value) -> Observation:
    facts = tuple(Fact(column, value, Strength.DECLARED, str(value)) for column, value in values.items())
    return Observation(kind, collector, f"{collector}!2", AT, ids, facts, department_id=department)


def part(word: Value, department: str = "mzj", collector: str = "register") -> Observation:
    return row("component", department, collector=collector, host_key=word, category="os")


def meant(hosts: HostCodes, observation: Observation) -> tuple[Value, list[str]]:
    (found,), conflicts = hosts.translated([observation])
    (value,) = [fact.value for fact in found.facts if fact.column == "host_key"]
    return value, [conflict.why for conflict in conflicts]


@pytest.fixture
def hosts() -> HostCodes:
    return HostCodes(
        [
            ("h-1", [row("host", "mzj", code_id("host", "A-1"), ips=("10.1.0.7",))]),
            ("h-2", [row("host", "jtj", code_id("host", "A-1"))]),
            ("h-3", [row("host", "mzj", code_id("host", "B-1")), row("host", "mzj", ips=("10.1.0.8", "10.1.0.9"))]),
            ("h-4", [row("host", "mzj", ip_id("10.1.0.30", "scanner"), collector="nmap", ips=("10.1.0.30",))]),
            ("h-5", [row("host", "czj", code_id("host", "czj/7"))]),
        ]
    )


def test_a_code_is_found_however_it_is_written(hosts: HostCodes) -> None:
    for word in ("B-1", "b-1", "Ｂ－１", " B -1"):
        assert meant(hosts, part(word)) == ("h-3", [])


def test_an_address_that_a_register_gives_names_a_host(hosts: HostCodes) -> None:
    assert meant(hosts, part("10.1.0.9")) == ("h-3", [])
    # What only a scan saw at an address is named by no register.
    assert meant(hosts, part("10.1.0.30")) == (None, [f"{UNKNOWN}：10.1.0.30"])


def test_of_several_the_departments_own_is_meant(hosts: HostCodes) -> None:
    assert meant(hosts, part("A-1", "mzj")) == ("h-1", [])
    assert meant(hosts, part("A-1", "jtj")) == ("h-2", [])
    assert meant(hosts, part("A-1", "czj")) == (None, [f"{SEVERAL}：A-1"])


def test_a_code_that_its_department_made_its_own(hosts: HostCodes) -> None:
    assert meant(hosts, part("7", "czj")) == ("h-5", [])
    assert meant(hosts, part("7", "mzj"))[0] is None


def test_what_is_left_alone(hosts: HostCodes) -> None:
    """Probes name hosts by key already; a cell that says 无 names none."""
    seen = part("h-4", collector="ssh")
    assert hosts.translated([seen]) == ([seen], [])
    none = row("component", "mzj", category="os")
    assert hosts.translated([none]) == ([none], [])
    blank = part(None)
    assert hosts.translated([blank]) == ([blank], [])


def test_what_the_row_said_stays_as_evidence(hosts: HostCodes) -> None:
    (found,), conflicts = hosts.translated([part("X-9")])
    (fact,) = [fact for fact in found.facts if fact.column == "host_key"]
    assert (fact.value, fact.evidence) == (None, "X-9")
    ((claim,),) = [conflict.claims for conflict in conflicts]
    assert (claim.source, claim.evidence, claim.observed_at) == ("register!2", "X-9", AT)
