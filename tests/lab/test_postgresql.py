"""The ledger on a real PostgreSQL: who may in, one audit at a time, lost connections, moving, backup.

What is the same on both databases is the suites' own matter (``python -m tests.lab.postgresql_suite``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from auditor.ledger import Ledger, LedgerError, moving, postgresql, trail
from auditor.ledger.copying import TABLES, digests
from auditor.ledger.holding import hold
from auditor.ledger.life import Sight
from auditor.ledger.place import LedgerPlace
from auditor.ledger.presence import exists
from auditor.ledger.records import Opening, Seen, Terms
from auditor.lock import LockHeld
from auditor.site import Site, load_site
from tests.auditor.office import Office
from tests.lab.postgresql import Server

pytestmark = pytest.mark.lab

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
SECRET = "hunter2-Geheim"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as made:
        yield made


@pytest.fixture
def place(server: Server) -> LedgerPlace:
    """An empty database."""
    return LedgerPlace.parse(server.url(server.fresh()))


def name_of(place: LedgerPlace) -> str:
    return place.url.rpartition("/")[2].partition("?")[0]


def record(ledger: Ledger, number: int, *, at: datetime = AT, turn: int = 0) -> None:
    facts = ({"column": "hosting", "value": ["own_room", turn], "evidence": "证" * 50},)
    run = ledger.begin_audit(Opening(), at=at)
    ledger.record(
        run,
        snapshot=f"s{turn}",
        at=at,
        seen=[
            Seen("p/r", "host", f"H{i}", f"主机{i}", "d", "民政局", "z", "high", "order", facts)
            for i in range(number)
        ],
        sight_of=lambda present: {one.id: Sight.COMPLIANT for one in present},
        terms=Terms(at.date()),
    )


def held(place: LedgerPlace) -> tuple[object, ...]:
    with Ledger.open(place, create=False) as ledger, ledger.reading() as connection:
        return (*digests(connection), trail.head(connection))


def office_at(place: LedgerPlace, root: Path, patch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]) -> Office:
    """A small city whose ledger lies in a database."""
    made = Office(root, patch, said)
    made.site(more=f"ledger: {{url: {json.dumps(place.url)}}}\n")
    return made


# --- the schema ---------------------------------------------------------------------------------------------


def test_every_text_is_compared_by_code_points(server: Server, place: LedgerPlace) -> None:
    """The order of findings, and the greatest number, must not follow from the server's locale."""
    Ledger.open(place).close()
    odd = server.run(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C' AND table_name <> 'alembic_version'",
        database=name_of(place),
    )
    assert odd == []


def test_a_database_of_another_encoding_or_another_program(server: Server) -> None:
    gbk = server.create("gb", more="ENCODING 'EUC_CN' LOCALE 'C'")
    with pytest.raises(LedgerError, match=r"its encoding is EUC_CN: create it with ENCODING 'UTF8'"):
        Ledger.open(server.url(gbk))
    assert server.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=gbk) == [(0,)]


def test_without_create_an_empty_database_is_said_to_hold_none(server: Server, place: LedgerPlace) -> None:
    assert not exists(place)
    with pytest.raises(LedgerError, match="there is no ledger yet: run an audit first"):
        Ledger.open(place, create=False)
    assert server.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=name_of(place)) == [(0,)]
    Ledger.open(place).close()
    assert exists(place)


def test_many_may_open_a_new_ledger_at_once(place: LedgerPlace) -> None:
    code = "import sys; from auditor.ledger import Ledger; sys.stdin.read(); Ledger.open(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, place.url], stdin=subprocess.PIPE) for _ in range(4)]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
    assert [child.wait(60) for child in children] == [0] * 4
    assert exists(place)


def test_a_migration_that_fails_leaves_nothing(server: Server, place: LedgerPlace) -> None:
    server.run("CREATE SEQUENCE pins", database=name_of(place))
    with pytest.raises(LedgerError, match="refuses"):
        Ledger.open(place)
    assert server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name_of(place)) == []


# --- who may in ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[Server, Path]]:
    """A server that wants TLS and a password, and the folder of what its clients need."""
    key, certificate, authority = _certificates("127.0.0.1")
    settings = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    files = {"server.crt": certificate, "server.key": key}
    with Server(access=("hostssl all all 127.0.0.1/32 scram-sha-256",), settings=settings, files=files) as made:
        made.run(f"CREATE ROLE auditor LOGIN PASSWORD '{SECRET}'")
        made.create("auditor", owner="auditor")
        (made.folder / "ca.crt").write_bytes(authority)
        (made.folder / "other.crt").write_bytes(_certificates("127.0.0.1")[2])
        yield made, made.folder


