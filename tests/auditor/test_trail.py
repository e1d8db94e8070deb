"""The audit trail: what it keeps, what it refuses, and that nothing written past it goes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from auditor.ledger import trail
from auditor.ledger.errors import LedgerError
from auditor.ledger.office_tables import register_requests, waivers
from auditor.ledger.place import LedgerPlace
from auditor.ledger.store import Ledger
from auditor.ledger.trail import Entry, Head, Write
from tests.auditor.ledgers import FORBIDDEN, SERVER, UNGUARD, ledger_of, past

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def waiver(name: str = "HM-1", **changes: Any) -> Write:
    row: dict[str, object] = {
        "id": name,
        "state": "draft",
        "rules": ["yuncheng-2021/migrate-to-cloud"],
        "department_id": "mzj",
        "asset_code": "MZ-001",
        "asset_name": "",
        "legal_basis": "与省级平台同步改造期间暂缓迁移",
        "approver": "市政府分管领导",
        "document": "专题会议纪要",
        "document_digest": "",
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2026, 12, 31),
        "conditions": "",
        "drafted_by": "政务信息科",
        "drafted_at": AT.astimezone(timezone(timedelta(hours=8))),
        "approved_by": "",
        "revoked_on": None,
        "note": "",
    }
    return Write(waivers, row | changes)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as opened:
        yield opened


def write(ledger: Ledger, *writes: Write, at: datetime = AT, act: str = "waiver.add", by: str = "政务信息科") -> None:
    with ledger.writing() as connection:
        trail.write(connection, Entry(at, by, act, "HM-1", "理由", {"day": AT.date(), "n": 1.5}), writes)


def faults(ledger: Ledger, expected: Head | None = None) -> list[str]:
    with ledger.reading() as connection:
        return trail.verify(connection, expected)


def raw(ledger: Ledger, *statements: str) -> None:
    """Past everything, as somebody with the file in hand would."""
    with past(LedgerPlace.parse(ledger.where)) as database:
        for statement in statements:
            database.rows(statement)


def test_a_chain_without_faults(ledger: Ledger) -> None:
    assert faults(ledger) == []
    write(ledger, waiver(), waiver("HM-2"))
    write(ledger, waiver(state="approved", approved_by="法规科"), at=AT + timedelta(hours=1))
    assert faults(ledger) == []
    with ledger.reading() as connection:
        first, second = trail.listing(connection, "HM-1")
        assert (first.seq, second.seq) == (1, 2)
        assert first.note == "理由"
        assert first.login
        assert trail.head(connection) == Head(2, second.digest)


def test_many_rows_at_once(ledger: Ledger) -> None:
    write(ledger, *(waiver(f"HM-{n}") for n in range(1500)))
    write(ledger, *(waiver(f"HM-{n}", note="改") for n in range(700, 2000)))
    assert faults(ledger) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE waivers SET valid_to = '2099-12-31'", "waivers:HM-1: was changed past the trail"),
        ("DELETE FROM waivers", "waivers:HM-1: was removed past the trail"),
        (
            "INSERT INTO waivers SELECT 'HM-9', state, rules, department_id, asset_code, asset_name, legal_basis, "
            "approver, document, document_digest, valid_from, valid_to, conditions, drafted_by, drafted_at, "
            "approved_by, revoked_on, note FROM waivers",
            "waivers:HM-9: was added past the trail",
        ),
    ],
)
def test_rows_written_past_the_trail_are_found(ledger: Ledger, statement: str, said: str) -> None:
    write(ledger, waiver())
    raw(ledger, statement)
    assert faults(ledger) == [said]


def test_a_later_step_does_not_hide_a_change(ledger: Ledger) -> None:
    write(ledger, waiver(), waiver("HM-2"))
    raw(ledger, "UPDATE waivers SET valid_to = '2099-12-31' WHERE id = 'HM-1'")
    with pytest.raises(LedgerError, match="waivers:HM-1 was changed past the audit trail"):
        write(ledger, waiver(state="approved"))
    write(ledger, waiver("HM-2", state="approved"))
    assert faults(ledger) == ["waivers:HM-1: was changed past the trail"]


def test_a_row_added_past_the_trail_is_not_adopted(ledger: Ledger) -> None:
    write(ledger, waiver())
    raw(ledger, *UNGUARD, "DELETE FROM trail")
    with pytest.raises(LedgerError, match="waivers:HM-1 was changed past the audit trail"):
        write(ledger, waiver(state="approved"))


def test_the_database_itself_refuses_to_change_the_trail(ledger: Ledger) -> None:
    write(ledger, waiver())
    for statement in ("UPDATE trail SET note = ''", "DELETE FROM trail", *(["TRUNCATE trail"] if SERVER else [])):
        with pytest.raises(FORBIDDEN, match="append-only"):
            raw(ledger, statement)
    assert faults(ledger) == []


@pytest.mark.parametrize("column", ["actor", "login", "act", "subject", "note", "detail", "rows", "previous", "at"])
def test_a_changed_entry_is_found(ledger: Ledger, column: str) -> None:
    write(ledger, waiver())
    write(ledger, waiver(note="二"))
    other = {"detail": "'{}'", "rows": "'{}'", "at": "'2020-01-01 00:00:00.000000'"}.get(column, "'x'")
    raw(ledger, *UNGUARD, f'UPDATE trail SET "{column}" = {other} WHERE seq = 1')
    assert any("entry 1 (" in fault and "was changed" in fault for fault in faults(ledger))


def test_an_entry_taken_out_is_found(ledger: Ledger) -> None:
    for note in "一二三":
        write(ledger, waiver(note=note))
    raw(ledger, *UNGUARD, "DELETE FROM trail WHERE seq = 2")
    assert "trail: entry 2 is missing" in faults(ledger)
    assert "trail: entry 3 does not follow the one before it" in faults(ledger)


def test_a_tail_cut_off_with_its_rows_is_found_by_a_noted_head(ledger: Ledger) -> None:
    write(ledger, waiver())
    with ledger.reading() as connection:
        early = trail.head(connection)
    write(ledger, waiver("HM-2"))
    with ledger.reading() as connection:
        late = trail.head(connection)
    assert faults(ledger, early) == faults(ledger, late) == []
    raw(
        ledger,
        *UNGUARD,
        "DELETE FROM trail WHERE seq = 2",
        "DELETE FROM waivers WHERE id = 'HM-2'",
    )
    assert faults(ledger) == []
    assert faults(ledger, late) == ["trail: entry 2 is not the one that was noted earlier, or was cut off"]


def test_a_clock_set_back(ledger: Ledger) -> None:
    write(ledger, waiver())
    write(ledger, waiver(note="稍慢"), at=AT - timedelta(minutes=4))
    with ledger.reading() as connection:
        assert [row.at for row in trail.listing(connection)] == [AT, AT]
    with pytest.raises(LedgerError, match="the clock says 2026-11-22") as error:
        write(ledger, waiver(note="昨天"), at=AT - timedelta(days=1))
    assert "set this machine's clock right" in str(error.value)
    with ledger.reading() as connection:
        assert len(trail.listing(connection)) == 2
    assert faults(ledger) == []


def test_who_and_why(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="--by"):
        write(ledger, waiver(), by=" ")
    with pytest.raises(LedgerError, match="2001 characters"), ledger.writing() as connection:
        trail.write(connection, Entry(AT, "科室", "x", "y", "长" * 2001))
    assert faults(ledger) == []


def test_nothing_is_kept_of_what_fails(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.writing() as connection:
        trail.write(connection, Entry(AT, "科室", "waiver.add", "HM-1"), [waiver()])
        raise RuntimeError
    with ledger.reading() as connection:
        assert trail.head(connection).seq == 0
    assert faults(ledger) == []


def test_one_open_request_for_a_register(ledger: Ledger) -> None:
    row: dict[str, object] = {
        "id": "R-1",
        "state": "open",
        "department_id": "mzj",
        "register": "systems",
        "period": "2026年度",
        "columns": [],
        "asked_on": AT.date(),
        "asked_by": "政务信息科",
        "due": None,
        "reminders": [],
        "answered_on": None,
        "nil_return": False,
        "digest": "",
        "changes": {},
        "note": "",
    }
    write(ledger, Write(register_requests, row))
    with pytest.raises(LedgerError, match=r"UNIQUE|unique"):
        write(ledger, Write(register_requests, row | {"id": "R-2"}))
    write(ledger, Write(register_requests, row | {"id": "R-3", "state": "answered"}))
    assert faults(ledger) == []
