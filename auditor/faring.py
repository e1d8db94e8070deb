"""How each probe fared in each zone: what was looked at to the end, out of what the site lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditor.ledger.records import ProbeRun
from inventories.model import Collection, Coverage
from inventories.places import Zone
from reports.model import ProbeView

#: The aspect that counts as having looked at an address, from most to least telling.
_LOOKED = "ports"


@dataclass(frozen=True, slots=True)
class Fared:
    """``covered`` and ``authorised`` count addresses; ``problems`` are why the rest was not looked at."""

    zone: Zone
    probe: str
    covered: int
    authorised: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def success(self) -> bool:
        return not self.problems

    def run(self, ended: datetime) -> ProbeRun:
        return ProbeRun(
            zone=self.zone.id,
            probe=self.probe,
            success=self.success,
            seconds=self.seconds,
            covered=self.covered,
            authorised=self.authorised,
            ended_at=ended,
        )

    def view(self, *, last_success: datetime | None, limits: Sequence[str]) -> ProbeView:
        return ProbeView(
            zone=self.zone.id,
            zone_name=self.zone.name,
            probe=self.probe,
            success=self.success,
            seconds=self.seconds,
            ratio=self.covered / self.authorised if self.authorised else None,
            last_success=last_success,
            problems=self.problems,
            limits=tuple(limits),
        )


def fared(zones: Mapping[str, Zone], collected: Collection, authorised: Mapping[str, int]) -> tuple[Fared, ...]:
    """One entry for each probe in each zone that it covered or failed in, ordered by zone and probe.

    ``authorised`` maps a zone to the number of addresses that the site lets be probed; a zone that is missing
    there counts all of its own.
    """
    pairs = {(c.zone, c.collector) for c in collected.coverage if c.zone in zones}
    pairs |= {(f.zone, f.collector) for f in collected.failures if f.zone in zones}
    out = []
    for zone_id, probe in sorted(pairs):
        zone = zones[zone_id]
        looked = [c for c in collected.coverage if (c.zone, c.collector) == (zone_id, probe)]
        out.append(
            Fared(
                zone=zone,
                probe=probe,
                covered=_addresses(c for c in looked if c.aspect == _LOOKED),
                authorised=authorised.get(zone_id, sum(prefix.num_addresses for prefix in zone.prefixes)),
                seconds=_seconds(looked),
                problems=tuple(
                    dict.fromkeys(f.message for f in collected.failures if (f.zone, f.collector) == (zone_id, probe))
                ),
            )
        )
    return tuple(out)


def _addresses(coverage: Iterable[Coverage]) -> int:
    """Addresses covered, each once however often it was looked at."""
    prefixes = {ipaddress.ip_network(text) for record in coverage for text in record.scope}
    v4 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(p for p in prefixes if isinstance(p, ipaddress.IPv6Network))
    return sum(prefix.num_addresses for prefix in v4) + sum(prefix.num_addresses for prefix in v6)


def _seconds(coverage: Sequence[Coverage]) -> float:
    """From the first look to the end of the last."""
    if not coverage:
        return 0.0
    return (max(c.ended_at for c in coverage) - min(c.started_at for c in coverage)).total_seconds()