def _certificates(address: str) -> tuple[bytes, bytes, bytes]:
    """A server's key and certificate, and its authority's."""
    now = datetime.now(UTC) - timedelta(days=1)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "server")]
    made = []
    for number, (key, subject) in enumerate(zip(keys, names, strict=True)):
        builder = x509.CertificateBuilder(
            names[0], subject, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=9)
        ).add_extension(x509.BasicConstraints(ca=not number, path_length=None), critical=True)
        if number:
            there = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))])
            builder = builder.add_extension(there, critical=False)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, made[1], made[0]


@pytest.fixture
def asked(
    guarded: tuple[Server, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Office:
    """A city whose site.yaml names the guarded server, and a file with the password."""
    made, folder = guarded
    (tmp_path / "password").write_text(SECRET + "\n", encoding="utf-8")
    office = Office(tmp_path / "site", monkeypatch, capsys)
    url = made.url("auditor", "auditor", f"?sslmode=verify-full&sslrootcert={folder}/ca.crt")
    office.site(more=f"ledger: {{url: '{url}', password: 'file:{tmp_path}/password'}}\n")
    return office


def test_an_audit_with_a_password_over_tls_shows_it_nowhere(asked: Office, guarded: tuple[Server, Path]) -> None:
    asked.audit()
    made, _ = guarded
    for command in ("doctor", "ledger verify", "findings", "check", "snapshot list"):
        asked.run(*command.split(), "--json")
        assert SECRET not in asked.out + asked.err
    asked.do("metrics")
    assert "auditor_ledger_size_bytes" in asked.out and SECRET not in asked.out + asked.err
    for path in [one for one in asked.root.rglob("*") if one.is_file()]:
        assert SECRET.encode() not in path.read_bytes(), path
    with Ledger.open(load_site(asked.root).ledger) as ledger:
        assert SECRET not in f"{ledger._database.engine!r} {ledger._database.engine.url} {ledger.where}"
        with ledger.reading() as connection:
            (ssl,) = connection.exec_driver_sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").scalars()
            assert ssl is True
    assert SECRET not in (made.folder / "log").read_text(encoding="utf-8").replace(f"PASSWORD '{SECRET}'", "")


def test_a_process_shows_no_password_to_its_neighbours(asked: Office) -> None:
    """Neither its arguments nor its environment hold it, while it is connected."""
    code = (
        "import sys; from pathlib import Path\n"
        "from auditor.site import load_site; from auditor.ledger import Ledger\n"
        "ledger = Ledger.open(load_site(Path(sys.argv[1])).ledger); ledger.audits(); print('in', flush=True)\n"
        "sys.stdin.readline()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(asked.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "in\n"
    for name in ("cmdline", "environ"):
        assert SECRET.encode() not in Path(f"/proc/{child.pid}/{name}").read_bytes()
    child.communicate("\n", timeout=20)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("RIGHT", "NO_SUCH"), "its password: env:NO_SUCH: the environment has no such variable"),
        ((", password: ", ", password: 'env:WRONG' } #"), "refuses the login"),
        (("/ca.crt", "/other.crt"), "cannot be reached"),
        (("/auditor?", "/nosuch?"), "cannot be reached"),
        (("//auditor@", "//nobody@"), "refuses the login"),
    ],
)
def test_what_does_not_let_it_in_is_said_without_the_password(
    asked: Office, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], said: str
) -> None:
    monkeypatch.setenv("WRONG", f"{SECRET}-wrong")
    text = (asked.root / "site.yaml").read_text(encoding="utf-8")
    text = text.replace(f"file:{asked.root.parent}/password", "env:RIGHT") if change[0] == "RIGHT" else text
    (asked.root / "site.yaml").write_text(text.replace(*change, 1), encoding="utf-8")
    for command in (["audit"], ["findings"], ["doctor", "--json"]):
        assert asked.run(*command) == 3
        assert said in asked.out + asked.err, asked.out + asked.err
        assert SECRET not in asked.out + asked.err and "Traceback" not in asked.err


