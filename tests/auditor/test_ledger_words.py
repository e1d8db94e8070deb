"""A person's word in the ledger: kept for ever, whoever writes beside it, and by whichever version it was begun."""

from __future__ import annotations

import inspect
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

import auditor.ledger
from auditor.ledger import Ledger, LedgerError, words
from auditor.ledger.life import Sight
from auditor.ledger.records import Act, Opening, Seen, Terms
from auditor.ledger.schema import HEAD, MIGRATIONS
from inventories.identity import code_id, ip_id
from inventories.model import Identifier, KeyMap
from inventories.told import Moved, Told, merge, pin, split, unmerge, unpin, unsplit
from tests.auditor.ledgers import ledger_of

START = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
ONE, TWO = ip_id("10.1.0.7", "scanner"), ip_id("10.1.0.8", "scanner")
CODE = code_id("host", "A-1")
KEYS = KeyMap(
    keys={("host", ONE): "h-1", ("host", CODE): "h-1", ("host", TWO): "h-2"},
    first_seen={"h-1": date(2026, 1, 1), "h-2": date(2026, 2, 1)},
    last_seen={"h-1": date(2026, 3, 1)},
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as ledger:
        ledger.save_key_map(KEYS, at=START, by="x")
        yield ledger


def tell(
    ledger: Ledger, act: Act, told: Told, by: str = "王工", reason: str = "机柜标签", **more: object
) -> words.WordRow:
    return ledger.tell(act, told, reason=reason, by=by, at=START, **more)  # type: ignore[arg-type]


# --- who, when, why, and what it changed ---


def test_a_word_says_who_when_why_and_what_was_before(ledger: Ledger) -> None:
    tell(ledger, Act.MERGE, merge(KEYS, "h-1", "h-2"), named=())
    (word,) = ledger.words("h-2")
    assert (word.by, word.at, word.reason, word.act) == ("王工", START, "机柜标签", Act.MERGE)
    assert (word.kind, word.key, word.other, word.first_seen) == ("host", "h-1", "h-2", "2026-01-01")
    assert word.keys == (Moved(TWO, "h-2", "h-1"),)
    assert set(word.pins) == {Moved(TWO, "", "h-1"), Moved(CODE, "", "h-1")}


@pytest.mark.parametrize("length", [500, 501])
def test_a_reason_is_kept_whole_or_not_at_all(ledger: Ledger, length: int) -> None:
    reason = "\x07" + "因" * (length - 1)
    if length > words.REASON:
        with pytest.raises(LedgerError, match="501 characters long, and may have 500: name the document"):
            tell(ledger, Act.PIN, pin(KEYS, "h-1", [ONE]), reason=reason)
        assert ledger.words() == [] and ledger.key_map() == KEYS
    else:
        assert tell(ledger, Act.PIN, pin(KEYS, "h-1", [ONE]), reason=reason).reason == "\\x07" + "因" * 499


def test_a_later_word_that_says_otherwise_leaves_the_earlier_one_standing(ledger: Ledger) -> None:
    first = tell(ledger, Act.MERGE, merge(ledger.key_map(), "h-1", "h-2"))
    apart = split(ledger.key_map(), "h-1", [TWO], seen=[], site="example")
    second = tell(ledger, Act.SPLIT, apart, by="李工", named=[TWO])
    assert [(w.id, w.by, w.holds) for w in ledger.words()] == [(first.id, "王工", True), (second.id, "李工", True)]
    assert ledger.key_map().pins["host", TWO] == second.other


# --- kept for ever ---


def test_nothing_ever_changes_or_removes_a_word(ledger: Ledger) -> None:
    """Whatever is done to the ledger after a word, its row is never written again."""
    said: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(" ".join(statement.split()).lower())

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        first = tell(ledger, Act.PIN, pin(ledger.key_map(), "h-1", [ONE]))
        tell(ledger, Act.PIN, Told(unpin(ledger.key_map(), _again(first)), "host", "h-1"), undoes=first)
        second = tell(ledger, Act.MERGE, merge(ledger.key_map(), "h-1", "h-2"))
        back = Told(unmerge(ledger.key_map(), _again(second)), "host", "h-1", "h-2")
        tell(ledger, Act.MERGE, back, undoes=second)
        apart = split(ledger.key_map(), "h-1", [ONE], seen=[], site="example")
        third = tell(ledger, Act.SPLIT, apart)
        together = Told(unsplit(ledger.key_map(), _again(third)), "host", "h-1", apart.other)
        tell(ledger, Act.SPLIT, together, undoes=third)
        ledger.save_key_map(KeyMap(), at=START, by="x")
        name = ledger.begin_audit(Opening(), at=START)
        ledger.record(
            name,
            snapshot="s1",
            at=START,
            seen=[],
            sight_of=lambda present: {p.id: Sight.UNKNOWN for p in present},
            terms=Terms(START.date()),
            key_map=KeyMap(),
        )
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    touched = [text for text in said if "identity_words" in text]
    assert {text.split(maxsplit=1)[0] for text in touched} == {"insert", "select"}
    assert [w.id for w in ledger.words()] == [1, 2, 3, 4, 5, 6]


def _again(word: words.WordRow) -> Told:
    return Told(KeyMap(), word.kind, word.key, word.other, word.pins, word.keys, word.first_seen)


def test_no_code_of_the_ledger_could_change_or_remove_a_word() -> None:
    """The table is named where it is declared and where words are written: in no update and no deletion."""
    folder = Path(inspect.getfile(auditor.ledger)).parent
    naming = {p.name for p in folder.rglob("*.py") if "identity_words" in p.read_text(encoding="utf-8")}
    assert naming == {"tables.py", "words.py", "v0002_identity_words.py"}
    source = inspect.getsource(words)
    assert "update(" not in source and "delete(" not in source


# --- several at once ---


def test_words_of_several_writers_are_all_kept(ledger: Ledger) -> None:
    """Each from a connection of its own, all at the same moment."""
    ready = threading.Barrier(8)

    def speak(number: int) -> int:
        with Ledger.open(ledger.where) as own:
            ready.wait(30)
            named = ip_id(f"10.1.1.{number}", "scanner")
            change = Moved(named, "", "h-1")
            told = Told(KEYS, "host", "h-1", pins=(change,))
            return tell(own, Act.PIN, told, by=f"工{number}", reason=f"标签{number}", named=[named]).id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(speak, range(8)))
    kept = {w.id: (w.by, w.reason, w.identifiers[0].value) for w in ledger.words()}
    assert kept == {id: (f"工{n}", f"标签{n}", f"10.1.1.{n}") for n, id in enumerate(ids)}
    assert len(kept) == 8


