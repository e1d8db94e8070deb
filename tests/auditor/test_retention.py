"""Retention: what is cited is never removed, the stated series stays, and every day equals once at the end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import looks, thinning
from auditor.citing import cited, named_in
from auditor.ledger import trail
from auditor.ledger.errors import LedgerError
from auditor.ledger.life import Sight
from auditor.ledger.looks import note
from auditor.ledger.records import LookRow
from auditor.lock import AuditLock, LockHeld
from auditor.remains import spent
from auditor.retention import Held, Rule, month, plan, week, year
from auditor.site import load_site
from inventories.model import Collection
from inventories.places import Zone
from inventories.snapshot import MANIFEST, digest_of, snapshot_ids
from tests.auditor.cases.office import MIGRATE, WRONGS, Office, small_city

FIRST = date(2026, 1, 1)


# --- the rule, pure -----------------------------------------------------------------------------


def held(*days: int, recorded: bool = True) -> list[Held]:
    return [
        Held(f"s{number:03d}-{day:04d}", FIRST + timedelta(days=day), recorded) for number, day in enumerate(days)
    ]


def ids(found: object) -> set[str]:
    assert isinstance(found, tuple)
    return {one.id for one in found}


def test_young_ones_stay_and_then_firsts_of_weeks_months_and_years() -> None:
    days = [Held(f"d{n:04d}", date(2024, 1, 1) + timedelta(days=n)) for n in range(1000)]
    today = days[-1].day
    made = plan(days, {}, Rule(all_days=10, weeks=4, months=3, years=2), today)
    kept = {one.day for one in days if one.id in made.kept}
    assert kept == {
        *(today - timedelta(days=n) for n in range(11)),
        *(date(2026, 8, 31) + timedelta(weeks=n) for n in range(4)),
        *(date(2026, n, 1) for n in (7, 8, 9)),
        date(2025, 1, 1),
        date(2026, 1, 1),
    }
    assert made.kept["d0366"] == ("first of its year",)
    assert {one.id for one in made.gone} == {one.id for one in days} - made.kept.keys()


def test_weeks_begin_on_monday() -> None:
    monday = date(2026, 11, 23)
    assert [week(monday + timedelta(days=n)) - week(monday) for n in (-1, 0, 6, 7)] == [-1, 0, 0, 1]


def test_the_newest_stays_however_old_and_whoever_sealed_it() -> None:
    """What nobody recorded may be the newest that is there; the newest recorded one is what every command reads."""
    snapshots = [*held(0, 1), Held("z-unrecorded", FIRST + timedelta(days=2), recorded=False)]
    made = plan(snapshots, {}, Rule(1, 0, 0, 0), FIRST + timedelta(days=5000))
    assert set(made.kept) == {"s001-0001", "z-unrecorded"}


def test_what_nobody_recorded_is_first_of_nothing() -> None:
    snapshots = [Held("a", FIRST, recorded=False), Held("b", FIRST + timedelta(days=3)), *held(400)]
    made = plan(snapshots, {}, Rule(1, 0, 100, 0), FIRST + timedelta(days=400))
    assert ids(made.gone) == {"a"} and "b" in made.kept


def test_a_clock_that_was_wrong_costs_nothing() -> None:
    made = plan(held(5000), {}, Rule(1, 0, 0, 0), FIRST)
    assert made.gone == ()


RULES = st.builds(Rule, st.integers(1, 30), st.integers(0, 8), st.integers(0, 6), st.integers(0, 3))
#: For each audit: on which day, whether it was recorded, and for how many days something rests on its snapshot.
HISTORIES = st.lists(
    st.tuples(st.integers(0, 700), st.booleans(), st.one_of(st.just(0), st.integers(0, 800))), max_size=60
)


def told(history: list[tuple[int, bool, int]]) -> tuple[list[Held], dict[str, date]]:
    """Snapshots, and until when each is cited. What is cited is so from the day on which it was the newest."""
    snapshots, until = [], {}
    for number, (day, recorded, days) in enumerate(sorted(history)):
        made = Held(f"s{number:03d}", FIRST + timedelta(days=day), recorded)
        snapshots.append(made)
        if recorded:
            until[made.id] = made.day + timedelta(days=days)
    return snapshots, until


def resting(until: Mapping[str, date], today: date) -> dict[str, tuple[str, ...]]:
    return {name: ("case",) for name, day in until.items() if today <= day}


@given(history=HISTORIES, rule=RULES, more=st.integers(0, 400))
def test_no_rule_removes_what_something_rests_on(history: list[tuple[int, bool, int]], rule: Rule, more: int) -> None:
    snapshots, until = told(history)
    today = max((one.day for one in snapshots), default=FIRST) + timedelta(days=more)
    made = plan(snapshots, resting(until, today), rule, today)
    gone = ids(made.gone)
    assert gone.isdisjoint(resting(until, today)) and gone | made.kept.keys() == {one.id for one in snapshots}
    assert gone.isdisjoint(made.kept)
    for one in snapshots:
        if (today - one.day).days <= rule.all_days:
            assert one.id not in gone
    recorded = [one for one in snapshots if one.recorded]
    if recorded:
        assert recorded[-1].id not in gone and snapshots[-1].id not in gone
    for number, count in ((week, rule.weeks), (month, rule.months), (year, rule.years)):
        for period in range(number(today) - count + 1, number(today) + 1):
            within = [one.id for one in recorded if number(one.day) == period]
            assert not within or within[0] not in gone


@settings(max_examples=60)
@given(history=HISTORIES, rule=RULES, more=st.integers(0, 200), skip=st.integers(1, 9))
def test_every_day_equals_once_at_the_end(
    history: list[tuple[int, bool, int]], rule: Rule, more: int, skip: int
) -> None:
    snapshots, until = told(history)
    last = max((one.day for one in snapshots), default=FIRST) + timedelta(days=more)
    left: dict[str, Held] = {}
    day = FIRST
    while day <= last:
        left.update({one.id: one for one in snapshots if one.day == day})
        if (last - day).days % skip == 0:
            for one in plan(left.values(), resting(until, day), rule, day).gone:
                del left[one.id]
        day += timedelta(days=1)
    assert left.keys() == plan(snapshots, resting(until, last), rule, last).kept.keys()
    assert plan(left.values(), resting(until, last), rule, last).gone == (), "doing it again changes nothing"


# --- looks -----------------------------------------------------------------------------


class Seen:
    """A look as far as age is concerned."""

    def __init__(self, name: str, day: int, *probes: str) -> None:
        self.id, self.zone, self.probes = name, "mzj", probes or ("nmap",)
        self.seen_until = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)


def test_looks_that_were_judged_go_but_for_the_newest_of_each_probe() -> None:
    looks = [Seen("a", 0, "ssh"), Seen("b", 1), Seen("c", 2), Seen("d", 3), Seen("e", 4), Seen("f", 90)]
    before = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=4, hours=-1)
    assert [one.id for one in spent(looks, {"a", "b", "d", "e", "f"}, before)] == ["b", "d"]  # type: ignore[arg-type]


# --- a real ledger, real snapshots -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return small_city(tmp_path_factory.mktemp("city"))


@pytest.fixture
def office(audited: Office, tmp_path: Path) -> Iterator[Office]:
    made = audited.copy_to(tmp_path / "site")
    yield made
    made.close()


REST = tuple(pair for pair in WRONGS if pair != (MIGRATE, "S1"))
#: Small numbers, so that a few audits pass through all of them.
SHORT = {"all_days": 3, "weeks": 0, "months": 0, "years": 0, "paper_days": 5}


def thin(office: Office) -> set[str]:
    """The snapshots that went."""
    return ids(thinning.thin(office.site, office.now).plan.gone)


def there(office: Office) -> list[str]:
    return snapshot_ids(office.site.snapshots)


def audits(office: Office, number: int, *pairs: tuple[str, str], **sights: Sight) -> list[str]:
    out = []
    for _ in range(number):
        office.later(days=1)
        out.append(office.again(*(pairs or WRONGS), **sights))
    return out


def test_old_snapshots_go_and_the_trail_tells_of_them(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.write_site(retention=SHORT)
    (first,) = there(office)
    digest = digest_of(office.site.snapshots / first)
    names = audits(office, 6)
    assert thin(office) == {first, *names[:2]}
    assert there(office) == names[2:]
    assert list(office.site.snapshots.glob(".*")) == []
    (step,) = office.steps(first)
    assert (step.act, step.actor, step.detail) == (
        thinning.ACT,
        "auditor",
        {"digest": digest, "day": office.site.today(office.now - timedelta(days=6)).isoformat()},
    )
    assert office.faults() == []
    before = office.dump()
    assert thin(office) == set() and office.dump() == before, "again changes nothing"
    name = office.finding(MIGRATE, "S1").id
    assert office.type("explain", name) == 0
    out = capsys.readouterr().out
    assert f"快照{first}已于" in out and digest in out
    assert office.type("explain", name, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["snapshots_removed"]
    assert (told["snapshot"], told["sha256"]) == (first, digest)


def test_the_newest_and_the_verdicts_stay_as_they_are(office: Office) -> None:
    office.write_site(retention=SHORT)
    audits(office, 5)
    newest = there(office)[-1]
    before = [(row.id, row.state, row.snapshot_last) for row in office.ledger.findings()]
    office.later(days=4000)
    thin(office)
    assert there(office) == [newest]
    assert [(row.id, row.state, row.snapshot_last) for row in office.ledger.findings()] == before


def test_what_a_finding_that_is_not_closed_rests_on_stays(office: Office) -> None:
    """Who saw a thing is read from the snapshot in which it was confirmed last, however long ago that is."""
    office.write_site(retention=SHORT)
    (first,) = there(office)
    audits(office, 6, *REST)
    assert office.finding(MIGRATE, "S1").state == "stale"
    assert first not in thin(office) and first in there(office)
    audits(office, 1, *REST, S1=Sight.COMPLIANT)
    assert office.finding(MIGRATE, "S1").state == "resolved"
    assert first in thin(office)


def test_a_dismissed_finding_keeps_its_snapshot_for_it_may_come_back(office: Office) -> None:
    office.write_site(retention=SHORT)
    (first,) = there(office)
    office.ledger.dismiss(office.finding(MIGRATE, "S1").id, ground="登记有误", by="法规科", at=office.now)
    audits(office, 6, *REST)
    assert first not in thin(office)


def test_an_open_case_keeps_what_it_cites_until_it_ends_and_its_paper_is_old(office: Office) -> None:
    office.write_site(retention=SHORT)
    (first,) = there(office)
    audits(office, 1)
    made = {case.department_id: case for case in office.draft(forms=["letter"]).cases}
    drafted = there(office)[-1]
    paper = office.out(made["mzj"].id, "15d")
    assert named_in(paper.fields) == [drafted]
    office.later(days=10)
    audits(office, 2)
    assert thin(office).isdisjoint({first, drafted}), "the findings of the case were first seen there"
    office.withdraw(made["mzj"].id)
    for case in office.cases():
        if case.active:
            office.withdraw(case.id)
    office.later(days=6)
    assert {first, drafted} <= thin(office)
    assert office.faults() == []


def test_a_paper_that_was_issued_keeps_its_snapshot_for_as_long_as_is_said(office: Office) -> None:
    office.write_site(retention={**SHORT, "paper_days": 30})
    audits(office, 1)
    drafted = there(office)[-1]
    for case in office.draft(forms=["letter"]).cases:
        office.out(case.id, "15d")
    for case in office.cases():
        if case.active:
            office.withdraw(case.id)
    office.later(days=28)
    audits(office, 1)
    assert drafted not in thin(office)
    office.later(days=2)
    assert drafted in thin(office)


@pytest.mark.parametrize(
    "words", ["快照20261122T150500Z-0000，", "核查数据快照：20261122T150500Z-0000。", "\n20261122T150500Z-0000"]
)
def test_snapshots_are_found_in_a_papers_words(words: str) -> None:
    assert named_in({"annexes": [{"note": words}]}) == ["20261122T150500Z-0000"]
    assert named_in({"number": "20261122", "body": "120261122T150500Z"}) == []


def test_random_histories_keep_what_is_cited(office: Office) -> None:
    """A year of audits in which findings come, go and are missed, cases open and end, thinned on random days."""
    chance = random.Random(20261123)
    office.write_site(retention={**SHORT, "all_days": 10, "weeks": 2, "months": 2, "paper_days": 20})
    sights = [Sight.COMPLIANT, Sight.UNKNOWN, Sight.NOT_ATTEMPTED, Sight.NOT_APPLICABLE]
    gone: set[str] = set()
    for turn in range(24):
        office.later(days=chance.randint(1, 9))
        seen = [pair for pair in WRONGS if chance.random() < 0.7]
        office.again(*seen, **{key: chance.choice(sights) for _, key in WRONGS})
        if turn % 7 == 0:
            office.draft(forms=["letter"])
        if turn % 11 == 0:
            for case in office.cases():
                if case.active and chance.random() < 0.6:
                    office.withdraw(case.id)
        if chance.random() < 0.5:
            gone |= thin(office)
            left = set(there(office))
            for row in office.ledger.findings():
                assert row.state == "resolved" or row.snapshot_last in left
            assert all(case.snapshot in left for case in office.cases() if case.active)
            assert gone.isdisjoint(left)
    with office.ledger.reading() as connection:
        assert gone == {one.snapshot for one in thinning.removed(connection, gone | set(there(office)))}
        assert gone and set(cited(connection, papers_since=office.site.today(office.now))) <= set(there(office))
    assert office.faults() == []


# --- what must not happen -----------------------------------------------------------------------------


def test_never_under_an_audits_feet(office: Office) -> None:
    office.write_site(retention=SHORT)
    audits(office, 6)
    before = there(office)
    with AuditLock(office.site.state / "lock", command="auditor audit", now=office.now), pytest.raises(LockHeld):
        thin(office)
    assert there(office) == before


def test_a_dry_run_changes_nothing_and_says_why(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.write_site(retention=SHORT)
    (first,) = there(office)
    audits(office, 6, *REST)
    before = (there(office), office.dump())
    with AuditLock(office.site.state / "lock", command="auditor audit", now=office.now):
        assert office.type("snapshot", "thin", "--dry-run", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    why = {row["snapshot"]: row["because"] for row in body["kept"]}
    assert why[first] == ["1 findings that are not closed"] and body["bytes"] > 0 and len(body["gone"]) == 2
    assert (there(office), office.dump()) == before
    assert office.type("snapshot", "thin") == 0
    assert "2 snapshots went, 5 stay" in capsys.readouterr().err


def test_a_ledger_that_cannot_be_written_keeps_every_snapshot(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.write_site(retention=SHORT)
    audits(office, 6)
    before = {name: digest_of(office.site.snapshots / name) for name in there(office)}

    def full(*_arguments: object) -> None:
        raise LedgerError("the ledger", "the disk is full")

    monkeypatch.setattr(trail, "write", full)
    with pytest.raises(LedgerError):
        thin(office)
    monkeypatch.undo()
    assert {name: digest_of(office.site.snapshots / name) for name in there(office)} == before
    assert list(office.site.snapshots.glob(".*")) == []
    assert len(thin(office)) == 3


def test_what_is_not_ours_is_left_alone(office: Office, tmp_path: Path) -> None:
    office.write_site(retention=SHORT)
    (first,) = there(office)
    home = office.site.snapshots
    audits(office, 6)
    (home / first).rename(tmp_path / "elsewhere")
    (home / first).symlink_to(tmp_path / "elsewhere")
    (home / "by-hand").mkdir()
    (home / "by-hand" / MANIFEST).write_text("{}")
    (home / "99999999T999999Z").mkdir()
    (home / "99999999T999999Z" / MANIFEST).write_text("{}")
    (home / "notes.txt").write_text("mine")
    done = thinning.thin(office.site, office.now)
    assert set(done.odd) == {first, "by-hand", "99999999T999999Z"}
    assert (tmp_path / "elsewhere" / MANIFEST).is_file() and (home / "notes.txt").is_file()


def test_drafts_of_killed_audits_are_cleared(office: Office) -> None:
    draft = office.site.snapshots / ".20260101T000000Z.partial"
    draft.mkdir()
    (draft / "host.parquet").write_bytes(b"half")
    thin(office)
    assert not draft.exists()


@pytest.mark.parametrize("moment", ["before the trail knows", "before anything is deleted", "amid deleting"])
def test_killed_at_each_step_it_goes_on(office: Office, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    office.write_site(retention=SHORT)
    names = audits(office, 8)
    whole = {name: digest_of(office.site.snapshots / name) for name in there(office)}
    office.close()
    site, child = office.site, os.fork()
    if child == 0:
        if moment == "before the trail knows":
            monkeypatch.setattr(thinning, "_note", lambda *_: os._exit(1))
        elif moment == "before anything is deleted":
            monkeypatch.setattr(shutil, "rmtree", lambda _path: os._exit(1))
        else:
            monkeypatch.setattr(shutil, "rmtree", lambda path: [(path / MANIFEST).unlink(), os._exit(1)])
        thinning.thin(site, office.now)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert len(list(site.snapshots.glob(".*.gone"))) == 5
    if moment == "before the trail knows":
        # Something came to rest on them meanwhile: they come back as they were.
        office.write_site(retention={**SHORT, "all_days": 100})
        assert thin(office) == set() and set(there(office)) == set(whole)
        assert {name: digest_of(office.site.snapshots / name) for name in there(office)} == whole
        office.write_site(retention=SHORT)
    thin(office)
    assert there(office) == names[-4:] and list(site.snapshots.glob(".*")) == []
    assert [step.detail["digest"] for step in office.steps() if step.act == thinning.ACT] == list(whole.values())[:5]
    assert office.faults() == []


def test_killed_at_random_moments_it_goes_on(office: Office) -> None:
    office.write_site(retention=SHORT)
    names = audits(office, 24)
    digests = {name: digest_of(office.site.snapshots / name) for name in there(office)}
    office.close()
    chance = random.Random(7)
    site, killed = office.site, 0
    for _ in range(12):
        child = os.fork()
        if child == 0:
            thinning.thin(site, office.now)
            os._exit(0)
        time.sleep(chance.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        left = {path.name.strip(".").removesuffix(".gone") for path in office.site.snapshots.iterdir()}
        with office.ledger.reading() as connection:
            told = {one.snapshot: one.digest for one in thinning.removed(connection, digests)}
        assert set(digests) - left <= told.keys(), "nothing is gone of which the trail does not tell"
        assert all(digests[name] == digest for name, digest in told.items())
        for name in there(office):
            assert name in told or digest_of(office.site.snapshots / name) == digests[name]
        office.close()
    assert killed >= 2
    thin(office)
    assert there(office) == names[-4:]
    assert [step.act for step in office.steps(names[0])] == [thinning.ACT]
    assert office.faults() == []


# --- remains -----------------------------------------------------------------------------


def test_logs_refused_bundles_and_shards_go_by_age(office: Office) -> None:
    state = office.site.state
    office.write_site(retention={"log_days": 10, "refused_days": 20, "run_days": 5})
    files = {state / "schedule" / "logs" / "mzj" / "a.log": 11, state / "quarantine" / "b" / "b.bundle": 21}
    files |= {state / "schedule" / "logs" / "new.log": 9, state / "quarantine" / "new.bundle": 19}
    files |= {state / "runs" / "old" / "shards" / "1.json": 6, state / "runs" / "new" / "shards" / "1.json": 4}
    for path, days in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        for one in (path, path.parent, path.parent.parent):
            os.utime(one, ((office.now - timedelta(days=days)).timestamp(),) * 2)
    done = thinning.thin(office.site, office.now)
    assert sorted(one.kind for one in done.remains) == ["log", "refused", "run"]
    assert [path.exists() for path in files] == [False, False, True, True, False, True]
    assert not (state / "runs" / "old").exists()


def test_looks_stay_until_they_are_judged_and_for_each_probe_the_newest(office: Office) -> None:
    zone = Zone(id="mzj", name="民政局", vantage="here", kind="department", prefixes=())
    made = []
    for days, probes in ((90, ["nmap", "ssh"]), (80, ["nmap"]), (70, ["nmap"]), (60, ["nmap"]), (1, ["nmap"])):
        at = office.now - timedelta(days=days)
        made.append(looks.save(office.site, looks.head("tiny", zone, probes, seen=(at, at), at=at), Collection()))
    run = office.ledger.audits(limit=1)[0].id
    with office.ledger.writing() as connection:
        rows = [LookRow(one.id, one.zone, one.probes, one.seen_from, one.seen_until) for one in made]
        note(connection, run, [rows[0], rows[1], rows[3], rows[4]])
    done = thinning.thin(office.site, office.now)
    assert {one.path for one in done.remains} == {made[1].path, made[3].path}
    assert [one.path.exists() for one in made] == [True, False, True, False, True]
    damaged = made[2].path
    damaged.write_bytes(damaged.read_bytes()[:20])
    done = thinning.thin(office.site, office.now)
    assert done.remains == () and "the looks of mzj are left alone" in done.notes[0]
    assert damaged.exists()


def test_remains_behind_a_link_are_left_alone(office: Office, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.log").write_text("x")
    os.utime(outside / "kept.log", (0, 0))
    (office.site.state / "schedule").mkdir()
    (office.site.state / "schedule" / "logs").symlink_to(outside)
    (office.site.state / "quarantine").mkdir()
    (office.site.state / "quarantine" / "link").symlink_to(outside / "kept.log")
    assert thinning.thin(office.site, office.now).remains == ()
    assert (outside / "kept.log").is_file()


# --- the settings -----------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"all_days": 0}, {"weeks": -1}, {"months": "many"}, {"forever": True}])
def test_settings_that_make_no_sense_are_refused(office: Office, wrong: Mapping[str, object]) -> None:
    office.write_site(retention=wrong)
    assert office.run("check").returncode == 2


def test_nothing_was_audited_yet(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.write_site()
    done = office.run("snapshot", "thin")
    assert done.returncode == 2 and "nothing was audited yet" in done.stderr
    assert load_site(tmp_path).config.retention.all_days == 90
    assert not (tmp_path / "state").exists() or stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
