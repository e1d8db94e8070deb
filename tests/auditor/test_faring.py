"""How a probe fared: what it looked at, out of what it set out to look at."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, datetime, timedelta

from auditor.faring import Fared, fared
from inventories.model import Collection, Coverage, Failure
from inventories.places import Zone

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ZONE = Zone("mzj", "民政局", "scanner", "department", (ipaddress.ip_network("10.1.0.0/24"),), department_id="mzj")


def looked(collector: str, aspect: str, *scope: str, detail: str = "") -> Coverage:
    return Coverage(collector, "mzj", "scanner", aspect, scope, AT, AT + timedelta(seconds=5), detail)


def failed(collector: str, reason: str, *scope: str, message: str = "") -> Failure:
    return Failure(collector, "mzj", scope, reason, message, AT)


def only(*things: Coverage | Failure, authorised: int = 200) -> Fared:
    coverage = tuple(t for t in things if isinstance(t, Coverage))
    failures = tuple(t for t in things if isinstance(t, Failure))
    (one,) = fared({"mzj": ZONE}, Collection(coverage=coverage, failures=failures), {"mzj": authorised})
    return one


def test_a_sweep_is_measured_against_the_zone() -> None:
    one = only(looked("nmap", "ports", "10.1.0.0/25", "10.1.0.0/26"), looked("nmap", "hosts", "10.1.0.0/24"))
    assert (one.covered, one.authorised, one.success, one.seconds) == (128, 200, True, 5.0)


def test_a_login_is_measured_against_what_it_was_tried_on() -> None:
    one = only(
        looked("ssh", "inside", "10.1.0.7/32", "10.1.0.8/32"),
        looked("ssh", "other", "10.1.0.0/24"),
        failed("ssh", "login_refused", "10.1.0.9/32"),
        failed("ssh", "changed_host_key", "10.1.0.10"),
        failed("ssh", "timed_out", "10.1.0.8/32"),
    )
    assert (one.covered, one.authorised) == (2, 4)
    assert one.problems == ("登录被拒绝", "主机密钥已变更", "探测超时")


def test_a_cloud_counts_its_projects_and_what_of_it_failed() -> None:
    whole = only(looked("openstack", "resources", "*", detail="LHC-01"))
    assert (whole.covered, whole.authorised, whole.success) == (1, 1, True)
    part = only(
        looked("openstack", "resources", "交通局", "民政局", detail="LHC-01"),
        failed("openstack", "forbidden", "project:财政局"),
        failed("openstack", "unavailable", "region:east"),
    )
    assert (part.covered, part.authorised, part.problems) == (2, 4, ("权限不足", "服务不可用"))


def test_names_are_things_too() -> None:
    one = only(looked("names", "names", "a.example", "10.1.0.7"), failed("names", "out_of_scope", "b.example"))
    assert (one.covered, one.authorised) == (2, 3)


def test_a_failure_that_names_nothing_is_not_full_coverage() -> None:
    one = only(failed("vsphere", "no_credentials"))
    assert (one.covered, one.authorised, one.success) == (0, 1, False)
    assert one.view(last_success=None, limits=()).ratio == 0


def test_a_probe_that_did_nothing_and_failed_at_nothing_is_not_listed() -> None:
    assert fared({"mzj": ZONE}, Collection(), {}) == ()
    assert fared({}, Collection(coverage=(looked("ssh", "inside", "10.1.0.7/32"),)), {}) == ()


def test_every_reason_that_a_worker_or_its_result_may_give_has_words() -> None:
    """A bureau reads them; an English word among them would be a hole."""
    from importlib.resources import files

    from auditor.faring import _REASONS

    found = set()
    for name in ("allowed", "work", "results", "post", "centre"):
        text = files("auditor.workers").joinpath(f"{name}.py").read_text(encoding="utf-8")
        found |= set(re.findall(r'(?:No|failed|_fail_all)\((?:job, |waiting\.job, )?"([a-z_]+)"', text))
        found |= set(re.findall(r'(?:return|reason =) "([a-z_]{5,})"(?:, | if)', text))
    assert {"no_worker", "outside_worker", "broker_refused", "worker_too_old"} <= found
    assert {reason for reason in found if reason not in _REASONS} == set()
