"""A worker's own configuration outranks the centre's signature."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.workers.allowed import objection, own_permit
from auditor.workers.messages import Job
from inventories.places import Zone
from probes.access import Access, Asked, Bastion, NameRules, OpenstackAccess, SnmpLogin, SshLogin, VsphereAccess
from probes.secrets import Secret
from tests.auditor.workers.conftest import ZONE, Pair, permit_of


def why(pair: Pair, job: Job) -> str:
    no = objection(job, pair.worker, pair.clock())
    return no.reason if no else ""


def with_access(pair: Pair, access: Access) -> str:
    return why(pair, pair.job(permit=permit_of(access=access)))


def test_a_job_within_its_bounds_is_done(pair: Pair) -> None:
    assert why(pair, pair.job()) == ""


@pytest.mark.parametrize(
    ("targets", "reason"),
    [
        (("192.0.2.0/27",), "outside_worker"),
        (("198.51.100.1/32",), "outside_worker"),
        (("0.0.0.0/0",), "outside_worker"),
        (("::1/128",), "outside_worker"),
        (("192.0.2.12/30",), "excluded_here"),
    ],
)
def test_other_targets_are_refused(pair: Pair, targets: tuple[str, ...], reason: str) -> None:
    assert why(pair, replace(pair.job(), permit=permit_of(*targets))) == reason
    only = tuple(map(ipaddress.ip_network, targets))
    assert why(pair, pair.job(targets=only)) in (reason, "bad_job")


def test_a_shard_stays_within_its_permit(pair: Pair) -> None:
    assert why(pair, pair.job(targets=(ipaddress.ip_network("192.0.2.13/32"),))) == "bad_job"


def test_zone_vantage_probe_and_rate(pair: Pair) -> None:
    elsewhere = Zone("mzj", "民政局", "in-jtj", "department", ZONE.prefixes)
    assert why(pair, pair.job(permit=replace(permit_of(), zone=elsewhere))) == "wrong_zone"
    assert why(pair, pair.job(probe="rm -rf")) == "unknown_probe"
    assert why(pair, pair.job(beside=0)) == "bad_job"
    furious = replace(permit_of().profile, max_rate=10**9)
    assert why(pair, pair.job(permit=replace(permit_of(), profile=furious))) == "bad_job"


def test_time(pair: Pair) -> None:
    job = pair.job()
    pair.clock.at = job.not_after
    assert why(pair, job) == "expired"
    assert why(pair, replace(job, not_after=job.not_after + timedelta(days=9))) == "expired"
    pair.clock.at = job.sent_at - timedelta(seconds=61)
    assert why(pair, job) == "clock_skewed"


def test_secrets_that_are_not_listed_are_not_read(pair: Pair) -> None:
    mine = Access(ssh=(SshLogin("audit", key=Secret.parse("file:/etc/auditor/mzj")),))
    assert with_access(pair, mine) == ""
    for other in ("file:/etc/shadow", "env:MZJ_BROKER", "file:/etc/auditor/worker.pem", "systemd:other"):
        assert with_access(pair, Access(snmp=(SnmpLogin(community=Secret.parse(other)),))) == "secret_not_allowed"
    bastion = Bastion("192.0.2.1", "jump", key=Secret.parse("file:/etc/ssh/other"))
    assert with_access(pair, Access(ssh=(SshLogin("audit", bastion=bastion),))) == "secret_not_allowed"


def test_hosts_beside_the_targets_must_be_named(pair: Pair) -> None:
    secret = Secret.parse("env:MZJ_SSH")
    for host, good in (
        ("192.0.2.3", True),
        ("vcenter.example.gov.cn", True),
        ("VCENTER.example.gov.cn.", True),
        ("198.51.100.9", True),
        ("192.0.2.14", False),
        ("203.0.113.1", False),
        ("evil.example", False),
    ):
        expected = "" if good else "outside_worker"
        vsphere = VsphereAccess(f"https://{host}", "u", secret)
        assert with_access(pair, Access(vsphere=(vsphere,))) == expected, host
        cloud = OpenstackAccess(f"https://{host}:5000/v3", "u", secret)
        assert with_access(pair, Access(openstack=(cloud,))) == expected, host
        assert with_access(pair, Access(ssh=(SshLogin("u", bastion=Bastion(host, "j")),))) == expected, host
    assert with_access(pair, Access(vsphere=(VsphereAccess("https://[", "u", secret),))) == "outside_worker"


def test_names_and_resolvers(pair: Pair) -> None:
    rules = NameRules(("*",), ("192.0.2.2",))
    assert with_access(pair, Access(names=rules)) == ""
    assert with_access(pair, Access(names=replace(rules, resolvers=("203.0.113.53",)))) == "outside_worker"
    assert with_access(pair, Access(names=replace(rules, follow=True))) == "outside_worker"
    for host, good in (("oa.example.gov.cn", True), ("192.0.2.5", True), ("example.com", False)):
        permit = permit_of(access=Access(names=rules), names=(Asked(host, 0, "https", "/", ()),))
        assert why(pair, pair.job(permit=permit)) == ("" if good else "outside_worker")


def test_own_exclusions_and_own_rate_are_added(pair: Pair) -> None:
    permit = own_permit(permit_of(excluded=()), pair.worker)
    assert ipaddress.ip_network("192.0.2.14/32") in permit.excluded
    assert permit.profile.max_rate == 500


def test_a_message_shows_nothing_dangerous(pair: Pair, tmp_path: Path) -> None:
    permit = permit_of(names=(Asked("\x1b[2J.evil", 0, "https", "/", ()),))
    no = objection(pair.job(permit=permit), pair.worker, pair.clock())
    assert no is not None and "\x1b" not in no.message
