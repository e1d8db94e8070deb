"""The brake: when a run of drafts accuses so many, or rests on so little, that somebody should look again. Pure.

A wrong rule, a probe gone mad or one wrong row of a list makes many findings at once, and each of them looks like
any other. The brake stops the run before a paper exists; a second office looks, says why it may go on, and that
is kept in the trail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from auditor.cases.qualify import Candidate
from auditor.site_office import BrakeConfig
from inventories.faults import clean
from reports.model import FindingView

_SEEN = ("seen_inside", "seen_outside")
#: What names a row of a list: all findings on one product rest on the same row.
_PRODUCT = ("vendor", "product", "version")


@dataclass(frozen=True, slots=True)
class Ground:
    """How large the city is, and what earlier cases have used: what a run is measured against."""

    departments: int
    systems: int
    #: Departments and systems that cases hold already: a run may not be cut in slices.
    accused_departments: frozenset[str] = frozenset()
    accused_systems: frozenset[str] = frozenset()
    #: Rules that an issued paper has cited before.
    known_rules: frozenset[str] = frozenset()
    #: What stands in drafts that nobody has signed yet, whichever run made them.
    waiting: tuple[FindingView, ...] = ()


def reasons(config: BrakeConfig, run: Sequence[Candidate], ground: Ground) -> tuple[str, ...]:
    """Why a run should stop, in words; empty where it may go on."""
    items = [item for candidate in run for item in candidate.items]
    if not items:
        return ()
    drafted = {item.id: item for item in (*ground.waiting, *items)}.values()
    return (
        *_share(
            "departments",
            {candidate.department.id for candidate in run if candidate.items} | ground.accused_departments,
            ground.departments,
            config.departments,
        ),
        *_share(
            "systems",
            {item.asset_key for item in items if item.subject == "system"} | ground.accused_systems,
            ground.systems,
            config.systems,
        ),
        *_many("rest on the probe", Counter(_only_probe(item) for item in drafted), config.findings, "alone"),
        *_many("rest on the list row", Counter(_list_row(item) for item in drafted), config.findings),
        *_many(
            "come from the rule",
            Counter(item.rule for item in drafted if item.rule not in ground.known_rules),
            config.findings,
            "which no issued paper has used yet",
        ),
    )


def _share(what: str, accused: Collection[str], there_are: int, limit: float) -> Iterable[str]:
    # One of two is half of them, and no reason to stop.
    if there_are and len(accused) > 1 and len(accused) / there_are > limit:
        yield f"{len(accused)} of {there_are} {what} would be accused, more than the site's share of {limit:.0%}"


def _many(what: str, counts: Counter[str], limit: int, after: str = "") -> Iterable[str]:
    for name, number in sorted(counts.items()):
        if name and number >= limit:
            yield f"{number} findings {what} {clean(name, 100)}{' ' + after if after else ''}"


def _only_probe(item: FindingView) -> str:
    """The one probe that all that was seen of a finding comes from; empty where there are several, or none."""
    probes = {
        words[0]
        for fact in item.facts
        if fact.strength in _SEEN
        # ``nmap + ssh``, ``openstack https://…``
        for source in fact.source.split(" + ")
        if (words := source.split())
    }
    return probes.pop() if len(probes) == 1 else ""


def _list_row(item: FindingView) -> str:
    """The product that a finding holds against a list; empty where it rests on no list."""
    if not any(fact.column.startswith("list_") for fact in item.facts):
        return ""
    shown = {fact.column: fact.shown for fact in item.facts if fact.column in _PRODUCT}
    return " ".join(shown[column] for column in _PRODUCT if column in shown)
