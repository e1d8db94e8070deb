"""What the tests of reading a host share: outputs of the script, whole or made up, and the other way to the same."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inventories.model import Fact, Observation
from inventories.places import Zone
from probes.inside import MARK_END, Inside, from_ansible, observation
from probes.inside.script import MARK_BEGIN

DATA = Path(__file__).resolve().parent.parent / "data" / "inside"

Parts = Mapping[str, str]


def printed(parts: Parts, *, cut: tuple[str, ...] = ()) -> str:
    """A run's output: each part with its lines behind a bar, and its status, which ``cut`` parts lack."""
    out = ["", MARK_BEGIN, ""]
    for name, text in parts.items():
        out += ["", f"=== {name}", *(f"|{line}" for line in text.strip("\n").split("\n")), "|"]
        out += [] if name in cut else ["|= 0"]
    return "\n".join([*out, "", MARK_END, ""])


def taken_apart(raw: str) -> dict[str, str]:
    """The parts of a run's output."""
    parts: dict[str, list[str]] = {}
    current: list[str] = []
    for line in raw[raw.index(MARK_BEGIN) :].split("\n"):
        if line.startswith("=== ") and line not in (MARK_BEGIN, MARK_END):
            current = parts.setdefault(line[4:], [])
        elif line.startswith("|") and line != "|= 0":
            current.append(line[1:])
    return {name: "\n".join(lines) for name, lines in parts.items()}


def by_ansible(raw: str) -> Inside:
    """The same host as Ansible tells it: what the script alone prints becomes facts and packages."""
    parts = taken_apart(raw)
    own = {name: parts.pop(name, "") for name in ("host", "memory", "dmi", "packages")}
    facts: dict[str, Any] = {"ansible_nodename": own["host"].split("\n")[0], "ansible_product_serial": "NA"}
    if own["memory"]:
        facts["ansible_memtotal_mb"] = int(own["memory"].split()[1]) // 1024
    for line in filter(None, own["dmi"].split("\n")):
        name, _, value = line.partition("\t")
        facts["ansible_" + {"sys_vendor": "system_vendor"}.get(name, name)] = value
    packages: dict[str, list[dict[str, object]]] = {}
    for line in filter(None, own["packages"].split("\n")):
        manager, name, version = line.split("\t")
        if manager == "rpm":
            version, _, release = version.rpartition("-")
            entry = {"name": name, "version": version, "release": release, "epoch": None, "source": "rpm"}
        else:
            entry = {"name": name, "version": version, "source": "apt"}
        packages.setdefault(name, []).append(entry)
    return from_ansible(facts, packages, printed(parts))


ZONE = Zone(
    "a",
    "财政局",
    "v",
    "department",
    tuple(map(ipaddress.ip_network, ("10.20.0.0/16", "192.0.2.0/24"))),
    "finance",
)
AT = datetime(2026, 3, 2, tzinfo=UTC)

Observe = Callable[..., Observation]


@pytest.fixture
def data() -> Callable[[str], str]:
    """``data("recorded-debian12.txt")`` → its text."""
    return lambda name: (DATA / name).read_text("utf-8")


@pytest.fixture
def recorded_ansible() -> dict[str, Any]:
    """What Ansible told of the recorded machine: ``setup`` and ``packages``."""
    found: dict[str, Any] = json.loads((DATA / "recorded-debian12-ansible.json").read_text("utf-8"))
    return found


@pytest.fixture
def run() -> Callable[..., str]:
    return printed


@pytest.fixture
def ansible() -> Callable[[str], Inside]:
    return by_ansible


@pytest.fixture
def observe() -> Observe:
    """``observe(inside, address="10.20.30.5", zone=...)``."""

    def make(inside: Inside, *, address: str = "10.20.30.5", zone: Zone = ZONE) -> Observation:
        return observation(inside, address=address, zone=zone, at=AT, collector="ssh")

    return make


@pytest.fixture
def told() -> Callable[[Observation, str], dict[object, Fact]]:
    """Value → fact of one column; an item of a list stands for itself."""

    def make(seen: Observation, column: str) -> dict[object, Fact]:
        return {
            value: fact
            for fact in seen.facts
            if fact.column == column
            for value in (fact.value if isinstance(fact.value, tuple) else (fact.value,))
        }

    return make
