"""Backup and restore by the commands, on whichever database the suite runs; moving needs both, and is the lab's."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.ledger import trail
from auditor.ledger.copying import TABLES, digests
from auditor.ledger.life import Sight
from auditor.ledger.place import LedgerPlace
from auditor.ledger.presence import exists
from auditor.ledger.records import Opening, Seen, Terms
from auditor.ledger.store import Ledger
from tests.auditor.ledgers import FORBIDDEN, SERVER, dump, past
from tests.auditor.office import BEGIN, RULE, Office

MANY = 4000


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    made = Office(tmp_path / "site", monkeypatch, capsys)
    made.audit()
    made.wait(hours=1)
    waiver = (
        "--rule",
        RULE,
        "--department",
        "mzj",
        "--basis",
        "过渡期",
        "--approver",
        "市政府",
        "--document",
        "纪要1号",
    )
    made.do("waiver", "add", *waiver, "--from", f"{BEGIN}", "--to", f"{BEGIN.year + 1}-01-31", "--by", "政务信息科")
    return made


def held(place: LedgerPlace) -> tuple[object, ...]:
    """The digests of every table, and the trail's head."""
    with Ledger.open(place, create=False) as ledger, ledger.reading() as connection:
        return (*digests(connection), trail.head(connection))


def test_a_copy_of_everything_in_one_file_of_the_owners(office: Office, tmp_path: Path) -> None:
    before = held(office.ledger)
    body = office.json("ledger", "backup", str(tmp_path / "copy.sqlite"))
    file = tmp_path / "copy.sqlite"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.sqlite", "site"]
    assert held(LedgerPlace(file=file)) == before == held(office.ledger)
    assert {one["table"] for one in body["tables"]} == {table.name for table in TABLES}
    assert body["head"] == str(before[-1]) and body["faults"] == []
    assert str(tmp_path) not in str(body["to"])


def test_restored_it_is_the_ledger_again(office: Office, tmp_path: Path) -> None:
    before, findings = held(office.ledger), office.findings()
    file = tmp_path / "copy.sqlite"
    office.do("ledger", "backup", str(file))
    kept = file.read_bytes()
    lose(office)
    office.do("ledger", "restore", str(file))
    assert held(office.ledger) == before
    assert file.read_bytes() == kept
    assert office.findings() == findings
    assert [path.name for path in (office.root / "state").iterdir() if path.name.startswith(".restore")] == []
    office.wait(days=1)
    office.audit()
    assert office.faults() == []


def lose(office: Office) -> None:
    """The disk of the ledger is gone."""
    if office.ledger.file is not None:
        for path in office.ledger.file.parent.glob("ledger.sqlite*"):
            path.unlink()
    else:
        with past(office.ledger) as database:
            database.rows("DROP SCHEMA public CASCADE")
            database.rows("CREATE SCHEMA public")