def test_a_user_who_may_not_make_tables(server: Server, place: LedgerPlace) -> None:
    name = name_of(place)
    server.run("CREATE ROLE guest LOGIN")
    with pytest.raises(LedgerError, match="may not be used by this user: let the ledger's user own the database"):
        Ledger.open(server.url(name, "guest"))


# --- connections that are lost ------------------------------------------------------------------------------


def end_sessions(server: Server, place: LedgerPlace, like: str = "auditor%") -> int:
    """As an administrator would, or a server that falls over."""
    found = server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s",
        name_of(place),
        like,
    )
    return len(found)


def test_a_connection_ended_while_an_audit_is_recorded_leaves_nothing_of_it(
    server: Server, place: LedgerPlace
) -> None:
    with Ledger.open(place) as ledger:
        record(ledger, 500)
        before = held(place)

        def cut() -> Iterator[Seen]:
            for number in range(3000):
                if number == 2500:
                    assert end_sessions(server, place) >= 1
                yield Seen("p/r", "host", f"N{number}", "n", "d", "d", "z", "high", "order", ())

        run = ledger.begin_audit(Opening(id="second"), at=AT + timedelta(days=1))
        with pytest.raises(LedgerError, match="connection to the database was") as caught:
            ledger.record(run, snapshot="s1", at=AT, seen=cut(), sight_of=lambda _: {}, terms=Terms(AT.date()))
        assert "nothing was stored" in str(caught.value)
        # The same open ledger goes on by itself.
        assert len(ledger.findings()) == 500
        record(ledger, 600, at=AT + timedelta(days=2), turn=2)
        assert len(ledger.findings(states=["open"])) == 600
    assert before != held(place)


