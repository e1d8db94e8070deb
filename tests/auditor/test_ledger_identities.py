"""The key map in the ledger, and findings that follow their assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.ledger import Ledger
from auditor.ledger.identities import survivor
from auditor.ledger.life import Reason, Sight
from auditor.ledger.records import Opening, Present, Seen, Terms
from inventories.identity import code_id, ip_id
from inventories.model import Identifier, KeyMap

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = date(2026, 3, 1)


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
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
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
