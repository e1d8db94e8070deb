"""The key map in the ledger, and findings that follow their assets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.ledger import Ledger, LedgerError
from auditor.ledger.identities import survivor
from auditor.ledger.life import Reason, Sight
from auditor.ledger.office_tables import GUARDED
from auditor.ledger.records import Act, Opening, Present, Seen, Terms
from inventories.identity import code_id, ip_id
from inventories.model import Identifier, KeyMap
from inventories.told import Moved, Told
from tests.auditor.ledgers import ledger_of

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = date(2026, 3, 1)
MOVED = Moved(Identifier("uuid", "u"), "", "H1")


def seen(key: str, rule: str = "p/r", value: object = 1, department: str = "mzj", waiver: str = "") -> Seen:
    facts = ({"column": "c", "value": value, "source": key},)
    return Seen(rule, "host", key, key, department, department, "z", "high", "order", facts, waiver)


def audit(
    ledger: Ledger, day: int, *violations: Seen, key_map: KeyMap | None = None, unseen: Sight = Sight.UNKNOWN
) -> None:
    def sight_of(present: Sequence[Present]) -> Mapping[str, Sight]:
        return {p.id: unseen for p in present}

    at = START + timedelta(days=day)
    name = ledger.begin_audit(Opening(), at=at)
    terms = Terms(at.date(), waivers_in_force=frozenset({"W1"}))
    ledger.record(name, snapshot=f"s{day}", at=at, seen=violations, sight_of=sight_of, terms=terms, key_map=key_map)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as ledger:
        yield ledger


def test_the_key_map_comes_back_as_it_was_saved(ledger: Ledger) -> None:
    assert ledger.key_map() == KeyMap()
    first = KeyMap(
        keys={
            ("host", ip_id("192.168.1.10", "a")): "H1",
            ("host", ip_id("192.168.1.10", "b")): "H2",
            ("system", code_id("system", "MZ-001")): "S1",
        },
        first_seen={"H1": DAY, "H2": DAY},
        last_seen={"H1": DAY},
        aliases={"H0": "H1"},
        pins={("host", Identifier("pin", "x")): "H9"},
    )
    ledger.save_key_map(first, at=START, by="王工")
    assert ledger.key_map() == first
    second = KeyMap(
        keys={("host", ip_id("192.168.1.10", "a")): "H2", ("host", Identifier("uuid", "u")): "H1"},
        first_seen={"H1": DAY},
        last_seen={"H1": date(2026, 3, 2)},
        aliases={"H0": "H2"},
    )
    ledger.save_key_map(second, at=START, by="王工")
    assert ledger.key_map() == second


def test_recording_leaves_a_person_s_pins_alone(ledger: Ledger) -> None:
    pinned = KeyMap(pins={("host", Identifier("uuid", "u")): "H1"})
    read_before_the_pin = KeyMap(keys={("host", Identifier("uuid", "v")): "H2"}, last_seen={"H2": DAY})
    ledger.save_key_map(pinned, at=START, by="王工")
    audit(ledger, 1, key_map=read_before_the_pin)
    kept = ledger.key_map()
    assert kept.pins == pinned.pins
    assert kept.keys == read_before_the_pin.keys


def test_a_finding_goes_with_its_asset_to_a_better_key(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1"))
    (before,) = ledger.findings()
    audit(ledger, 2, seen("H2"), key_map=KeyMap(aliases={"H1": "H2"}))
    (after,) = ledger.findings()
    assert (after.id, after.asset_key, after.state) == (before.id, "H2", "open")
    assert after.opened_at == before.opened_at
    assert [(e.reason, e.note) for e in ledger.history(after.id)][1:] == [(Reason.REKEYED, "H1 → H2")]


def test_a_sighting_under_the_old_key_meets_the_living_finding(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1"))
    audit(ledger, 2, seen("H1"), key_map=KeyMap(aliases={"H1": "H2", "H2": "H3"}))
    (finding,) = ledger.findings()
    assert (finding.asset_key, finding.state) == ("H3", "open")


def test_where_both_had_a_finding_the_older_stays_and_takes_the_other_in(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1"))
    audit(ledger, 2, seen("H1"), seen("H2"), seen("H2", rule="p/other"))
    ids = {(f.rule, f.asset_key): f.id for f in ledger.findings()}
    audit(ledger, 3, seen("H2"), seen("H2", rule="p/other"), key_map=KeyMap(aliases={"H1": "H2"}))
    older, younger = ledger.finding(ids["p/r", "H1"]), ledger.finding(ids["p/r", "H2"])
    assert (older.asset_key, older.state, older.merged_into) == ("H2", "open", "")
    assert (younger.asset_key, younger.state, younger.reason) == ("H2", "resolved", Reason.MERGED)
    assert younger.merged_into == younger.note == older.id
    assert ledger.finding(ids["p/other", "H2"]).state == "open"
    # The one merged away has ended for good; the other goes on.
    audit(ledger, 4, seen("H2"), key_map=KeyMap(aliases={"H1": "H2"}))
    assert ledger.finding(younger.id).state == "resolved"
    assert ledger.finding(older.id).last_confirmed_at == START + timedelta(days=4)
    assert len(ledger.findings()) == 3


def test_a_merger_with_something_resolved_does_not_close_what_is_open(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1", value="old"))
    audit(ledger, 2, unseen=Sight.COMPLIANT)
    audit(ledger, 3, seen("H2", value="new"))
    audit(ledger, 4, key_map=KeyMap(aliases={"H2": "H1"}), unseen=Sight.NOT_ATTEMPTED)
    older, younger = sorted(ledger.findings(), key=lambda f: f.opened_at)
    assert (older.asset_key, older.state, older.resolved_at) == ("H1", "open", None)
    assert older.facts == younger.facts
    assert older.facts[0]["value"] == "new"
    assert older.last_confirmed_at == START + timedelta(days=3)
    assert younger.merged_into == older.id
    last = ledger.history(older.id)[-1]
    assert (last.before, last.after, last.reason, last.note) == ("resolved", "open", Reason.MERGED, younger.id)


def test_three_become_one(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1"))
    audit(ledger, 2, seen("H1"), seen("H2", waiver="W1"))
    audit(ledger, 3, seen("H1"), seen("H2", waiver="W1"), seen("H3"))
    ledger.save_key_map(KeyMap(aliases={"H1": "H3", "H2": "H1"}), at=START + timedelta(days=4), by="王工")
    living = [f for f in ledger.findings() if not f.merged_into]
    assert [(f.asset_key, f.state) for f in living] == [("H3", "open")]
    assert {f.merged_into for f in ledger.findings() if f.merged_into} == {living[0].id}
    assert {e.actor for e in ledger.history(living[0].id)[1:]} == {"王工"}


def test_an_alias_known_before_moves_nothing_again(ledger: Ledger) -> None:
    key_map = KeyMap(aliases={"H1": "H2"})
    audit(ledger, 1, seen("H1"), key_map=key_map)
    audit(ledger, 2, seen("H2"), key_map=key_map)
    (finding,) = ledger.findings()
    assert len(ledger.history(finding.id)) == 1


def test_survivor_ends_in_a_circle_too() -> None:
    assert survivor("a", {}) == "a"
    assert survivor("a", {"a": "b", "b": "c"}) == "c"
    assert survivor("a", {"a": "b", "b": "a"}) in ("a", "b")


KEYS = st.sampled_from([f"H{i}" for i in range(6)])
IDS = st.tuples(
    st.sampled_from(["host", "system"]),
    st.builds(Identifier, st.sampled_from(["ip", "uuid"]), st.sampled_from("abc"), st.sampled_from(["", "v"])),
)
DATES = st.dates(date(2026, 1, 1), date(2026, 1, 5))
MAPS = st.builds(
    KeyMap,
    keys=st.dictionaries(IDS, KEYS),
    first_seen=st.dictionaries(KEYS, DATES),
    last_seen=st.dictionaries(KEYS, DATES),
    aliases=st.dictionaries(KEYS, KEYS),
    pins=st.dictionaries(IDS, KEYS),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MAPS, min_size=1, max_size=4))
def test_any_map_after_any_other_comes_back(ledger: Ledger, maps: list[KeyMap]) -> None:
    for key_map in maps:
        ledger.save_key_map(key_map, at=START, by="x")
        assert ledger.key_map() == key_map


# --- a person's word ---

PIN = Told(KeyMap(pins={("host", Identifier("uuid", "u")): "H1"}), "host", "H1", pins=(MOVED,))


def test_a_word_is_kept_with_everything_that_it_changed(ledger: Ledger) -> None:
    row = ledger.tell(Act.PIN, PIN, named=[Identifier("uuid", "u")], reason=" 标签 ", by="王工", at=START)
    assert (row.id, row.at, row.by, row.reason, row.act) == (1, START, "王工", "标签", Act.PIN)
    assert (row.key, row.other, row.identifiers, row.pins) == ("H1", "", (Identifier("uuid", "u"),), (MOVED,))
    assert row.holds
    assert ledger.words() == ledger.words("H1") == [row]
    assert ledger.words("H2") == []
    assert ledger.key_map() == PIN.keymap


@pytest.mark.parametrize(("reason", "by"), [("", "王工"), (" ", "王工"), ("标签", "")])
def test_a_word_needs_its_reason_and_a_name(ledger: Ledger, reason: str, by: str) -> None:
    with pytest.raises(LedgerError, match="needs its reason and the person's name"):
        ledger.tell(Act.PIN, PIN, reason=reason, by=by, at=START)
    assert ledger.words() == []
    assert ledger.key_map() == KeyMap()


def test_a_word_is_taken_back_by_another_and_once(ledger: Ledger) -> None:
    first = ledger.tell(Act.PIN, PIN, reason="标签", by="王工", at=START)
    back = Told(KeyMap(), "host", "H1")
    second = ledger.tell(Act.PIN, back, reason="看错", by="李工", at=START, undoes=first)
    assert [(w.id, w.holds, w.undoes, w.undone_by) for w in ledger.words()] == [(1, False, 0, 2), (2, False, 1, 0)]
    with pytest.raises(LedgerError, match="word 1 was taken back already"):
        ledger.tell(Act.PIN, back, reason="又", by="李工", at=START, undoes=first)
    with pytest.raises(LedgerError, match="word 2 was taken back already"):
        ledger.tell(Act.PIN, back, reason="又", by="李工", at=START, undoes=second)
    assert len(ledger.words()) == 2


def test_what_a_word_says_is_safe_to_show(ledger: Ledger) -> None:
    row = ledger.tell(Act.PIN, PIN, reason="\x1b[31m红", by="王\n工", at=START)
    assert (row.reason, row.by) == ("\\x1b[31m红", "王\\x0a工")


def test_findings_follow_a_merge_and_come_back(ledger: Ledger) -> None:
    audit(ledger, 1, seen("H1"), seen("H2", rule="p/other"))
    audit(ledger, 2, seen("H1"), seen("H2", rule="p/other"), seen("H2"))
    merged = Told(KeyMap(aliases={"H2": "H1"}), "host", "H1", "H2")
    word = ledger.tell(Act.MERGE, merged, reason="同一台", by="王工", at=START + timedelta(days=3))
    assert {(f.rule, f.asset_key) for f in ledger.findings() if not f.merged_into} == {
        ("p/r", "H1"),
        ("p/other", "H1"),
    }
    moved = next(f for f in ledger.findings(assets=["H1"]) if f.rule == "p/other")
    assert moved.id in word.findings and len(word.findings) == 2
    assert ledger.history(moved.id)[-1].actor == "王工"
    split = Told(KeyMap(), "host", "H1", "H2")
    ledger.tell(Act.MERGE, split, reason="两台", by="李工", at=START + timedelta(days=4), undoes=word)
    living = {(f.rule, f.asset_key): f for f in ledger.findings() if not f.merged_into}
    # What was taken into an older finding stays there; the next audit opens it anew.
    assert set(living) == {("p/r", "H1"), ("p/other", "H2")}
    assert living["p/other", "H2"].state == "open"
    assert [(e.note, e.actor) for e in ledger.history(moved.id)[-2:]] == [("H2 → H1", "王工"), ("H1 → H2", "李工")]
    assert ledger.findings(assets=["H2"]) != []


@pytest.mark.sqlite_file
def test_an_older_ledger_learns_to_keep_words(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with Ledger.open(path) as ledger:
        ledger.save_key_map(PIN.keymap, at=START, by="x")
    with sqlite3.connect(path) as old:
        newer = ("looks", "history", "history_series", "audit_stages", *reversed(GUARDED), "trail", "identity_words")
        for table in newer:
            old.execute(f"DROP TABLE {table}")
        old.execute("UPDATE alembic_version SET version_num = '0001'")
    old.close()
    with Ledger.open(path) as ledger:
        assert ledger.key_map() == PIN.keymap
        assert ledger.words() == []
        assert ledger.tell(Act.PIN, PIN, reason="x", by="y", at=START).id == 1
