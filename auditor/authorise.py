"""By whose leave: which zones an audit may probe now, and why it may not probe the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING

from auditor.declared_names import declared_names
from auditor.errors import Refused
from auditor.site import Site
from inventories.faults import did_you_mean
from inventories.model import Failure
from inventories.places import Zone
from probes.access import Access
from probes.scope import Permit, Refusal, permit

if TYPE_CHECKING:
    from inventories.registers import RegisterResult


@dataclass(frozen=True, slots=True)
class Leave:
    """The zones that an audit asked for, each either permitted or refused with its reason."""

    permits: tuple[Permit, ...]
    refusals: tuple[Refusal, ...]
    left_out: tuple[str, ...] = ()
    #: Zone → what the site gives there to look closer with.
    access: Mapping[str, Access] = field(default_factory=dict)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Those that were asked for, permitted or not."""
        return (*(permit.zone for permit in self.permits), *(refusal.zone for refusal in self.refusals))

    def failures(self, probes: Sequence[str], at: datetime) -> tuple[Failure, ...]:
        """A refused zone is uncovered for every probe that would have looked there, and says why."""
        return tuple(
            Failure(
                collector=probe,
                zone=refusal.zone.id,
                scope=tuple(str(prefix) for prefix in refusal.zone.prefixes),
                reason=refusal.reason,
                message=refusal.message,
                at=at,
            )
            for refusal in self.refusals
            for probe in probes
            if self.access.get(refusal.zone.id, Access()).gives(probe)
        )


def authorise(
    site: Site,
    zones: Sequence[str],
    now: datetime,
    *,
    registers: RegisterResult,
    probed: Callable[[str], bool] = lambda _zone: True,
) -> Leave:
    """Asks for leave to probe the named zones, or all; of these only those that ``probed`` says are probed at all.

    ``now`` is turned to the site's time zone: windows are hours of the site's day. ``registers`` give the names that
    may be asked where a zone allows it, and the addresses of classified systems: those are excluded like the
    configuration's own exclusions, and named nowhere. Raises :class:`Refused` for a zone that the site does not have.
    """
    known = [scope.zone.id for scope in site.scopes]
    unknown = [zone for zone in zones if zone not in known]
    if unknown:
        raise Refused(
            *(
                f"unknown zone {zone!r}: {did_you_mean(zone, known) or 'one of ' + ', '.join(known)}"
                for zone in unknown
            )
        )
    local = now.astimezone(site.timezone)
    hidden = tuple(ip_network(address) for address in sorted(registers.withheld))
    declared = declared_names(registers.collection, registers.withheld)
    answers = [
        permit(replace(scope, excluded=(*scope.excluded, *hidden), declared=declared), local)
        for scope in site.scopes
        if (not zones or scope.zone.id in zones) and probed(scope.zone.id)
    ]
    return Leave(
        permits=tuple(answer for answer in answers if isinstance(answer, Permit)),
        refusals=tuple(answer for answer in answers if isinstance(answer, Refusal)),
        left_out=tuple(zone for zone in known if zones and zone not in zones),
        access={scope.zone.id: scope.access for scope in site.scopes},
    )


def refuse_if_stopped(site: Site) -> None:
    """The emergency stop holds until a person clears it."""
    if site.stop_file.exists():
        raise Refused(
            f"all probing of this site is stopped ({site.stop_file})",
            f"'auditor stop --clear --site {site.root}' allows it again",
        )
