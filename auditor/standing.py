"""Which look stands for a zone, and how much it may still say. Pure.

======================= ===================================================================================
the newest look of a    is
zone's probe
======================= ===================================================================================
not judged yet          fresh: it confirms, closes and ages findings, dated by when it was seen
judged before           carried: it stands for the zone, and does none of these a second time
older than what an      passed over: the zone is left out, for an older sight must not undo a newer one
audit saw there since
older than the zone's   expired: the zone is uncovered there, and says so
``valid_days``
======================= ===================================================================================
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from auditor.looks import Look, Pair
from inventories.model import Failure


@dataclass(frozen=True, slots=True)
class Choice:
    """(zone, probe) → the look that stands for it, and what follows."""

    looks: Mapping[Pair, Look] = field(default_factory=dict)
    carried: frozenset[Pair] = frozenset()
    passed_over: frozenset[Pair] = frozenset()
    failures: tuple[Failure, ...] = ()

    @property
    def fresh(self) -> tuple[Look, ...]:
        """Those that are judged for the first time, each once."""
        return tuple({look.id: look for pair, look in self.looks.items() if pair not in self.carried}.values())

    @property
    def zones(self) -> frozenset[str]:
        """Those that were to be taken."""
        return frozenset(zone for zone, _probe in (*self.looks, *self.passed_over)) | {f.zone for f in self.failures}

    @property
    def attempted(self) -> frozenset[str]:
        """Zones that were looked at anew, or too long ago, by everything that looks there."""
        spoken_of = {look.zone for look in self.fresh} | {failure.zone for failure in self.failures}
        return frozenset(spoken_of) - {zone for zone, _probe in self.carried | self.passed_over}

    @property
    def left_out(self) -> frozenset[str]:
        """Zones of which nothing is fresh, and those of which something newer was seen than what there is to take."""
        passed_over = {zone for zone, _probe in self.passed_over}
        carried = {zone for zone, _probe in self.carried} - {look.zone for look in self.fresh}
        return frozenset(carried | passed_over)

    def by_look(self) -> list[tuple[Look, frozenset[str]]]:
        """Each look once, with the probes that it was chosen for."""
        probes: dict[str, set[str]] = {}
        for (_zone, probe), look in self.looks.items():
            probes.setdefault(look.id, set()).add(probe)
        once = {look.id: look for look in self.looks.values()}
        return [(once[name], frozenset(chosen)) for name, chosen in sorted(probes.items())]


def choose(
    newest: Mapping[Pair, Look],
    *,
    expected: Mapping[str, Sequence[str]],
    wanted: Container[str],
    judged: Container[str],
    attempts: Mapping[Pair, datetime],
    valid_days: Mapping[str, int],
    prefixes: Mapping[str, tuple[str, ...]],
    now: datetime,
) -> Choice:
    """Judges the ``newest`` look of every zone and probe.

    ``expected`` are, for each zone that is to be taken, the probes that would look there: where none has a look, they
    are what is missing. ``wanted`` are the probes that the audit asks for, ``judged`` the ids of looks that recorded
    audits have judged, ``attempts`` until when each pair was looked at by a recorded audit. ``prefixes`` is what a
    zone leaves uncovered.
    """
    chosen: dict[Pair, Look] = {}
    carried, passed_over, failures = set[Pair](), set[Pair](), []
    there = {pair: look for pair, look in newest.items() if pair[0] in expected and pair[1] in wanted}
    for pair, look in sorted(there.items()):
        last = attempts.get(pair)
        if now - look.seen_until > timedelta(days=valid_days[look.zone]):
            failures.append(_missing(pair, prefixes, now, f"seen last on {look.seen_until:%Y-%m-%d}"))
        elif last is not None and last > look.seen_until:
            passed_over.add(pair)
        else:
            chosen[pair] = look
            if look.id in judged:
                carried.add(pair)
    told = {zone for zone, _probe in there}
    for zone, probes in sorted(expected.items()):
        if zone not in told:
            failures += [_missing((zone, probe), prefixes, now, "never seen") for probe in probes if probe in wanted]
    return Choice(chosen, frozenset(carried), frozenset(passed_over), tuple(failures))


def _missing(pair: Pair, prefixes: Mapping[str, tuple[str, ...]], now: datetime, what: str) -> Failure:
    zone, probe = pair
    return Failure(probe, zone, prefixes.get(zone, ()), "no_look", f"nothing new was brought home: {what}", now)