def test_a_connection_lost_with_the_last_word_is_told_as_what_it_is(
    server: Server, place: LedgerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent and not answered: whether it was stored nobody here can know, and the message says so."""
    with Ledger.open(place) as ledger:
        dialect = ledger._database.engine.dialect
        commit = dialect.do_commit

        def lost(connection: Any) -> None:
            end_sessions(server, place)
            commit(connection)

        monkeypatch.setattr(dialect, "do_commit", lost)
        with pytest.raises(LedgerError, match="stored whole, or not at all: look whether it is there"):
            ledger.begin_audit(Opening(), at=AT)
        monkeypatch.undo()
        assert ledger.audits() == []


def test_a_server_that_falls_over_and_comes_back() -> None:
    with Server(settings={"fsync": "on"}) as server:
        place = LedgerPlace.parse(server.url(server.fresh()))
        with Ledger.open(place) as ledger:
            record(ledger, 300)
            before = held(place)
            server.stop(signal.SIGQUIT)
            with pytest.raises(LedgerError, match=r"cannot be reached|was lost|was ended"):
                ledger.begin_audit(Opening(), at=AT)
            server.start()
            assert held(place) == before
            record(ledger, 300, at=AT + timedelta(days=1), turn=1)


def test_a_writer_that_never_ends_is_said_and_readers_never_wait(
    place: LedgerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = str(postgresql._CONNECT["options"]).replace("lock_timeout=30s", "lock_timeout=200ms")
    monkeypatch.setitem(postgresql._CONNECT, "options", options)
    with Ledger.open(place) as ledger, Ledger.open(place) as other, other.writing():
        assert ledger.audits() == []
        with pytest.raises(LedgerError, match="is being written by another program: wait"):
            ledger.begin_audit(Opening(), at=AT)


def test_a_full_disk_is_said_and_loses_nothing(server: Server, tmp_path: Path) -> None:
    room = server.folder / "room"
    room.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(room)], check=True)
    try:
        shutil.chown(room, "postgres", "postgres")
        server.run(f"CREATE TABLESPACE small LOCATION '{room}'")
        place = LedgerPlace.parse(server.url(server.create("small", more="TABLESPACE small")))
        with Ledger.open(place) as ledger:
            record(ledger, 100)
            with pytest.raises(LedgerError, match="the disk is full: make room, then do it again"):
                record(ledger, 20_000, at=AT + timedelta(days=1), turn=1)
            assert [finding.state for finding in ledger.findings()] == ["open"] * 100
            subprocess.run(["mount", "-o", "remount,size=200m", str(room)], check=True)
            record(ledger, 20_000, at=AT + timedelta(days=2), turn=2)
            assert len(ledger.findings(states=["open"], with_facts=False)) == 20_000
        server.run("DROP DATABASE small WITH (FORCE)")
        server.run("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(room)], check=True)


# --- one at a time ------------------------------------------------------------------------------------------


@pytest.fixture
def two_machines(
    place: LedgerPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Site, Site]:
    """Two folders of one site, as two machines have them, with one database."""
    sites = []
    for name in ("one", "two"):
        office = office_at(place, tmp_path / name, monkeypatch, capsys)
        (office.root / "state").mkdir()
        sites.append(load_site(office.root))
    return sites[0], sites[1]


HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from auditor.ledger.holding import hold
from auditor.site import load_site
with hold(load_site(Path(sys.argv[1])), sys.argv[2], now=datetime.now(UTC)):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(site: Site, name: str) -> subprocess.Popen[str]:
    made = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(site.root), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "held\n"
    return made


@pytest.mark.parametrize("name", ["audit", "scheduler"])
def test_what_one_machine_does_another_is_refused_and_told_who(two_machines: tuple[Site, Site], name: str) -> None:
    here, there = two_machines
    running = holder(there, name)
    with pytest.raises(LockHeld) as caught, hold(here, name, now=AT):
        raise AssertionError("two of them")
    said = str(caught.value)
    assert f"another {name} is running" in said and f"process {running.pid}" in said and f"auditor {name}" in said
    assert os.uname().nodename[:20] in said and str(here.ledger) in said
    # Another lock is another matter.
    with hold(here, "other", now=AT):
        pass
    running.kill()
    running.wait(20)
    # It went with its process, however that ended.
    with hold(here, name, now=AT), pytest.raises(LockHeld), hold(here, name, now=AT):
        raise AssertionError("two of them")
    running.stdout.close()  # type: ignore[union-attr]  # it has one


def test_a_second_audit_is_refused_by_the_command(
    two_machines: tuple[Site, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = two_machines
    running = holder(there, "audit")
    try:
        command = [sys.executable, "-m", "auditor", "audit", "--site", str(here.root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        running.communicate("\n", timeout=20)
    assert done.returncode == 2 and "another audit is running" in done.stderr and "Traceback" not in done.stderr
    assert not exists(here.ledger)


def test_a_lock_whose_connection_was_lost_is_taken_again_or_told(
    server: Server, two_machines: tuple[Site, Site]
) -> None:
    here, there = two_machines
    with hold(here, "scheduler", now=AT) as held_here:
        held_here.renew()
        assert end_sessions(server, here.ledger, "auditor scheduler%") == 1
        held_here.renew()
        with pytest.raises(LockHeld), hold(there, "scheduler", now=AT):
            raise AssertionError("two of them")
        assert end_sessions(server, here.ledger, "auditor scheduler%") == 1
        with hold(there, "scheduler", now=AT), pytest.raises(LockHeld, match="another scheduler is running"):
            held_here.renew()
        held_here.renew()


def test_an_audit_whose_lock_was_lost_to_another_records_nothing(place: LedgerPlace) -> None:
    with Ledger.open(place) as ledger, Ledger.open(place) as other:
        first = ledger.begin_audit(Opening(), at=AT)
        second = other.begin_audit(Opening(), at=AT + timedelta(minutes=1))
        with pytest.raises(LedgerError, match="no longer runs: another began meanwhile"):
            ledger.record(first, snapshot="s", at=AT, seen=[], sight_of=lambda _: {}, terms=Terms(AT.date()))
        other.record(second, snapshot="s", at=AT, seen=[], sight_of=lambda _: {}, terms=Terms(AT.date()))


# --- moving -------------------------------------------------------------------------------------------------


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    """A city with its ledger in a file: audited twice, a waiver, a word of a person."""
    office = Office(tmp_path / "site", monkeypatch, capsys)
    office.audit()
    office.wait(days=1)
    office.audit()
    dates = ("--from", "2026-11-23", "--to", "2027-01-31", "--by", "政务信息科")
    rule = ("--rule", "yuncheng-2021/migrate-to-cloud", "--department", "mzj")
    office.do("waiver", "add", *rule, "--basis", "过渡期", "--approver", "市政府", "--document", "纪要1号", *dates)
    finding = next(one for one in office.findings() if one["state"] == "open")
    office.do("finding", "dismiss", finding["id"], "--reason", "误报", "--by", "法规科")
    return office


def told_line(office: Office) -> str:
    """What site.yaml shall say, as the command prints it."""
    return office.err.strip().splitlines()[-1]


def test_what_was_moved_is_written_to_no_more(worked: Office, place: LedgerPlace) -> None:
    file = LedgerPlace(file=worked.root / "state" / "ledger.sqlite")
    before = held(file)
    with Ledger.open(file) as still_open:
        worked.do("ledger", "move", place.url)
        # Neither a new command nor one that had it open writes to the old one any more.
        for write in (lambda: Ledger.open(file), lambda: still_open.begin_audit(Opening(), at=AT)):
            with pytest.raises(LedgerError, match=r"was moved to postgresql.* nothing is written here any more"):
                write()
    assert worked.run("findings") == 3 and "name that place under 'ledger' in site.yaml" in worked.err
    assert held(place) == before


def test_moved_by_the_command_and_moved_back(worked: Office, server: Server, place: LedgerPlace) -> None:
    file = worked.root / "state" / "ledger.sqlite"
    before, findings = held(LedgerPlace(file=file)), worked.findings()
    worked.do("ledger", "move", place.url)
    line = told_line(worked)
    assert line == f'ledger: {{url: "{place.url}"}}'
    worked.site(more=line + "\n")
    assert worked.findings() == findings and held(place) == before
    worked.wait(days=1)
    worked.audit()
    finding = next(one for one in worked.findings() if one["state"] == "dismissed")
    worked.do("finding", "restore", finding["id"], "--reason", "看错了", "--by", "法规科")
    assert worked.run("ledger", "verify") == 0
    for statement in ("UPDATE trail SET note = ''", "DELETE FROM trail", "TRUNCATE trail"):
        with pytest.raises(Exception, match="append-only"):
            server.run(statement, database=name_of(place))
    # Back again: the old file lies there still, and is not written over.
    after = held(place)
    assert worked.run("ledger", "move", str(file)) == 2 and "is there already" in worked.err
    file.rename(file.with_name("old.sqlite"))
    worked.do("ledger", "move", str(file))
    assert told_line(worked) == "# no section 'ledger'"
    worked.site()
    assert held(LedgerPlace(file=file)) == after
    with pytest.raises(LedgerError, match="was moved to"):
        Ledger.open(place)
    worked.wait(days=1)
    worked.audit()
    assert worked.faults() == []


def test_a_database_that_holds_something_is_not_moved_into(worked: Office, place: LedgerPlace) -> None:
    file = LedgerPlace(file=worked.root / "state" / "ledger.sqlite")
    with Ledger.open(place) as ledger:
        ledger.begin_audit(Opening(), at=AT)
    before, there = held(file), held(place)
    assert worked.run("ledger", "move", place.url) == 2
    assert "holds a ledger with data already" in worked.err
    assert (held(file), held(place)) == (before, there)


def test_a_move_waits_for_no_audit_and_begins_none(worked: Office, place: LedgerPlace) -> None:
    running = holder(load_site(worked.root), "audit")
    try:
        assert worked.run("ledger", "move", place.url) == 2
        assert "another audit is running" in worked.err
    finally:
        running.communicate("\n", timeout=20)
    assert not exists(place)


def test_a_copy_that_differs_in_one_letter_is_found_and_taken_back(
    worked: Office, place: LedgerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LedgerPlace(file=worked.root / "state" / "ledger.sqlite")
    before, honest = held(file), postgresql.copy_in

    def spoil(connection: Any, columns: Any, rows: Any) -> None:
        honest(connection, columns, rows)
        if columns[0].table.name == "findings":
            one = "(SELECT max(id) FROM findings)"
            connection.exec_driver_sql(f"UPDATE findings SET asset_name = asset_name || ' ' WHERE id = {one}")

    monkeypatch.setattr(postgresql, "copy_in", spoil)
    with pytest.raises(LedgerError, match="the copy differs in findings"):
        moving.move(file, place, at=AT)
    monkeypatch.undo()
    assert held(file) == before
    moving.move(file, place, at=AT)
    assert held(place) == before


def test_a_connection_lost_on_the_way_leaves_the_old_ledger_in_use(
    worked: Office, server: Server, place: LedgerPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LedgerPlace(file=worked.root / "state" / "ledger.sqlite")
    before = held(file)
    with pytest.raises(LedgerError, match="connection to the database was"):
        moving.move(
            file, place, at=AT, tell=lambda one: one.table == "findings" and end_sessions(server, place) and None
        )
    assert held(file) == before
    worked.do("ledger", "move", place.url)
    assert held(place) == before


def test_numbers_go_on_behind_what_was_moved(server: Server, place: LedgerPlace, tmp_path: Path) -> None:
    """What the database counts itself (words, events) must not begin anew."""
    source = LedgerPlace(file=tmp_path / "l")
    with Ledger.open(source) as ledger:
        for turn in range(3):
            record(ledger, 40, at=AT + timedelta(days=turn), turn=turn)
    moving.move(source, place, at=AT)
    with Ledger.open(place) as ledger:
        record(ledger, 10, at=AT + timedelta(days=9), turn=9)
        events = server.run(
            "SELECT count(*), count(DISTINCT id), max(id) FROM finding_events", database=name_of(place)
        )
    assert events[0][0] == events[0][1] == events[0][2]


def test_hostile_texts_and_every_kind_of_value_survive_both_ways(place: LedgerPlace, tmp_path: Path) -> None:
    source, back = LedgerPlace(file=tmp_path / "l"), LedgerPlace(file=tmp_path / "back")
    evil = ["\\N", "\\.", "\t\n\r", "'; DROP TABLE findings; --", "𠮷𪚥", "\u202e", "{}", "", "\\x41", "a\\tb"]
    facts = tuple({"column": text, "value": [text, 0.1, 2**60, None, True, "\x00"]} for text in evil)
    with Ledger.open(source) as ledger:
        run = ledger.begin_audit(Opening(command="\\N\t", packs={"\\.": "\n"}), at=AT)
        seen = [Seen("p/r", "host", f"K{text}", text, text, text, text, "high", "order", facts) for text in evil]
        ledger.record(run, snapshot="\\N", at=AT, seen=seen, sight_of=lambda _: {}, terms=Terms(AT.date()))
    before = held(source)
    moving.move(source, place, at=AT)
    assert held(place) == before
    moving.move(place, back, at=AT)
    assert held(back) == before


def test_no_table_is_left_behind_by_a_move(server: Server, place: LedgerPlace) -> None:
    """Every one that the migrations make is copied."""
    Ledger.open(place).close()
    there = server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name_of(place))
    assert {name for (name,) in there} - {"alembic_version"} == {table.name for table in TABLES}


# --- backup with the database's own tools -------------------------------------------------------------------


def test_pg_dump_and_pg_restore_bring_everything_back(server: Server, place: LedgerPlace, tmp_path: Path) -> None:
    with Ledger.open(place) as ledger:
        record(ledger, 200)
        run = threading.Thread(target=record, args=(ledger, 2000), kwargs={"at": AT + timedelta(days=1), "turn": 1})
        run.start()
        time.sleep(0.05)
        # While an audit writes: the dump is of one moment.
        server.tool("pg_dump", "-Fc", "-f", str(tmp_path / "ledger.dump"), name_of(place))
        run.join()
        assert len(ledger.findings()) == 2000
    restored = server.fresh()
    server.tool("pg_restore", "-d", restored, str(tmp_path / "ledger.dump"))
    again = LedgerPlace.parse(server.url(restored))
    with Ledger.open(again, create=False) as ledger, ledger.reading() as connection:
        assert trail.verify(connection) == []
        recorded = [row for row in ledger.audits() if row.recorded_at is not None]
        assert len(ledger.findings()) == (200 if len(recorded) == 1 else 2000)
    with pytest.raises(Exception, match="append-only"):
        server.run("TRUNCATE trail", database=restored)
    with Ledger.open(again) as ledger:
        record(ledger, 10, at=AT + timedelta(days=3), turn=3)


def test_the_window_of_a_backup_is_a_consistent_one(place: LedgerPlace) -> None:
    """Readers see one moment, however long they read."""
    with Ledger.open(place) as ledger, Ledger.open(place) as other:
        record(ledger, 10)
        with ledger.reading() as connection:
            before = digests(connection)
            record(other, 20, at=AT + timedelta(days=1), turn=1)
            assert digests(connection) == before
        with ledger.reading() as connection:
            assert digests(connection) != before
