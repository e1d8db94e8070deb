"""Any course of events: names stay, nothing vanishes, history only grows and tells the present state."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from auditor.ledger import Ledger
from auditor.ledger.identities import survivor
from auditor.ledger.life import Change, Sight
from auditor.ledger.records import EventRow, FindingRow, Opening, Present, Seen, Terms
from inventories.model import KeyMap
from tests.auditor.ledgers import SERVER, forget, ledger_of

KEYS = ["H1", "H2", "H3"]
RULES = ["p/a", "p/b"]
START = datetime(2026, 1, 1, tzinfo=UTC)
OPEN = ("open", "stale", "reopened")
CLOSING = (Sight.COMPLIANT, Sight.NOT_APPLICABLE, Sight.LAPSED)

#: Some sights are drawn more often, so that courses get long enough to matter. None goes unanswered.
OFTEN = [*Sight, None, *[Sight.VIOLATION] * 4, *[Sight.ABSENT_COVERED] * 3]
#: What one audit makes of each rule on each asset.
SIGHTS = st.fixed_dictionaries({(name, key): st.sampled_from(OFTEN) for name in RULES for key in KEYS})


@cache
def template() -> bytes:
    """An empty ledger, so that not every example has to run the migrations."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "l"
        Ledger.open(path).close()
        return path.read_bytes()