def test_of_two_who_take_back_the_same_word_one_is_refused(ledger: Ledger) -> None:
    word = tell(ledger, Act.PIN, pin(KEYS, "h-1", [ONE]))
    ready = threading.Barrier(2)

    def take_back(by: str) -> str:
        with Ledger.open(ledger.where) as own:
            ready.wait(30)
            try:
                tell(own, Act.PIN, Told(KEYS, "host", "h-1"), by=by, undoes=word)
            except LedgerError as error:
                return str(error)
            return ""

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(take_back, ("王工", "李工")))
    assert said[0] == "" and "word 1 was taken back already" in said[1]
    assert [(w.id, w.undoes, w.undone_by) for w in ledger.words()] == [(1, 0, 2), (2, 1, 0)]


# --- an older ledger ---


@pytest.mark.sqlite_file
def test_a_ledger_of_the_version_before_keeps_everything_and_learns_to_keep_words(tmp_path: Path) -> None:
    """Made by the first migration alone, filled as that version did, and then opened by this one."""
    path = tmp_path / "ledger.sqlite"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    _fill(path)
    with Ledger.open(path) as ledger:
        assert ledger.key_map() == KeyMap(
            keys={("host", ONE): "h-1", ("host", TWO): "h-2"},
            first_seen={"h-1": date(2026, 1, 1), "h-2": date(2026, 2, 1)},
            aliases={"h-0": "h-1"},
            pins={("host", Identifier("uuid", "u")): "h-1"},
        )
        (finding,) = ledger.findings()
        assert (finding.id, finding.asset_key, finding.state, finding.facts[0]["value"]) == ("F1", "h-2", "open", 7)
        assert ledger.words() == []
        word = tell(ledger, Act.MERGE, merge(ledger.key_map(), "h-1", "h-2"))
        assert (word.id, word.findings) == (1, ("F1",))
        assert [f.asset_key for f in ledger.findings()] == ["h-1"]
    with Ledger.open(path) as again:
        assert [w.reason for w in again.words()] == ["机柜标签"]
    plain = sqlite3.connect(path)
    assert plain.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    plain.close()


