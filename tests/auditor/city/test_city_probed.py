"""The example city as the real nmap sees it, without root: every listener, every title, not one touch too many."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TypeAlias

import pytest

from auditor.authorise import authorise
from auditor.city.children import answering
from auditor.city.example import write_example
from auditor.city.plan import Plan, load_plan
from auditor.intake import read_registers
from auditor.site import load_site
from inventories.model import Collection, Fact
from probes.base import Stop
from probes.nmap_scan import NmapProbe
from probes.run import run_probes

UTC = dt.UTC


#: The plan, what the probe brought home, and what the watched hosts wrote down.
Seen: TypeAlias = tuple[Plan, Collection, str]


@pytest.fixture
def seen(own_network: str, tmp_path: Path) -> Seen:
    folder = tmp_path / "city"
    write_example(folder, dt.datetime.now(UTC).date(), network=own_network)
    site = load_site(folder)
    now = dt.datetime.now(UTC)
    leave = authorise(site, [], now, registers=read_registers(site, now))
    (folder / "work").mkdir(mode=0o700)
    with answering(folder) as city:
        assert city.left_out == ()
        found = run_probes(
            [NmapProbe(raw=False)],
            leave.permits,
            workdir=folder / "work",
            stop=Stop(),
            now=lambda: dt.datetime.now(UTC),
        )
    return load_plan(folder / "city.yaml"), found, city.touched.read_text(encoding="utf-8")


def facts(found: Collection, address: str) -> list[Fact]:
    return [
        fact
        for observation in found.observations
        if any(identifier.value == address for identifier in observation.identifiers)
        for fact in observation.facts
    ]


def texts(found: Collection, address: str, column: str) -> set[str]:
    return {
        text
        for fact in facts(found, address)
        if fact.column == column and isinstance(fact.value, tuple)
        for text in fact.value
    }


def every_listener_is_found_and_nothing_else(seen: Seen) -> None:
    plan, found, _ = seen
    expected = {(host.address, service.port) for host, service in plan.listeners() if not host.watched}
    got = {
        (str(identifier.value), int(text.partition("/")[0]))
        for observation in found.observations
        for identifier in observation.identifiers
        for text in texts(found, identifier.value, "open_services")
    }
    assert got == expected


def titles_names_and_versions_are_read(seen: Seen) -> None:
    plan, found, _ = seen
    for host, service in plan.listeners():
        if host.watched:
            continue
        if service.title and service.port != 8006:  # nmap's own table takes this port for no web server
            assert service.title in texts(found, host.address, "page_titles"), host.address
        if service.names:
            assert service.names[0] in texts(found, host.address, "tls_names"), host.address
        if service.service == "ssh":
            number = service.version.removeprefix("OpenSSH_")
            assert f"2222/tcp ssh OpenSSH {number}" in texts(found, host.address, "open_services")


def platforms_are_recognised_and_databases_behind_ports_only_hinted(seen: Seen) -> None:
    plan, found, _ = seen
    base = re.match(r"127\.\d+", plan.hosts[0].address)
    assert base
    expected = {
        "3.5": "management_controller:",
        "3.6": "management_controller:",
        "3.11": "hypervisor:Proxmox",
        "3.15": "hypervisor:VMware vCenter",
    }
    for rest, product in expected.items():
        strong = [fact for fact in facts(found, f"{base[0]}.{rest}") if fact.column == "products"]
        assert any(
            str(text).startswith(product) and fact.strength.label == "seen_outside"
            for fact in strong
            for text in (fact.value if isinstance(fact.value, tuple) else ())
        ), rest
    for rest in ("1.11", "4.11"):
        guessed = [f for f in facts(found, f"{base[0]}.{rest}") if f.column == "products"]
        assert guessed
        assert {fact.strength.label for fact in guessed} == {"hinted"}


def nobody_touched_what_must_not_be_touched(seen: Seen) -> None:
    _plan, found, touched = seen
    assert touched == ""
    assert {(failure.zone, failure.reason) for failure in found.failures} == {("gov-cloud", "prefix_not_authorised")}


def test_the_city_is_seen_as_it_is(seen: Seen) -> None:
    """One test, because one scan is enough: each check would cost another where tests run in parallel."""
    for check in (
        every_listener_is_found_and_nothing_else,
        titles_names_and_versions_are_read,
        platforms_are_recognised_and_databases_behind_ports_only_hinted,
        nobody_touched_what_must_not_be_touched,
    ):
        check(seen)