class Years(RuleBasedStateMachine):
    """A ledger through years of audits, mergers and people's judgements."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        if not SERVER:
            (self.folder / "l").write_bytes(template())
        self.ledger = Ledger.open(ledger_of(self.folder / "l"))
        self.day = 0
        self.aliases: dict[str, str] = {}
        self.before: dict[str, FindingRow] = {}
        self.told: dict[str, list[EventRow]] = {}
        self.absences: dict[str, int] = {}

    def teardown(self) -> None:
        self.ledger.close()
        forget(self.folder)
        shutil.rmtree(self.folder)

    @property
    def now(self) -> datetime:
        return START + timedelta(days=self.day)

    @rule(sights=SIGHTS, value=st.integers(0, 1), waivers_hold=st.booleans())
    def audit(self, sights: dict[tuple[str, str], Sight | None], value: int, waivers_hold: bool) -> None:
        self.day += 1
        facts = ({"column": "c", "value": value},)
        fates: dict[tuple[str, str], Sight] = {}
        for (name, key), sight in sights.items():
            if sight is not None:
                fates.setdefault((name, survivor(key, self.aliases)), sight)
        violations = [
            Seen(name, "host", key, key, "d", "d", "z", "high", "order", facts, "W" if sight is Sight.WAIVED else "")
            for (name, key), sight in fates.items()
            if sight in (Sight.VIOLATION, Sight.WAIVED)
        ]

        def sight_of(present: Sequence[Present]) -> Mapping[str, Sight]:
            return {p.id: fates[p.rule, p.asset_key] for p in present if (p.rule, p.asset_key) in fates}

        earlier = {f.id: f for f in self.ledger.findings()}
        audit = self.ledger.begin_audit(Opening(), at=self.now)
        result = self.ledger.record(
            audit,
            snapshot=f"s{self.day}",
            at=self.now,
            seen=violations,
            sight_of=sight_of,
            terms=Terms(self.now.date(), 2, frozenset({"W"} if waivers_hold else ())),
            key_map=KeyMap(aliases=self.aliases),
        )
        for finding in self.ledger.findings():
            if finding.merged_into:
                continue
            fate = fates.get((finding.rule, finding.asset_key), Sight.UNKNOWN)
            self.count_absences(finding.id, fate)
            self.check_fate(earlier.get(finding.id), finding, fate, result.words.get(finding.id))

    def count_absences(self, name: str, fate: Sight) -> None:
        if fate is Sight.ABSENT_COVERED:
            self.absences[name] = self.absences.get(name, 0) + 1
        elif fate not in (Sight.ABSENT_UNCOVERED, Sight.NOT_ATTEMPTED):
            self.absences[name] = 0

    def check_fate(self, old: FindingRow | None, new: FindingRow, fate: Sight, word: Change | None) -> None:
        if old is None:
            assert fate in (Sight.VIOLATION, Sight.WAIVED)
        elif new.state == "resolved" and old.state != "resolved":
            assert fate in CLOSING or (fate is Sight.ABSENT_COVERED and self.absences[new.id] >= 2)
            assert word is Change.RESOLVED
        elif old.state == "resolved" and new.state != "resolved":
            assert fate in (Sight.VIOLATION, Sight.WAIVED)
        if fate is Sight.NOT_ATTEMPTED:
            assert new == old
        elif fate in (Sight.VIOLATION, Sight.WAIVED):
            assert new.last_confirmed_at == self.now
            assert new.state in (
                ("open", "reopened", "dismissed") if fate is Sight.VIOLATION else ("waived", "dismissed")
            )
        elif old is not None:
            assert new.last_confirmed_at == old.last_confirmed_at
            assert new.state not in ("open", "reopened")

    @rule(pair=st.permutations(KEYS))
    def merge(self, pair: list[str]) -> None:
        gone, stays = pair[0], survivor(pair[1], self.aliases)
        if gone in self.aliases or stays == gone:
            return
        open_before = {f.rule for f in self.ledger.findings(states=OPEN) if f.asset_key in (gone, stays)}
        self.aliases[gone] = stays
        self.ledger.save_key_map(KeyMap(aliases=self.aliases), at=self.now, by="王工")
        assert open_before <= {f.rule for f in self.ledger.findings(states=OPEN) if f.asset_key == stays}
        for finding in self.ledger.findings():
            if not finding.merged_into and finding.asset_key == stays:
                assert finding.life.absences in (0, self.before[finding.id].life.absences)
                self.absences[finding.id] = finding.life.absences

    @precondition(lambda self: any(f.state in (*OPEN, "waived") for f in self.before.values()))
    @rule(pick=st.randoms(use_true_random=False), days=st.one_of(st.none(), st.integers(0, 5)))
    def dismiss(self, pick, days: int | None) -> None:  # type: ignore[no-untyped-def]
        name = pick.choice([f.id for f in self.before.values() if f.state in (*OPEN, "waived")])
        until: date | None = None if days is None else self.now.date() + timedelta(days=days)
        assert self.ledger.dismiss(name, ground="误报", by="王工", at=self.now, until=until).state == "dismissed"

    @precondition(lambda self: any(f.state == "dismissed" for f in self.before.values()))
    @rule(pick=st.randoms(use_true_random=False))
    def restore(self, pick) -> None:  # type: ignore[no-untyped-def]
        name = pick.choice([f.id for f in self.before.values() if f.state == "dismissed"])
        assert self.ledger.restore(name, ground="看错了", by="李工", at=self.now).state in OPEN

    @rule()
    def reopen_the_file(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(ledger_of(self.folder / "l"))

    @invariant()
    def nothing_vanishes_and_history_tells_the_truth(self) -> None:
        present = {f.id: f for f in self.ledger.findings()}
        assert self.before.keys() <= present.keys()
        for name, old in self.before.items():
            new = present[name]
            assert (new.rule, new.opened_at, new.snapshot_first) == (old.rule, old.opened_at, old.snapshot_first)
            assert new.asset_key in (old.asset_key, survivor(old.asset_key, self.aliases))
            assert not old.merged_into or (new.merged_into, new.state) == (old.merged_into, "resolved")
        living = [(f.rule, f.asset_key) for f in present.values() if not f.merged_into]
        assert len(living) == len(set(living))
        for name, finding in present.items():
            history = self.ledger.history(name)
            assert history[: len(self.told.get(name, []))] == self.told.get(name, [])
            assert history[-1].after == finding.state
            assert history[0].before == ""
            assert all(a.after == b.before for a, b in pairwise(history))
            assert (finding.resolved_at is not None) == (finding.state == "resolved")
            assert (finding.verdict == "waived") == (finding.state == "waived")
            self.told[name] = history
        self.before = present


Years.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestYears = Years.TestCase