def _fill(path: Path) -> None:
    at = (START - timedelta(days=9)).replace(tzinfo=None).isoformat(" ")
    rows: dict[str, list[dict[str, object]]] = {
        "asset_keys": [
            {"key": "h-1", "first_seen": "2026-01-01", "last_seen": None},
            {"key": "h-2", "first_seen": "2026-02-01", "last_seen": None},
        ],
        "identities": [
            {"kind": "host", "scheme": i.scheme, "value": i.value, "vantage": i.vantage, "key": key}
            for i, key in ((ONE, "h-1"), (TWO, "h-2"))
        ],
        "pins": [{"kind": "host", "scheme": "uuid", "value": "u", "vantage": "", "key": "h-1"}],
        "aliases": [{"key": "h-0", "survivor": "h-1"}],
        "findings": [
            {
                "id": "F1",
                "rule": "p/r",
                "kind": "host",
                "asset_key": "h-2",
                **dict.fromkeys(("asset_name", "department_id", "department_name", "zone", "note", "waiver"), "x"),
                **dict.fromkeys(("facts_digest", "content_digest", "snapshot_first", "snapshot_last"), "x"),
                **{"severity": "high", "bite": "order", "state": "open", "reason": "seen"},
                **{"stale": 0, "absences": 0, "reopenings": 0, "opened_at": at, "last_confirmed_at": at},
            }
        ],
        "finding_facts": [{"finding": "F1", "digest": "x", "facts": '[{"column": "c", "value": 7}]'}],
    }
    plain = sqlite3.connect(path)
    for table, entries in rows.items():
        for entry in entries:
            marks = ", ".join("?" * len(entry))
            plain.execute(f"INSERT INTO {table} ({', '.join(entry)}) VALUES ({marks})", tuple(entry.values()))
    plain.commit()
    plain.close()


def test_findings_of_an_asset_stay_findable_by_every_key_that_it_had(ledger: Ledger) -> None:
    """What ``asset show`` asks for: an asset's own key, and those that were merged into it."""
    name = ledger.begin_audit(Opening(), at=START)
    facts = ({"column": "c", "value": 1, "source": "nmap"},)
    seen = [Seen("p/r", "host", key, key, "mzj", "mzj", "z", "high", "order", facts) for key in ("h-1", "h-2")]
    ledger.record(
        name, snapshot="s1", at=START, seen=seen, sight_of=lambda _: {}, terms=Terms(START.date()), key_map=KEYS
    )
    word = tell(ledger, Act.MERGE, merge(ledger.key_map(), "h-1", "h-2"))
    assert len(word.findings) == 1
    assert {f.asset_key for f in ledger.findings(assets=["h-1", "h-2"]) if not f.merged_into} == {"h-1"}
    assert ledger.words("h-2") == ledger.words("h-1") == [word]