def test_what_is_there_is_never_written_over(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite"
    office.do("ledger", "backup", str(file))
    before = held(office.ledger)
    assert "is there already" in office.refused("ledger", "backup", str(file))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert "is there already" in office.refused("ledger", "backup", str(tmp_path / "link"))
    assert "already" in office.refused("ledger", "restore", str(file))
    assert held(office.ledger) == before
    assert "is no folder" in office.refused("ledger", "backup", str(tmp_path / "no" / "copy"))


def test_what_is_no_copy_is_refused_and_leaves_nothing(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "copy.sqlite"
    office.do("ledger", "backup", str(file))
    lose(office)
    spoiled, text, other = tmp_path / "spoiled", tmp_path / "text", tmp_path / "other"
    content = bytearray(file.read_bytes())
    content[8192:40000] = bytes(40000 - 8192)
    spoiled.write_bytes(content)
    text.write_bytes(b"not a copy " * 1000)
    with closing(sqlite3.connect(other)) as made:
        made.execute("CREATE TABLE invoices (id INTEGER)")
    for bad, said in ((spoiled, "damaged"), (text, "no copy"), (other, "another program")):
        assert office.run("ledger", "restore", str(bad)) == 3
        assert said in office.err and "Traceback" not in office.err
        assert not exists(office.ledger)
    assert "no such file" in office.refused("ledger", "restore", str(tmp_path / "no"))
    office.do("ledger", "restore", str(file))


def test_a_change_past_the_trail_is_carried_along_and_told(office: Office, tmp_path: Path) -> None:
    with past(office.ledger) as database:
        database.rows("UPDATE waivers SET valid_to = '2099-12-31'")
    body = office.json("ledger", "backup", str(tmp_path / "copy.sqlite"))
    assert len(body["faults"]) == 1 and "was changed past the trail" in body["faults"][0]
    assert office.run("ledger", "verify") == 3


def test_a_cut_off_trail_is_found_after_a_restore_by_the_head_that_was_noted(office: Office, tmp_path: Path) -> None:
    office.do("ledger", "backup", str(tmp_path / "old.sqlite"))
    office.do("waiver", "approve", "W2026-001", "--by", "分管领导")
    head = office.json("ledger", "verify")["head"]
    lose(office)
    office.do("ledger", "restore", str(tmp_path / "old.sqlite"))
    assert office.run("ledger", "verify") == 0
    assert office.run("ledger", "verify", "--expect", head) == 3
    assert "was cut off" in office.out


def test_a_copy_made_while_an_audit_writes_is_of_one_moment(office: Office, tmp_path: Path) -> None:
    """Recording is one transaction: a copy holds all of an audit or nothing of it."""
    files = [tmp_path / f"copy-{n}.sqlite" for n in range(3)]

    def copies() -> Iterator[Seen]:
        for number in range(MANY):
            if number % (MANY // 3) == MANY // 8:
                thread = threading.Thread(target=copy)
                thread.start()
                thread.join()
            yield Seen("p/r", "host", f"H{number}", f"h{number}", "mzj", "市民政局", "z", "high", "order", FACTS)

    made: list[int] = []

    def copy() -> None:
        from auditor.ledger.moving import backup

        copied = backup(office.ledger, files[len(made)])
        made.append(next(one.rows for one in copied.tables if one.table == "findings"))

    before = len(dump(office.ledger)["findings"])
    with Ledger.open(office.ledger) as ledger:
        run = ledger.begin_audit(Opening(), at=office.now + timedelta(days=1))
        ledger.record(
            run,
            snapshot="s",
            at=office.now,
            seen=copies(),
            sight_of=lambda present: {one.id: Sight.NOT_ATTEMPTED for one in present},
            terms=Terms(BEGIN),
        )
    assert made == [before] * 3
    for file in files:
        with closing(sqlite3.connect(file)) as found:
            assert found.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert found.execute("SELECT count(*) FROM findings").fetchone() == (before,)
    office.do("ledger", "backup", str(tmp_path / "after.sqlite"))
    assert held(LedgerPlace(file=tmp_path / "after.sqlite")) == held(office.ledger)
    assert len(dump(office.ledger)["findings"]) == before + MANY


FACTS = ({"column": "hosting", "value": ["own_room"], "evidence": "x" * 100},)


def test_no_guard_is_lost_on_the_way(office: Office, tmp_path: Path) -> None:
    office.do("ledger", "backup", str(tmp_path / "copy.sqlite"))
    lose(office)
    office.do("ledger", "restore", str(tmp_path / "copy.sqlite"))
    for statement in ("UPDATE trail SET note = ''", "DELETE FROM trail"):
        with pytest.raises(FORBIDDEN, match="append-only"), past(office.ledger) as database:
            database.rows(statement)


def test_where_a_ledger_cannot_move_to(office: Office, tmp_path: Path) -> None:
    secret = "hunter2-Geheim"
    assert "backup" in office.refused("ledger", "move", str(tmp_path / "elsewhere.sqlite"))
    said = office.refused("ledger", "move", f"postgresql://a:{secret}@127.0.0.1/l")
    assert "holds a password" in said and secret not in said
    said = office.refused("ledger", "move", "postgresql://a@127.0.0.1/l", "--password", secret)
    assert "is no reference" in said and secret not in said
    if not SERVER:
        assert "lies already" in office.refused("ledger", "move", str(office.root / "state" / "ledger.sqlite"))
    before = held(office.ledger)
    assert office.run("ledger", "move", "postgresql://a@127.0.0.1:1/l") == 3
    assert "cannot be reached" in office.err
    assert held(office.ledger) == before
