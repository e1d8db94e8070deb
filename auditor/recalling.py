"""What became of the findings that an audit did not see as violations.

The most careful question of all: a finding closes only on positive evidence from a covered scope. Everything
that falls short of that leaves it open, and stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from auditor.ledger.life import Sight
from auditor.ledger.records import FindingRow, Present, Terms
from inventories.coverage import Covered, asset_absence
from inventories.keymap import known
from inventories.model import Strength
from inventories.places import Zone
from policies.model import Verdict

if TYPE_CHECKING:
    from auditor.authorise import Leave
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
    """One audit's answers about earlier findings."""

    def __init__(self, site: Site, judged: Judged, leave: Leave, ledger: Ledger) -> None:
        self.site, self.judged, self.leave = site, judged, leave
        self.covered = Covered(judged.collected.coverage)
        self.names = known(judged.keymap)
        failed = {failure.zone for failure in judged.collected.failures}
        self.looked_at = {permit.zone.id for permit in leave.permits} - failed
        #: What earlier findings rest on, read before the ledger's transaction begins.
        self.earlier: Mapping[str, FindingRow] = {
            row.id: row for row in ledger.findings(states=("open", "stale", "reopened", "waived", "dismissed"))
        }

    def terms(self) -> Terms:
        today = self.judged.as_of
        in_force = frozenset(w.id for w in self.judged.collected.waivers if w.in_force(today))
        return Terms(on=today, absences_needed=self.site.config.absence_audits, waivers_in_force=in_force)

    def sight_of(self, present: Sequence[Present]) -> Mapping[str, Sight]:
        """By finding id: what this audit can say of each."""
        verdicts = self.judged.verdicts_for([(one.rule, one.asset_key) for one in present])
        return {one.id: self._sight(one, verdicts.get((one.rule, one.asset_key))) for one in present}

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
        if sight is Sight.COMPLIANT and self._was_seen(one) and not self._zones_covered(one):
            # A register's word does not close what was seen, while nobody has looked again.
            return Sight.NOT_ATTEMPTED if self._left_out(one) else Sight.ABSENT_UNCOVERED
        return sight

    def _absent(self, one: Present) -> Sight:
        names = self.names.get(one.asset_key, ())
        gone = asset_absence(one.kind, names, self.covered, places=self.site.places, department_id=one.department_id)
        return Sight.ABSENT_COVERED if gone else Sight.ABSENT_UNCOVERED

    def _was_seen(self, one: Present) -> bool:
        row = self.earlier.get(one.id)
        return row is not None and any(fact.get("strength") in _SEEN for fact in row.facts)

    def _zones(self, one: Present) -> list[Zone]:
        """Where the evidence on a finding can lie: its own zone, else its department's zones and the clouds'."""
        zones = self.site.places.zones
        if one.zone in zones:
            return [zones[one.zone]]
        return [
            zone
            for zone in zones.values()
            if zone.kind != "department" or one.department_id in {zone.department_id, *zone.owners.values()}
        ]

    def _left_out(self, one: Present) -> bool:
        return any(zone.id in self.leave.left_out for zone in self._zones(one))

    def _zones_covered(self, one: Present) -> bool:
        """Whether everything that may be probed there was; what the site excludes is the site's own decision."""
        return all(zone.id in self.looked_at for zone in self._zones(one))
