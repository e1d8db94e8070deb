"""Audits recorded in a real SQLite ledger: what is new, what stays, what follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from auditor.ledger import Ledger, LedgerError
from auditor.ledger.life import Change, Reason, Sight
from auditor.ledger.place import LedgerPlace
from auditor.ledger.records import FindingRow, LookRow, Opening, Present, ProbeRun, Recorded, Seen, Status, Terms
from inventories.model import Identifier, KeyMap
from reports.model import Changes
from tests.auditor.ledgers import dump, ledger_of, past

START = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
FACT = {"column": "hosting", "value": ["own_room"], "source": "registers/systems.xlsx!3", "strength": "declared"}


def seen(number: int, *, rule: str = "p/cloud", waiver: str = "", **more: object) -> Seen:
    values: dict[str, object] = {
        "kind": "system",
        "asset_key": f"S{number}",
        "asset_name": f"系统{number}",
        "department_id": "mzj",
        "department_name": "民政局",
        "zone": "mzj",
        "severity": "high",
        "bite": "order",
        "facts": (FACT,),
        **more,
    }
    return Seen(rule=rule, waiver=waiver, **values)  # type: ignore[arg-type]


def answer(sight: Sight) -> Callable[[Sequence[Present]], Mapping[str, Sight]]:
    return lambda present: {p.id: sight for p in present}


def never(_present: Sequence[Present]) -> Mapping[str, Sight]:
    raise AssertionError("nobody should ask")


class City:
    """A ledger with a calendar: every audit is a day after the one before."""

    def __init__(self, place: LedgerPlace) -> None:
        self.place = place
        self.ledger = Ledger.open(place)
        self.day = 0

    def audit(
        self,
        *violations: Seen,
        unseen: Sight | Callable[[Sequence[Present]], Mapping[str, Sight]] = Sight.UNKNOWN,
        waivers: tuple[str, ...] = (),
        key_map: KeyMap | None = None,
        needed: int = 2,
    ) -> Recorded:
        self.day += 1
        at = START + timedelta(days=self.day)
        audit = self.ledger.begin_audit(Opening(), at=at)
        result = self.ledger.record(
            audit,
            snapshot=f"snap-{self.day}",
            at=at,
            seen=violations,
            sight_of=answer(unseen) if isinstance(unseen, Sight) else unseen,
            terms=Terms(at.date(), needed, frozenset(waivers)),
            key_map=key_map,
        )
        self.ledger.finish_audit(audit, at=at + timedelta(hours=1), exit_status=0)
        return result

    @property
    def only(self) -> FindingRow:
        (finding,) = self.ledger.findings()
        return finding

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        return dump(self.place)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    city = City(ledger_of(tmp_path / "ledger.sqlite"))
    with city.ledger:
        yield city


def test_a_first_audit_opens_findings_with_all_that_is_known(city: City) -> None:
    result = city.audit(seen(1), unseen=never)
    assert result.changes == Changes(new=1)
    finding = city.only
    assert re.fullmatch(r"F[A-Z2-7]{10}", finding.id)
    assert result.words == {finding.id: Change.NEW}
    assert (finding.state, finding.reason, finding.verdict) == ("open", Reason.SEEN, "violation")
    assert (finding.rule, finding.asset_key, finding.asset_name) == ("p/cloud", "S1", "系统1")
    assert (finding.department_id, finding.department_name, finding.zone) == ("mzj", "民政局", "mzj")
    assert finding.facts == (FACT,)
    assert finding.opened_at == finding.last_confirmed_at == START + timedelta(days=1)
    assert finding.opened_at.tzinfo is UTC
    assert (finding.snapshot_first, finding.snapshot_last, finding.resolved_at) == ("snap-1", "snap-1", None)
    (event,) = city.ledger.history(finding.id)
    assert (event.before, event.after, event.reason, event.actor) == ("", "open", Reason.SEEN, "")


def test_the_same_again_opens_nothing_and_writes_only_times_of_confirmation(city: City) -> None:
    violations = [*(seen(i) for i in range(30)), seen(99, waiver="W1")]
    city.audit(*violations)
    before = city.dump()
    result = city.audit(*violations, unseen=never)
    after = city.dump()
    assert result.changes == Changes(still_open=30, waived=1)
    for table in before.keys() - {"findings", "audits"}:
        assert after[table] == before[table], table
    with past(city.place) as database:
        columns = database.columns("findings")
    changed = {
        columns[i]
        for old, new in zip(before["findings"], after["findings"], strict=True)
        for i in range(len(columns))
        if old[i] != new[i]
    }
    assert changed == {"last_confirmed_at", "snapshot_last"}


def test_newer_sources_of_the_same_facts_are_kept_without_an_event(city: City) -> None:
    city.audit(seen(1, facts=({**FACT, "observed_at": "2026-03-02T00:00:00+00:00"},)))
    city.audit(seen(1, facts=({**FACT, "observed_at": "2026-03-03T00:00:00+00:00"}, {**FACT, "source": "nmap"})))
    finding = city.only
    assert [fact["source"] for fact in finding.facts] == ["registers/systems.xlsx!3", "nmap"]
    assert finding.facts[0]["observed_at"] == "2026-03-03T00:00:00+00:00"
    assert len(city.ledger.history(finding.id)) == 1


def test_changed_facts_are_told_in_the_history(city: City) -> None:
    city.audit(seen(1))
    city.audit(seen(1, facts=({**FACT, "value": ["public_cloud"]},)))
    assert city.only.facts[0]["value"] == ["public_cloud"]
    assert [e.reason for e in city.ledger.history(city.only.id)] == [Reason.SEEN, Reason.FACTS_CHANGED]


def test_life_over_several_audits(city: City) -> None:
    city.audit(seen(1))
    name = city.only.id
    assert city.audit(unseen=Sight.UNKNOWN).changes == Changes(stale=1)
    assert city.only.last_confirmed_at == START + timedelta(days=1)
    assert city.audit(seen(1)).changes == Changes(still_open=1)
    assert city.audit(unseen=Sight.COMPLIANT).changes == Changes(resolved=1)
    assert city.only.resolved_at == START + timedelta(days=4)
    # Long resolved: nobody asks about it, and nothing is written.
    assert city.audit(unseen=never).changes == Changes()
    assert city.audit(seen(1)).changes == Changes(reopened=1)
    finding = city.only
    assert (finding.id, finding.state, finding.resolved_at) == (name, "reopened", None)
    assert finding.opened_at == START + timedelta(days=1)
    told = [(e.before, e.after, e.reason.value) for e in city.ledger.history(name)]
    assert told == [
        ("", "open", "seen"),
        ("open", "stale", "unknown"),
        ("stale", "open", "seen"),
        ("open", "resolved", "mended"),
        ("resolved", "reopened", "came_back"),
    ]


def test_gone_after_two_fully_covered_audits_and_back_again(city: City) -> None:
    city.audit(seen(1))
    city.audit(unseen=Sight.ABSENT_COVERED)
    city.audit(unseen=Sight.ABSENT_UNCOVERED)
    assert (city.only.state, city.only.life.absences) == ("stale", 1)
    city.audit(unseen=Sight.ABSENT_COVERED)
    assert (city.only.state, city.only.reason) == ("resolved", Reason.GONE)
    city.audit(seen(1))
    assert (city.only.state, city.only.life.absences) == ("reopened", 0)


def test_one_that_nobody_answers_for_is_stale_never_resolved(city: City) -> None:
    city.audit(seen(1))
    city.audit(unseen=lambda _present: {})
    assert (city.only.state, city.only.reason) == ("stale", Reason.UNKNOWN)


def test_a_zone_left_out_is_left_alone(city: City) -> None:
    city.audit(seen(1), seen(2, zone="jtj"))
    before = city.dump()
    result = city.audit(unseen=Sight.NOT_ATTEMPTED)
    assert result.changes == Changes()
    assert set(result.words.values()) == {Change.UNTOUCHED}
    assert city.dump()["findings"] == before["findings"]


def test_sight_of_learns_what_it_needs_and_is_asked_once(city: City) -> None:
    city.audit(*(seen(i) for i in range(5)))
    asked: list[list[Present]] = []

    def sight_of(present: Sequence[Present]) -> Mapping[str, Sight]:
        asked.append(list(present))
        return answer(Sight.COMPLIANT)(present)

    city.audit(seen(0), seen(1), unseen=sight_of)
    (present,) = asked
    assert {p.asset_key for p in present} == {"S2", "S3", "S4"}
    assert {(p.rule, p.kind, p.zone, p.department_id, p.asset_name[:2], p.life.shown) for p in present} == {
        ("p/cloud", "system", "mzj", "mzj", "系统", "open")
    }


def test_waived_and_open_again(city: City) -> None:
    assert city.audit(seen(1, waiver="W1"), waivers=("W1",)).changes == Changes(waived=1)
    assert (city.only.state, city.only.verdict, city.only.note) == ("waived", "waived", "W1")
    result = city.audit(seen(1))
    assert result.changes == Changes(reopened=1)
    assert (city.only.state, city.only.reason, city.only.note) == ("open", Reason.WAIVER_ENDED, "")
    city.audit(seen(1, waiver="W2"), waivers=("W2",))
    city.audit(unseen=Sight.UNKNOWN, waivers=("W2",))
    assert city.only.state == "waived"
    # Revoked, and not seen since: open, but nothing to order on.
    city.audit(unseen=Sight.UNKNOWN)
    assert (city.only.state, city.only.reason) == ("stale", Reason.WAIVER_ENDED)


def test_dismissed_until_its_date_or_until_its_facts_change(city: City) -> None:
    city.audit(seen(1), seen(2))
    first, second = city.ledger.findings()
    now = START + timedelta(days=1, hours=2)
    for finding in (first, second):
        dismissed = city.ledger.dismiss(
            finding.id, ground="负载均衡地址\x1b[2J", by="王工", at=now, until=date(2026, 3, 5)
        )
        assert (dismissed.state, dismissed.life.dismissed_until) == ("dismissed", date(2026, 3, 5))
        assert "\x1b" not in dismissed.note
        assert "王工" in dismissed.note
    assert city.audit(seen(1), seen(2)).changes == Changes()
    result = city.audit(seen(1), seen(2, facts=({**FACT, "value": ["public_cloud"]},)))
    assert result.words == {first.id: Change.DISMISSED, second.id: Change.REOPENED}
    assert city.ledger.finding(second.id).reason is Reason.FACTS_CHANGED
    city.audit(seen(1), seen(2))
    assert city.ledger.finding(first.id).reason is Reason.RETEST_DUE
    person = city.ledger.history(first.id)[1]
    assert (person.actor, person.audit, person.after) == ("王工", "", "dismissed")


def test_a_dismissal_is_taken_back(city: City) -> None:
    city.audit(seen(1))
    at = START + timedelta(days=1, hours=2)
    city.ledger.dismiss(city.only.id, ground="误报", by="王工", at=at)
    restored = city.ledger.restore(city.only.id, ground="看错了", by="李工", at=at)
    assert (restored.state, restored.reason, restored.life.dismissed_until) == ("open", Reason.RESTORED, None)
    with pytest.raises(LedgerError, match="only a dismissed finding"):
        city.ledger.restore(city.only.id, ground="x", by="y", at=at)
    with pytest.raises(LedgerError, match="needs its reason"):
        city.ledger.dismiss(city.only.id, ground=" ", by="王工", at=at)
    city.audit(unseen=Sight.COMPLIANT)
    with pytest.raises(LedgerError, match="resolved: there is nothing to dismiss"):
        city.ledger.dismiss(city.only.id, ground="x", by="y", at=at)


def test_an_asset_moves_to_another_department_and_history_keeps_the_old_name(city: City) -> None:
    city.audit(seen(1))
    city.audit(seen(1, department_id="sjj", department_name="数据局"))
    finding = city.only
    assert (finding.department_id, finding.department_name, finding.state) == ("sjj", "数据局", "open")
    moved = city.ledger.history(finding.id)[-1]
    assert (moved.reason, moved.note) == (Reason.TRANSFERRED, "mzj 民政局 → sjj 数据局")


def test_two_rules_on_one_asset_and_one_rule_on_two_are_different_findings(city: City) -> None:
    city.audit(seen(1), seen(2), seen(1, rule="p/room"))
    assert len({f.id for f in city.ledger.findings()}) == 3


def test_an_id_that_another_finding_has_is_not_given_twice(city: City) -> None:
    aliased = KeyMap(keys={("system", Identifier("uuid", "u")): "S2"}, aliases={"S1": "S2"})
    apart = KeyMap(keys={("system", Identifier("uuid", "u")): "S2"})
    city.audit(seen(1))
    moved = city.only.id
    city.audit(seen(2), key_map=aliased)
    # A person splits what was merged: S1 lives again, and its first name is taken.
    city.audit(seen(1), seen(2), key_map=apart)
    by_key = {f.asset_key: f.id for f in city.ledger.findings()}
    assert by_key["S2"] == moved
    assert by_key["S1"] != moved
    city.audit(seen(1), seen(2), key_map=apart)
    assert {f.asset_key: f.id for f in city.ledger.findings()} == by_key


def test_one_thing_seen_twice_is_a_fault_and_records_nothing(city: City) -> None:
    city.audit(seen(1))
    before = city.dump()
    with pytest.raises(ValueError, match="seen twice"):
        city.audit(seen(1), seen(1))
    with pytest.raises(ValueError, match="not among those seen"):
        city.audit(unseen=Sight.VIOLATION)
    after = city.dump()
    assert after["findings"] == before["findings"]
    assert after["finding_events"] == before["finding_events"]


def test_whatever_goes_wrong_on_the_way_undoes_everything(city: City) -> None:
    def broken(_present: Sequence[Present]) -> Mapping[str, Sight]:
        raise KeyError("somebody else's fault")

    city.audit(seen(1))
    before = city.dump()
    at = START + timedelta(days=9)
    audit = city.ledger.begin_audit(Opening(), at=at)
    with pytest.raises(KeyError, match="somebody else"):
        city.ledger.record(
            audit,
            snapshot="s",
            at=at,
            seen=[seen(i) for i in range(2, 3000)],
            sight_of=broken,
            terms=Terms(at.date()),
            key_map=KeyMap(keys={("system", Identifier("uuid", "u")): "S2"}),
            probe_runs=[ProbeRun("mzj", "nmap", True, 1.0, 1, 1, at)],
        )
    after = city.dump()
    for table in ("findings", "finding_events", "finding_facts", "identities", "asset_keys", "probe_runs"):
        assert after[table] == before[table]
    assert city.ledger.audit(audit).recorded_at is None


def test_hostile_text_is_stored_harmless(city: City) -> None:
    evidence = "\x1b]0;x\x07<script>=cmd|' /C calc'!A0 \x00 '; DROP TABLE findings; -- \ud800"
    city.audit(seen(1, asset_name="系\x1b[31m统\x00\ud800", facts=({**FACT, "evidence": evidence},)))
    assert "\x1b" not in city.only.asset_name
    assert "\x00" not in city.only.asset_name
    assert city.only.facts[0]["evidence"] == evidence
    city.audit(seen(1, asset_name="系\x1b[31m统\x00\ud800", facts=({**FACT, "evidence": evidence},)))
    assert len(city.ledger.history(city.only.id)) == 1
    city.audit(seen(1, department_id="sjj", department_name="\x1b[31m数据局"))
    assert "\x1b" not in city.ledger.history(city.only.id)[-1].note


def test_listing_by_state_and_more(city: City) -> None:
    city.audit(seen(1), seen(2), seen(3), seen(4, waiver="W1"), seen(5), seen(6, rule="p/room", department_id="jtj"))
    ids = {f.asset_key: f.id for f in city.ledger.findings()}
    city.ledger.dismiss(ids["S5"], ground="x", by="y", at=START + timedelta(days=1, hours=3))
    fate = {"S2": Sight.UNKNOWN, "S3": Sight.COMPLIANT}
    stays = (seen(1), seen(4, waiver="W1"), seen(5), seen(6, rule="p/room", department_id="jtj"))
    city.audit(*stays, unseen=lambda present: {p.id: fate[p.asset_key] for p in present})
    city.audit(*stays, seen(3), unseen=Sight.UNKNOWN)

    def keys(**conditions: object) -> list[str]:
        return [f.asset_key for f in city.ledger.findings(**conditions)]  # type: ignore[arg-type]

    assert keys(states=["open"]) == ["S6", "S1"]
    assert keys(states=["stale"]) == ["S2"]
    assert keys(states=["reopened"]) == ["S3"]
    assert keys(states=["waived", "dismissed"]) == ["S4", "S5"]
    assert keys(states=["resolved"]) == []
    assert keys(rules=["p/room"]) == keys(departments=["jtj"]) == ["S6"]
    assert keys(departments=["mzj"], states=["open"]) == ["S1"]
    assert keys(zones=["nowhere"]) == []
    assert [f.facts for f in city.ledger.findings(rules=["p/room"], with_facts=False)] == [()]
    with pytest.raises(LedgerError, match="unknown state 'shut'"):
        keys(states=["shut"])


def test_a_finding_is_named_by_the_beginning_of_its_id(city: City) -> None:
    city.audit(*(seen(i) for i in range(60)))
    some = city.ledger.findings()[0]
    assert city.ledger.finding(some.id).id == some.id
    assert city.ledger.finding(f" {some.id[:9].lower()}").id == some.id
    with pytest.raises(LedgerError, match=r"may be F.*and more"):
        city.ledger.finding("F")
    for hostile in ("%", "F_%", "", "' OR 1=1 --", "\x1b[2J"):
        with pytest.raises(LedgerError) as caught:
            city.ledger.finding(hostile)
        assert "\x1b" not in str(caught.value)
    with pytest.raises(LedgerError, match="there is no finding F0"):
        city.ledger.history("F0")


def test_audits_tell_how_they_went(city: City) -> None:
    opening = Opening("1.0", "auditor audit", ("mzj",), "plan", {"yuncheng-2021": "abc"})
    at = datetime(2026, 3, 1, 16, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    audit = city.ledger.begin_audit(opening, at=at)
    assert audit == "20260301T083000Z"
    city.ledger.set_stage(audit, "collect")
    city.ledger.set_stage(audit, "evaluate", snapshot="snap")
    row = city.ledger.audit(audit)
    assert (row.status, row.stage, row.snapshot, row.recorded_at) == (Status.RUNNING, "evaluate", "snap", None)
    assert (row.zones, row.packs, row.plan_digest) == (("mzj",), {"yuncheng-2021": "abc"}, "plan")
    assert row.started_at == at
    runs = [
        ProbeRun("mzj", "nmap", False, 2.5, 10, 256, at),
        ProbeRun("jtj", "nmap", True, 1.5, 256, 2**62, at + timedelta(minutes=3)),
    ]
    city.ledger.record(
        audit,
        snapshot="snap",
        at=at,
        seen=[],
        sight_of=never,
        terms=Terms(at.date()),
        probe_runs=runs,
        status=Status.PARTIAL,
        outcome_digest="out",
    )
    city.ledger.finish_audit(audit, at=at + timedelta(hours=1), exit_status=4, message="jtj\x1b refused")
    row = city.ledger.audit(audit)
    assert (row.status, row.exit_status, row.outcome_digest) == (Status.PARTIAL, 4, "out")
    assert row.recorded_at == at
    assert "\x1b" not in row.message
    assert city.ledger.probe_runs(audit) == sorted(runs, key=lambda run: run.zone)
    assert city.ledger.last_success("jtj", "nmap") == at + timedelta(minutes=3)
    assert city.ledger.last_success("mzj", "nmap") is None


def test_an_audit_is_recorded_once(city: City) -> None:
    at = START
    audit = city.ledger.begin_audit(Opening(id="run-7"), at=at)
    for _ in range(2):
        if city.ledger.audit(audit).recorded_at is None:
            city.ledger.record(audit, snapshot="s", at=at, seen=[], sight_of=never, terms=Terms(at.date()))
    with pytest.raises(LedgerError, match="run-7 is recorded already"):
        city.ledger.record(audit, snapshot="s", at=at, seen=[], sight_of=never, terms=Terms(at.date()))
    with pytest.raises(LedgerError, match="recorded already"):
        city.ledger.resume_audit(audit, at=at)
    with pytest.raises(LedgerError, match="there is an audit run-7 already"):
        city.ledger.begin_audit(Opening(id="run-7"), at=at)
    for call in (city.ledger.audit, lambda name: city.ledger.set_stage(name, "x")):
        with pytest.raises(LedgerError, match="there is no audit nothing"):
            call("nothing")


def test_a_killed_audit_is_interrupted_and_can_be_resumed(city: City) -> None:
    killed = city.ledger.begin_audit(Opening(), at=START)
    other = city.ledger.begin_audit(Opening(), at=START)
    assert other == f"{killed}-2"
    assert city.ledger.audit(killed).status is Status.INTERRUPTED
    assert [a.id for a in city.ledger.audits(Status.INTERRUPTED)] == [killed]
    resumed = city.ledger.resume_audit(killed, at=START + timedelta(hours=1))
    assert (resumed.status, resumed.ended_at) == (Status.RUNNING, None)
    assert city.ledger.audit(other).status is Status.INTERRUPTED
    assert [a.id for a in city.ledger.audits(limit=1)] == [other]


def test_times_without_a_zone_are_refused(city: City) -> None:
    naive = datetime(2026, 3, 1)
    with pytest.raises(LedgerError, match="no time zone"):
        city.ledger.begin_audit(Opening(id="x"), at=naive)


def test_terms_want_at_least_one_absence() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Terms(date(2026, 3, 1), 0)


# --- what was seen earlier than the audit ---


def test_what_was_seen_weeks_ago_confirms_no_later_than_that(tmp_path: Path) -> None:
    city = City(tmp_path / "l")
    then = START - timedelta(days=21)
    city.audit(seen(1, seen_at=then))
    assert (city.only.last_confirmed_at, city.only.opened_at) == (then, START + timedelta(days=1))
    city.audit(seen(1))
    today = START + timedelta(days=2)
    assert city.only.last_confirmed_at == today
    city.audit(seen(1, seen_at=then))
    assert city.only.last_confirmed_at == today, "an older sight takes nothing back"
    city.ledger.close()


def test_a_look_is_noted_with_the_audit_that_judged_it_first(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l") as ledger:
        one = LookRow("a" * 32, "mzj", ("nmap", "ssh"), START - timedelta(hours=2), START, "worker-1")
        two = replace(one, id="b" * 32)
        for number, judged in enumerate([(one,), (one, two), ()]):
            audit = ledger.begin_audit(Opening(), at=START + timedelta(days=number))
            at = START + timedelta(days=number)
            ledger.record(audit, snapshot="s", at=at, seen=(), sight_of=never, terms=Terms(at.date()), judged=judged)
        assert ledger.judged_looks() == {one.id, two.id}
        with ledger.reading() as connection:
            rows = connection.exec_driver_sql("SELECT id, audit FROM looks ORDER BY id").all()
        audits = [row.id for row in reversed(ledger.audits())]
        assert [tuple(row) for row in rows] == [(one.id, audits[0]), (two.id, audits[1])]


def test_an_audit_that_was_not_recorded_was_no_attempt(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l") as ledger:
        audit = ledger.begin_audit(Opening(), at=START)
        run = ProbeRun("mzj", "nmap", False, 1.0, 0, 16, START + timedelta(hours=1))
        ledger.save_probe_runs(audit, [run])
        assert ledger.last_attempts() == {}
        ledger.record(
            audit, snapshot="s", at=START, seen=(), sight_of=never, terms=Terms(START.date()), probe_runs=[run]
        )
        assert ledger.last_attempts() == {("mzj", "nmap"): START + timedelta(hours=1)}
