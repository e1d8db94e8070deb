"""What a worker sent back, judged by the centre: whose word it is, what it answers, and whether it may say that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from auditor.workers.messages import Job
from inventories.bundle import Bundle, BundleError, Limits, Trust, read
from inventories.bundle_contents import Contents, Ground
from inventories.coverage import NETWORK_ASPECTS
from inventories.faults import clean
from inventories.model import Collection, Failure
from inventories.prefixes import Ranges, network
from probes.registry import PROBES

#: A shard is a few hundred addresses: some megabytes at most.
LIMITS = Limits(packed=64 * 1024**2, plain=512 * 1024**2, lines=10_000)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job came to. ``limits`` are (probe, text): what cannot be seen from where the worker stands."""

    collection: Collection
    limits: tuple[tuple[str, str], ...] = ()


def opened(data: bytes, trust: Trust, site: str, zone: str) -> Bundle:
    """A result whose signature counts for the zone. :class:`BundleError` for anything else."""
    bundle = read(data, trust=trust, limits=LIMITS, site=site)
    if bundle.head.kind != "result" or bundle.head.zone != zone:
        raise BundleError("replayed", f"is a {bundle.head.kind} of zone {bundle.head.zone}, and no result of {zone}")
    return bundle


def answer(bundle: Bundle, job: Job, ground: Ground, *, now: datetime, skew: timedelta) -> Answer:
    """What the result of a job says, or a failure over the shard's targets that says why it does not count."""
    head = bundle.head
    try:
        found = Collection.united(bundle.collections())
        refusal = _refusal(found)
        if refusal is not None:
            return Answer(failed(job, clean(refusal.reason, 40), refusal.message, now))
        _check_times(bundle, job, now, skew)
        contents = Contents(head, ground, PROBES)
        contents.check_head()
        contents.check(found)
        _check_shard(found, job)
    except BundleError as error:
        reason = {"bad_time": "clock_skewed", "foreign": "foreign_result"}.get(error.reason, error.reason)
        return Answer(failed(job, reason, f"the worker's result does not count: it {error.message}", now))
    failures = tuple(replace(f, scope=f.scope or _scope(job)) for f in found.failures)
    return Answer(replace(found, failures=failures), head.limits)


def failed(job: Job, reason: str, message: str, now: datetime) -> Collection:
    """A failure over everything that the shard was to cover."""
    return Collection(failures=(Failure(job.probe, job.zone, _scope(job), reason, clean(message, 300), now),))


def _scope(job: Job) -> tuple[str, ...]:
    return tuple(str(target) for target in job.targets)


def _refusal(found: Collection) -> Failure | None:
    """Why a worker did nothing at all, where that is all that it says.

    It may not even have been able to read which probe and targets were meant, or its clock may be what is wrong.
    """
    alone = len(found.failures) == 1 and found == Collection(failures=found.failures)
    return found.failures[0] if alone and not found.failures[0].scope else None


def _check_times(bundle: Bundle, job: Job, now: datetime, skew: timedelta) -> None:
    head = bundle.head
    if bundle.head.probes != (job.probe,):
        raise BundleError("foreign", "is of another probe than was asked for")
    if head.seen_from < job.since - skew:
        raise BundleError("replayed", f"was made at {head.seen_from:%Y-%m-%d %H:%M} UTC, before this run began")
    if head.seen_until > now + skew:
        raise BundleError(
            "bad_time", f"says to have been seen at {head.seen_until:%Y-%m-%d %H:%M:%S} UTC, which is to come"
        )


def _check_shard(found: Collection, job: Job) -> None:
    """Only what was asked for may be said to be covered: nothing is concluded from silence elsewhere."""
    if not job.targets:
        return
    asked = Ranges(job.targets)
    for covered in found.coverage:
        if covered.collector != job.probe or covered.aspect not in NETWORK_ASPECTS:
            continue
        for text in covered.scope:
            prefix = network(text)
            if prefix is None or not asked.holds_prefix(prefix):
                raise BundleError("foreign", f"covers {clean(text, 60)}, which is not in the shard")
