"""Every older schema with data in it comes forward whole, in both databases; what is not ours is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, insert

from auditor.ledger import Ledger, LedgerError, schema
from auditor.ledger.dialects import connect
from auditor.ledger.place import LedgerPlace
from auditor.ledger.records import Opening
from auditor.ledger.tables import metadata
from tests.auditor.ledgers import dump, past, site_ledger

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
#: Every revision but the newest, oldest first.
OLDER = [s.revision for s in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()][:0:-1]


def at_revision(place: LedgerPlace, revision: str, then: Callable[[Connection], None] = lambda _: None) -> None:
    """A database as an older version of the program left it."""
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    database = connect(place, create=True)
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        then(connection)
    database.engine.dispose()


def fill(connection: Connection) -> None:
    """Three rows in every table, those that are referred to first."""
    found = MetaData()
    found.reflect(connection)
    for table in found.sorted_tables:
        if table.name != "alembic_version":
            connection.execute(insert(table), [_row(table, number) for number in (1, 2, 3)])


def _row(table: Table, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for column in table.columns:
        if any(key.column.table is table for key in column.foreign_keys):
            row[column.name] = None
        else:
            row[column.name] = _value(str(column.type).partition(" ")[0].partition("(")[0], column.name, number)
    return row


def _value(kind: str, name: str, number: int) -> object:
    values: dict[str, object] = {
        "TEXT": f"{name}市{number}",
        "INTEGER": number,
        "BIGINT": 2**40 + number,
        "BOOLEAN": bool(number % 2),
        "FLOAT": number / 3,
        "DOUBLE": number / 3,
        "DOUBLE_PRECISION": number / 3,
        "DATE": date(2026, 1, number),
        "DATETIME": AT,
        "TIMESTAMP": AT,
        "JSON": [{"column": "部署位置", "value": ["自建机房", number, None, 0.1]}],
    }
    # A reference has the name of what it refers to in a text of its own.
    referred = {"finding": "id", "audit": "id", "case_id": "id", "key": "key"}
    return f"{referred[name]}市{number}" if kind == "TEXT" and name in referred else values[kind]


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_ledger_comes_forward_with_all_its_data(tmp_path: Path, revision: str) -> None:
    (tmp_path / "state").mkdir()
    place = site_ledger(tmp_path)
    at_revision(place, revision, fill)
    before = dump(place)
    assert before["alembic_version"] == [(revision,)]
    assert all(len(rows) == 3 for name, rows in before.items() if name != "alembic_version")
    with Ledger.open(place) as ledger, ledger.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    after = dump(place)
    assert after.pop("alembic_version") == [(schema.HEAD,)]
    del before["alembic_version"]
    assert {name: after[name] for name in before} == before
    assert {name: rows for name, rows in after.items() if name not in before and rows} == {}
    with Ledger.open(place) as ledger:
        run = ledger.begin_audit(Opening(), at=AT)
        assert ledger.audit(run).started_at == AT


def test_a_newer_ledger_is_refused_in_a_clear_word_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    place = site_ledger(tmp_path)
    with Ledger.open(place) as still_open:
        with past(place) as database:
            database.rows("UPDATE alembic_version SET version_num = '9999'")
        before = dump(place)
        said = rf"newer version of this program \(schema 9999, known up to {schema.HEAD}\): upgrade it"
        for create in (True, False):
            with pytest.raises(LedgerError, match=said):
                Ledger.open(place, create=create)
        # Who had it open when another program brought it forward writes nothing either.
        with pytest.raises(LedgerError, match=said):
            still_open.begin_audit(Opening(), at=AT)
    assert dump(place) == before


def test_another_program_s_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    place = site_ledger(tmp_path)
    with past(place) as database:
        database.rows("CREATE TABLE invoices (id INTEGER)")
    for create in (True, False):
        with pytest.raises(LedgerError, match="is a database of another program"):
            Ledger.open(place, create=create)
    assert dump(place) == {"invoices": []}
