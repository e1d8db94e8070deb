"""What a job runs: commands of this very program, as a person would type them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from auditor.schedule.plan import Job, Kind
from auditor.site import Site

Command = Callable[[Site, Job, bool], Sequence[str]]


def command_of(site: Site, job: Job, resume: bool) -> list[str]:
    """What a job runs: this very program, from wherever it is installed, never from the working folder (-P)."""
    where = ["--site", str(site.root.absolute())]
    program = [sys.executable, "-P", "-m", "auditor"]
    if job.kind is Kind.JUDGE:
        return [*program, "audit", "--collected", *where]
    if job.kind is Kind.THIN:
        return [*program, "snapshot", "thin", *where]
    if job.kind is Kind.ANNOUNCE:
        return [*program, "schedule", "announce", "--ahead", *where]
    probes = [word for probe in job.probes for word in ("--probe", probe)]
    return [*program, "probe", "--zone", job.zone, *probes, *(["--resume"] if resume else []), *where]
