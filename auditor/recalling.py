"""What became of the findings that an audit did not see as violations.

The most careful question of all: a finding closes only on positive evidence from a covered scope. Everything
that falls short of that leaves it open, and stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from auditor.collecting import Looked, fresh_of
from auditor.ledger.life import Sight
from auditor.ledger.records import FindingRow, Present, Terms
from auditor.ledger.rows import batched
from inventories.again import Again, Known
from inventories.coverage import Covered, asset_absence
from inventories.keymap import known, names_of, resolve
from inventories.model import Identifier, Strength
from inventories.places import Zone
from inventories.snapshot import Snapshot, SnapshotError
from policies.model import Verdict

if TYPE_CHECKING:
    from auditor.judging import Judged
    from auditor.ledger.store import Ledger
    from auditor.site import Site

_SIGHTS: Mapping[Verdict, Sight] = {
    Verdict.COMPLIANT: Sight.COMPLIANT,
    Verdict.UNKNOWN: Sight.UNKNOWN,
    Verdict.NOT_APPLICABLE: Sight.NOT_APPLICABLE,
}
_SEEN = (Strength.SEEN_OUTSIDE.label, Strength.SEEN_INSIDE.label)


class Recall:
    """One audit's answers about earlier findings.

    ``whose`` tells whose a department's things are today: what was found at one that was merged is looked for in the
    networks of its successor.
    """

    def __init__(
        self,
        site: Site,
        judged: Judged,
        looked: Looked,
        ledger: Ledger,
        *,
        whose: Callable[[str], str] = lambda department: department,
    ) -> None:
        self.site, self.judged, self.looked, self.whose = site, judged, looked, whose
        #: What this audit is the first to judge: only that shows anything new.
        fresh = fresh_of(judged.collected, looked.carried)
        self.covered = Covered(fresh.coverage)
        self.again = Again(fresh, self.covered)
        self._ledger = ledger
        #: What is asked about, as each is called today and was called before, with what all of them were known by.
        self._keys: frozenset[str] = frozenset()
        self.names: Mapping[str, tuple[Identifier, ...]] = {}
        #: What earlier findings rest on: of those that this audit did not see.
        self.earlier: Mapping[str, FindingRow] = {}
        #: The newest of the earlier snapshots that was asked.
        self._asked = _Earlier(None, {})
        #: Where evidence can lie: of a department, and of whatever is nobody's own; with their places in the order.
        self._own, self._shared = _by_department(site.places.zones.values())
        self.looked_at = looked.attempted - {failure.zone for failure in fresh.failures}

    def terms(self) -> Terms:
        today = self.judged.as_of
        in_force = frozenset(w.id for w in self.judged.collected.waivers if w.in_force(today))
        return Terms(on=today, absences_needed=self.site.config.absence_audits, waivers_in_force=in_force)

    def sight_of(self, present: Sequence[Present]) -> Mapping[str, Sight]:
        """By finding id: what this audit can say of each."""
        present = [replace(one, department_id=self.whose(one.department_id)) for one in present]
        self._recall(present)
        verdicts = self.judged.verdicts_for([(one.rule, one.asset_key) for one in present])
        # Findings that one snapshot confirmed last stand together: it is read once.
        together = sorted(present, key=lambda one: (self._last_seen_in(one), one.id))
        return {one.id: self._sight(one, verdicts.get((one.rule, one.asset_key))) for one in together}

    def _recall(self, present: Sequence[Present]) -> None:
        """Reads what is known of what is asked about, and of nothing else: a city has a million things.

        The ledger is being written meanwhile: a finding may still stand there under a key that was merged away.
        """
        keymap = self.judged.keymap
        wanted = frozenset(one.asset_key for one in present)
        self.names, self._keys = known(keymap, wanted), names_of(keymap.aliases, wanted)
        asked = frozenset(one.id for one in present)
        self.earlier = {
            row.id: row
            for some in batched(sorted(self._keys))
            for row in self._ledger.findings(assets=some)
            if row.id in asked
        }

    def _sight(self, one: Present, verdict: Verdict | None) -> Sight:
        if one.rule not in self.judged.rules:
            return Sight.LAPSED
        if verdict is None:
            sight = self._absent(one)
        elif verdict is Verdict.NOT_APPLICABLE and self.judged.has_lapsed(one.rule):
            sight = Sight.LAPSED
        else:
            sight = _SIGHTS[verdict]
        if sight in (Sight.UNKNOWN, Sight.ABSENT_UNCOVERED) and self._left_out(one):
            return Sight.NOT_ATTEMPTED
        if sight is Sight.COMPLIANT and self._was_seen(one) and not self._rechecked(one):
            # A register's word does not close what was seen, while nobody has looked again.
            return Sight.NOT_ATTEMPTED if self._left_out(one) else Sight.ABSENT_UNCOVERED
        return sight

    def _absent(self, one: Present) -> Sight:
        """An asset that is in no source: gone where it could be, and where those who saw it looked again."""
        names = self.names.get(one.asset_key, ())
        where = self.site.places
        gone = asset_absence(
            one.kind, names, self.covered, places=where, department_id=one.department_id, read_again=True
        )
        return Sight.ABSENT_COVERED if gone and self._looked_again(one) else Sight.ABSENT_UNCOVERED

    def _rechecked(self, one: Present) -> bool:
        """Whether those whose sight a finding rests on have looked: at all, and at the thing itself."""
        zones = self._zones(one)
        ran = all(any((who, zone.id) in self.again.ran for zone in zones) for who in self._collectors(one))
        return ran and self._looked_again(one)

    def _looked_again(self, one: Present) -> bool:
        """Whether everybody who saw an asset when the finding was last confirmed looked again in this audit."""
        earlier = self._known_in(self._last_seen_in(one))
        if things := earlier.things.get((one.kind, one.asset_key)):
            return all(earlier.looked(self.again, thing) for thing in things)
        # The snapshot is gone: the finding's own facts still name those who saw it, and no machine.
        if self._was_seen(one):
            return self.again.covered_by(self._collectors(one), [zone.id for zone in self._zones(one)])
        is_concluded = any(i.scheme in ("place", "service") for i in self.names.get(one.asset_key, ()))
        return not is_concluded or self._zones_covered(one)

    def _last_seen_in(self, one: Present) -> str:
        row = self.earlier.get(one.id)
        return row.snapshot_last if row is not None else ""

    def _known_in(self, snapshot: str) -> _Earlier:
        """What an earlier snapshot knew of what is asked about; nothing where it cannot be read."""
        if self._asked.snapshot is None or self._asked.snapshot.id != snapshot:
            aliases = self.judged.keymap.aliases
            things: dict[tuple[str, str], list[Known]] = {}
            try:
                found = Snapshot(self.site.snapshots / snapshot)
                for one in found.known(keys=self._keys):
                    things.setdefault((one.kind, resolve(aliases, one.key)), []).append(one)
            except SnapshotError:
                return _Earlier(None, {})
            self._asked = _Earlier(found, things)
        return self._asked

    def _collectors(self, one: Present) -> set[str]:
        """The probes that a finding's facts name as their sources: ``nmap + ssh``, ``openstack https://…``."""
        row = self.earlier.get(one.id)
        seen = [fact for fact in row.facts if fact.get("strength") in _SEEN] if row is not None else []
        return {
            words[0] for fact in seen for part in str(fact.get("source", "")).split(" + ") if (words := part.split())
        }

    def _was_seen(self, one: Present) -> bool:
        row = self.earlier.get(one.id)
        return row is not None and any(fact.get("strength") in _SEEN for fact in row.facts)

    def _zones(self, one: Present) -> list[Zone]:
        """Where the evidence on a finding can lie: its own zone, else its department's zones and the clouds'."""
        zones = self.site.places.zones
        if one.zone in zones:
            return [zones[one.zone]]
        own = self._own.get(one.department_id, ())
        return [zone for _, zone in sorted((*self._shared, *own), key=itemgetter(0))]

    def _left_out(self, one: Present) -> bool:
        zones = [zone.id for zone in self._zones(one)]
        if any(zone in self.looked.left_out for zone in zones):
            return True
        return any((zone, who) in self.looked.carried for who in self._collectors(one) for zone in zones)

    def _zones_covered(self, one: Present) -> bool:
        """Whether everything that may be probed there was; what the site excludes is the site's own decision."""
        return all(zone.id in self.looked_at for zone in self._zones(one))


