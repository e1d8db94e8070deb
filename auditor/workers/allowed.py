"""Whether a job may be done here: a worker's own configuration outranks whatever its centre signs.

Pure. Even a centre in wrong hands cannot make a worker look outside its own prefixes, at what it leaves alone, or at
secrets that are not for this zone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from auditor.workers.config import Worker
from auditor.workers.messages import Job
from inventories.faults import clean
from probes.access import Access
from probes.registry import PROBES
from probes.scope import Permit, intersect, subtract


@dataclass(frozen=True, slots=True)
class No:
    """A job that is not done, and why: the centre records it as a failure over the shard's targets."""

    reason: str
    message: str


def objection(job: Job, worker: Worker, now: datetime) -> No | None:
    """Why the job is not done here, or None."""
    return next(_objections(job, worker, now), None)


def own_permit(permit: Permit, worker: Worker) -> Permit:
    """The job's permit with the worker's own exclusions and its own limit of packets a second."""
    profile = permit.profile
    if worker.config.max_rate is not None:
        profile = replace(profile, max_rate=min(profile.max_rate, worker.config.max_rate))
    return replace(permit, excluded=(*permit.excluded, *worker.excluded), profile=profile)


def _objections(job: Job, worker: Worker, now: datetime) -> Iterator[No]:
    config, permit = worker.config, job.permit
    if permit.zone.id != config.zone or permit.zone.vantage != config.vantage:
        yield No("wrong_zone", f"this worker stands in zone {config.zone}, at vantage {config.vantage}")
    if job.probe not in PROBES:
        yield No("unknown_probe", f"this worker has no probe {clean(job.probe, 40)!r}: update it")
    if now >= min(job.not_after, permit.until):
        yield No("expired", "the leave to probe had ended when the job came")
    if job.sent_at - timedelta(seconds=config.skew_seconds) > now:
        yield No("clock_skewed", "the job was sent in this worker's future: set its clock")
    if not 1 <= job.beside <= 1024 or not 1 <= permit.profile.max_rate <= 100_000 or permit.profile.parallel < 1:
        yield No("bad_job", "the job's rate is none")
    yield from _outside(job, worker)
    yield from _elsewhere(permit, worker)
    for secret in permit.access.secrets:
        if not worker.allows_secret(secret):
            # A reference, and no secret: naming it tells the operator what to list.
            yield No("secret_not_allowed", f"this worker's configuration does not list {clean(str(secret), 120)}")


def _outside(job: Job, worker: Worker) -> Iterator[No]:
    """Targets, of the shard and of the whole permit (some probes ask within that), lie inside the worker's own."""
    for targets in (job.targets, job.permit.targets):
        stray = subtract(targets, worker.prefixes)
        if stray:
            yield No("outside_worker", f"{stray[0]} lies in none of this worker's prefixes")
        barred = intersect(targets, worker.excluded)
        if barred:
            yield No("excluded_here", f"this worker leaves {barred[0]} alone")
    if subtract(job.targets, job.permit.targets):
        yield No("bad_job", "the shard leaves its own permit")


def _elsewhere(permit: Permit, worker: Worker) -> Iterator[No]:
    """Whatever is reached by a name or an address of its own: bastions, clouds, name servers, declared names."""
    for host in _hosts(permit.access):
        if not (_is_inside(host, worker) or worker.allows_endpoint(host)):
            yield No("outside_worker", f"{clean(host, 120)} is not among this worker's endpoints")
    rules = permit.access.names
    if rules is not None and rules.follow and not worker.config.follow:
        yield No("outside_worker", "this worker does not follow names to addresses outside")
    for asked in permit.names:
        if not worker.allows_name(asked.host) and not _is_inside(asked.host, worker):
            yield No("outside_worker", f"{clean(asked.host, 120)} is not among this worker's names")


def _hosts(access: Access) -> Iterator[str]:
    for ssh in access.ssh:
        if ssh.bastion is not None:
            yield ssh.bastion.address
    for url in (*(one.endpoint for one in access.vsphere), *(one.auth_url for one in access.openstack)):
        yield _host(url)
    if access.names is not None:
        yield from access.names.resolvers


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_inside(host: str, worker: Worker) -> bool:
    try:
        network = ipaddress.ip_network(host)
    except ValueError:
        return False
    return not subtract([network], worker.prefixes) and not intersect([network], worker.excluded)
