"""By whose leave something was seen: what the site's authorisations said on the day it was seen.

Days, freezes and prefixes decide; the hours of a window only lead to a note, for the clock of a machine in another
network may be some minutes off, and a person can judge that. Authorisations that are over therefore stay in
``site.yaml`` for as long as something that was seen under them may still be carried here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from inventories.bundle import BundleError
from inventories.coverage import NETWORK_ASPECTS
from inventories.model import Collection, Observation
from inventories.places import Network
from inventories.prefixes import Ranges, network
from probes.scope import Authorisation, ZoneScope

#: A shard in hand at the end of a window or of a day is finished; what it saw may bear the time just after.
GRACE = timedelta(minutes=15)
#: Probes that ask a cloud's manager: the machines that it lists were not touched.
_BY_MANAGER = frozenset({"vsphere", "openstack"})


@dataclass(frozen=True, slots=True)
class _Day:
    """What was allowed on one day: nothing where ``why_not`` says so."""

    valid: tuple[Authorisation, ...]
    granted: Ranges
    why_not: str = ""


class LeaveThen:
    """Holds what was seen against the authorisations of its day. ``outside`` counts what was seen at other hours."""

    def __init__(self, scope: ZoneScope, timezone: tzinfo) -> None:
        self.outside = 0
        self._scope, self._timezone = scope, timezone
        self._days: dict[date, _Day] = {}

    def check_beginning(self, at: datetime) -> None:
        """:class:`BundleError` where nobody had allowed to begin then, whatever was seen."""
        self._allowed(at)

    def check(self, collection: Collection) -> None:
        """:class:`BundleError` (``not_authorised``) for the first thing that nobody had allowed to be looked at.

        What failed was not seen, and needs no leave.
        """
        for seen in collection.observations:
            day = self._allowed(seen.observed_at)
            self._observation(seen, day)
        for covered in collection.coverage:
            day = self._allowed(covered.started_at)
            if covered.aspect in NETWORK_ASPECTS:
                self._prefixes([p for text in covered.scope if (p := network(text))], day, covered.started_at)

    def _observation(self, seen: Observation, day: _Day) -> None:
        addresses = [i.value for i in seen.identifiers if i.scheme == "ip"]
        touched = addresses and seen.collector not in _BY_MANAGER
        # A machine that was read tells its other addresses too; the one at which it was read is among them.
        if touched and not any(day.granted.holds_address(address) for address in addresses):
            raise self._refusal(f"no authorisation of that day names {addresses[0]}", seen.observed_at)
        if not any(self._in_hours(one, seen.observed_at) for one in day.valid):
            self.outside += 1

    def _prefixes(self, prefixes: Sequence[Network], day: _Day, at: datetime) -> None:
        for prefix in prefixes:
            if not day.granted.holds_prefix(prefix):
                raise self._refusal(f"no authorisation of that day names {prefix}", at)

    def _in_hours(self, leave: Authorisation, at: datetime) -> bool:
        if leave.window is None:
            return True
        return any(leave.window.contains(moment.astimezone(self._timezone)) for moment in (at, at - GRACE))

    def _allowed(self, at: datetime) -> _Day:
        """The day on which it was seen, or the one that had ended just then."""
        today = self._day(at.astimezone(self._timezone).date())
        if not today.why_not:
            return today
        before = self._day((at - GRACE).astimezone(self._timezone).date())
        if not before.why_not:
            return before
        raise self._refusal(today.why_not, at)

    def _day(self, day: date) -> _Day:
        found = self._days.get(day)
        if found is None:
            found = self._days[day] = self._read(day)
        return found

    def _read(self, day: date) -> _Day:
        for first, last in self._scope.frozen:
            if first <= day <= last:
                return _Day((), Ranges(()), f"nothing was to be probed from {first} to {last}")
        valid = tuple(one for one in self._scope.authorisations if one.valid_from <= day <= one.valid_to)
        if not valid:
            return _Day((), Ranges(()), "no authorisation of that day names the zone")
        return _Day(valid, Ranges(prefix for one in valid for prefix in one.prefixes))

    def _refusal(self, what: str, at: datetime) -> BundleError:
        moment = at.astimezone(self._timezone)
        return BundleError(
            "not_authorised",
            f"was seen on {moment:%Y-%m-%d %H:%M}, and {what}: an authorisation that is over stays in site.yaml; "
            "or the clock of the machine that looked was wrong",
        )