_Placed: TypeAlias = tuple[int, Zone]


def _by_department(zones: Iterable[Zone]) -> tuple[Mapping[str, list[_Placed]], list[_Placed]]:
    """Department → the zones in which it has a network; and those of clouds and others, which are everybody's."""
    own: dict[str, list[_Placed]] = {}
    shared: list[_Placed] = []
    for place, zone in enumerate(zones):
        if zone.kind != "department":
            shared.append((place, zone))
            continue
        for department in {zone.department_id, *zone.owners.values()}:
            own.setdefault(department, []).append((place, zone))
    return own, shared


@dataclass(slots=True)
class _Earlier:
    """What an earlier snapshot knew. ``things``: kind and key of today → what is asked about."""

    snapshot: Snapshot | None
    things: Mapping[tuple[str, str], list[Known]]
    #: Of things without an address of their own: where they were seen, and by whom → whether those looked again.
    _concluded: dict[tuple[tuple[str, ...], frozenset[str]], bool] = field(default_factory=dict)

    def looked(self, again: Again, thing: Known) -> bool:
        """Whether everybody who saw a thing looked again; see :meth:`inventories.again.Again.looked`."""
        if thing.spots or thing.kind == "cloud" or self.snapshot is None:
            return again.looked(thing, self._hosts(thing))
        place = (thing.zones, thing.seen_by)
        if place not in self._concluded:
            self._concluded[place] = again.looked(thing, self._hosts(thing))
        return self._concluded[place]

    def _hosts(self, thing: Known) -> list[Known]:
        """The machines of its zones, which tell of a thing that has no address of its own."""
        if thing.spots or self.snapshot is None:
            return []
        return list(self.snapshot.known("host", zones=thing.zones))
