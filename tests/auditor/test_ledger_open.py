"""Opening a ledger: its files, its schema, and everything that can be wrong with them."""

from __future__ import annotations

import ctypes
import os
import resource
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from auditor.ledger import Ledger, LedgerError, schema
from auditor.ledger.dialects import connect
from auditor.ledger.life import Sight
from auditor.ledger.records import Opening, Seen, Terms
from auditor.ledger.sqlite import BUSY_SECONDS
from auditor.ledger.tables import metadata
from inventories.model import Identifier, KeyMap

#: What PostgreSQL does in these cases is tests/lab/test_postgresql.py's.
pytestmark = pytest.mark.sqlite_file

AT = datetime(2026, 3, 1, tzinfo=UTC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def big_record(ledger: Ledger, number: int = 3000) -> None:
    audit = ledger.begin_audit(Opening(), at=AT)
    facts = ({"column": "c", "value": "x" * 500},)
    violations = [Seen("p/r", "host", f"H{i}", f"h{i}", "d", "d", "z", "high", "order", facts) for i in range(number)]
    ledger.record(
        audit,
        snapshot="s",
        at=AT,
        seen=violations,
        sight_of=lambda present: {p.id: Sight.COMPLIANT for p in present},
        terms=Terms(AT.date()),
    )


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.sqlite"
    old = os.umask(0o000)
    try:
        with Ledger.open(path) as ledger:
            ledger.begin_audit(Opening(), at=AT)
            files = sorted(path.parent.iterdir())
            assert [f.name for f in files] == ["ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal"]
            assert [mode(f) for f in files] == [0o600] * 3
    finally:
        os.umask(old)
    assert mode(path.parent) == 0o700
    path.chmod(0o664)
    with Ledger.open(path):
        assert mode(path) == 0o600


def test_settings_that_keep_it_whole(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l") as ledger, ledger._database.reading() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("foreign_keys") == 1
        assert pragma("synchronous") == 2
        assert pragma("busy_timeout") == BUSY_SECONDS * 1000


def test_a_path_may_hold_any_character(tmp_path: Path) -> None:
    folder = tmp_path / "100% ?#:市"
    folder.mkdir()
    for _ in range(2):
        with Ledger.open(folder / "账 本?mode=ro#%41.sqlite") as ledger:
            assert ledger.audits() == []
    assert [f.name for f in folder.iterdir()] == ["账 本?mode=ro#%41.sqlite"]
    with Ledger.open(f"sqlite:///{tmp_path}/by-url.sqlite") as ledger:
        assert ledger.where == str(tmp_path / "by-url.sqlite")


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l") as ledger, ledger._database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert schema.revision(connection) == schema.HEAD
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_heads() == [schema.HEAD]


def test_an_open_ledger_needs_no_alembic(tmp_path: Path) -> None:
    path = tmp_path / "l"
    Ledger.open(path).close()
    code = (
        "import sys; from auditor.ledger import LedgerError; import auditor.ledger.records\n"
        "assert 'sqlalchemy' not in sys.modules\n"
        "from auditor.ledger import Ledger; Ledger.open(sys.argv[1]).close()\n"
        "assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)


def test_many_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    code = "import sys; from auditor.ledger import Ledger; sys.stdin.read(); Ledger.open(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE) for _ in range(3)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0, 0, 0]
    errors: list[BaseException] = []

    def use(ledger: Ledger) -> None:
        try:
            for _ in range(5):
                ledger.begin_audit(Opening(), at=AT)
                ledger.audits()
        except LedgerError as error:
            errors.append(error)

    with Ledger.open(path) as shared, Ledger.open(path) as own:
        threads = [threading.Thread(target=use, args=(ledger,)) for ledger in (shared, shared, own)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(shared.audits()) == 15


def test_a_reader_is_not_kept_waiting_by_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with Ledger.open(path) as writer, Ledger.open(path, create=False) as reader, writer._database.writing() as busy:
        busy.exec_driver_sql("INSERT INTO aliases VALUES ('a', 'b')")
        assert reader.key_map().aliases == {}


def test_without_create_a_missing_ledger_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger yet: run an audit first"):
        Ledger.open(tmp_path / "l", create=False)
    assert list(tmp_path.iterdir()) == []


def test_bad_places(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path, said in (
        (tmp_path / "folder", "is a folder"),
        (tmp_path / "no" / "such" / "l", "its folder does not exist"),
        (tmp_path / "link", "symbolic link"),
        (Path(), "has no file name"),
    ):
        with pytest.raises(LedgerError, match=said):
            Ledger.open(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "l"
    path.write_bytes(b"not a database at all, only text " * 200)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is not a ledger, or is damaged"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_another_program_s_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (id INTEGER)")
    other.close()
    with pytest.raises(LedgerError, match="is a database of another program"):
        Ledger.open(path)
    with sqlite3.connect(path) as other:
        assert [r[0] for r in other.execute("SELECT name FROM sqlite_master")] == ["invoices"]
    other.close()


def test_a_damaged_ledger_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with Ledger.open(path) as ledger:
        big_record(ledger)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 8192))
    with pytest.raises(LedgerError, match=r"damaged|refuses"), Ledger.open(path) as ledger:
        ledger.findings()


def test_a_schema_newer_than_the_program(tmp_path: Path) -> None:
    path = tmp_path / "l"
    Ledger.open(path).close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    with pytest.raises(LedgerError, match=r"newer version of this program.*9999.*upgrade it"):
        Ledger.open(path)


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "l"
    database = connect(path, create=True)

    @event.listens_for(database.engine, "before_cursor_execute")
    def fail(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "CREATE TABLE pins" in statement:
            raise sqlite3.OperationalError("cut off")

    with pytest.raises((sqlite3.OperationalError, LedgerError), match="cut off"):
        schema.bring_up(database)
    database.engine.dispose()
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    other.close()
    with Ledger.open(path) as ledger:
        assert ledger.findings() == []


def test_a_full_database_is_said_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with Ledger.open(path) as ledger:
        big_record(ledger, 10)
        ledger._database.engine.dispose()

        @event.listens_for(ledger._database.engine, "connect")
        def full(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA max_page_count = 100")

        with pytest.raises(LedgerError, match=r"the disk is full: make room"):
            big_record(ledger)
        assert len(ledger.findings()) == 10
    with Ledger.open(path) as ledger:
        assert [f.state for f in ledger.findings()] == ["open"] * 10
        assert [a.status for a in ledger.audits()] == ["running", "done"]
        big_record(ledger, 20)
        assert len(ledger.findings()) == 20


def test_a_disk_that_refuses_to_write_is_said_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with Ledger.open(path) as ledger:
        big_record(ledger, 10)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from test_ledger_open import big_record; from auditor.ledger import Ledger, LedgerError\n"
        "try:\n"
        "    with Ledger.open(sys.argv[1]) as ledger: big_record(ledger)\n"
        "except LedgerError as error: print(error); sys.exit(7)\n"
    )

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    child = subprocess.run(
        [sys.executable, "-c", code, str(path), str(Path(__file__).parent)],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode == 7, child.stderr
    assert "the disk" in child.stdout
    assert "make room" in child.stdout
    with Ledger.open(path) as ledger:
        assert len(ledger.findings()) == 10
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()


def without_privileges() -> None:
    """For a child that runs as root: rights over other people's files are taken away, as for anybody."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.parametrize("existing", [False, True])
def test_a_read_only_folder_is_said(tmp_path: Path, existing: bool) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path = folder / "ledger.sqlite"
    if existing:
        with Ledger.open(path) as ledger:
            big_record(ledger, 3)
        path.chmod(0o400)
    folder.chmod(0o500)
    code = (
        "import sys; from auditor.ledger import Ledger, LedgerError\n"
        "try: Ledger.open(sys.argv[1])\n"
        "except LedgerError as error: print(error); sys.exit(7)\n"
    )
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            preexec_fn=without_privileges,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        folder.chmod(0o700)
    assert child.returncode == 7, child.stderr
    assert child.stdout.startswith(f"{path}: may not be written by this user: ")
    assert [f.name for f in folder.iterdir()] == (["ledger.sqlite"] if existing else [])


def test_a_read_only_folder_with_a_file_that_may_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path = folder / "ledger.sqlite"
    Ledger.open(path).close()
    folder.chmod(0o500)
    code = (
        "import sys; from auditor.ledger import Ledger, LedgerError\n"
        "try: Ledger.open(sys.argv[1])\n"
        "except LedgerError as error: print(error); sys.exit(7)\n"
    )
    try:
        child = subprocess.run(
            [sys.executable, "-c", code, str(path)],
            preexec_fn=without_privileges,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        folder.chmod(0o700)
    assert child.returncode == 7, child.stderr
    assert "let the audit's user" in child.stdout


def test_a_writer_that_never_ends_is_said(tmp_path: Path) -> None:
    path = tmp_path / "l"
    with Ledger.open(path) as ledger:
        ledger._database.engine.dispose()

        @event.listens_for(ledger._database.engine, "connect")
        def impatient(connection: sqlite3.Connection, _record: object) -> None:
            connection.execute("PRAGMA busy_timeout = 50")

        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="is being written by another program"):
            ledger.begin_audit(Opening(), at=AT)
        other.close()
        ledger.begin_audit(Opening(), at=AT)


def test_text_that_cannot_be_stored_is_said(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "l") as ledger:
        key_map = KeyMap(keys={("host", Identifier("uuid", "\ud800")): "H1"})
        with pytest.raises(LedgerError, match="cannot be stored"):
            ledger.save_key_map(key_map, at=AT, by="x")
        assert ledger.key_map() == KeyMap()


@pytest.mark.parametrize("url", ["nosuch://user:s3cret@h/d", "postgresql+nosuch://u:s3cret@h/d", "sqlite://", "://"])
def test_bad_addresses_are_said_without_their_password(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.open(url)
    assert "s3cret" not in str(caught.value)


_BUSY_DESK = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from auditor.ledger import Ledger
from auditor.ledger.records import Opening

def desk(number):
    for _ in range(20):
        with Ledger.open(sys.argv[1], create=False) as ledger:
            if number % 2:
                ledger.begin_audit(Opening(), at=datetime(2026, 3, 1, tzinfo=UTC))
            else:
                ledger.audits(limit=1)

with ThreadPoolExecutor(6) as pool:
    list(pool.map(desk, range(6)))
"""


def test_desks_of_several_processes_that_come_and_go_lose_nothing(tmp_path: Path) -> None:
    """A closed descriptor of the file drops its process's locks; the write-ahead log is then removed under others."""
    path = tmp_path / "l"
    Ledger.open(path).close()
    desks = [
        subprocess.Popen([sys.executable, "-c", _BUSY_DESK, str(path)], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [desk.communicate()[1] for desk in desks]
    assert [(desk.returncode, text) for desk, text in zip(desks, said, strict=True)] == [(0, "")] * 3
    with Ledger.open(path) as ledger, ledger.reading() as connection:
        assert len(ledger.audits()) == 3 * 3 * 20
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
