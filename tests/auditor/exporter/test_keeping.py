"""The page is written once, kept up to date beside the scrapes, and never waits for what takes long."""

from __future__ import annotations

import gzip
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.exporter import keeping, trail_check
from auditor.exporter.gathering import Gatherer
from auditor.exporter.keeping import Keeper
from auditor.exporter.pages import Page
from auditor.ledger import trail
from auditor.ledger.store import Ledger
from auditor.ledger.trail import Entry
from auditor.site import Site, load_site
from reports.metrics import Format
from reports.metrics_names import Part
from tests.auditor.exporter.reading import Read
from tests.auditor.ledgers import UNGUARD, past
from tests.auditor.office import Office


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture(autouse=True)
def _asked_at_every_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database is asked for its changes twice a second at most; no test is that patient."""
    monkeypatch.setattr(keeping, "FRESH", 0.0)


@pytest.fixture
def keeper(site: Site, heard: list[str]) -> Iterator[Keeper]:
    made = Keeper(site, tell=heard.append)
    made.start()
    yield made
    made.close()


def read(keeper: Keeper, form: Format = Format.PLAIN, *, packed: bool = False) -> Read:
    body = keeper.scrape(form, packed=packed)
    return Read((gzip.decompress(body) if packed else body).decode(), form)


def test_every_form_says_the_same(keeper: Keeper, worked: Office) -> None:
    plain = read(keeper)
    for form in Format:
        for packed in (False, True):
            other = read(keeper, form, packed=packed)
            moving = ("auditor_state_free_bytes", "auditor_trail_faults", "auditor_trail_checked_timestamp_seconds")
            for name in moving:
                other.samples.pop(name, None), plain.samples.pop(name, None)
            assert other.samples == plain.samples
    assert set(plain.parts()) == set(Part) and set(plain.parts().values()) == {1}


def test_a_step_on_a_case_shows_at_the_next_scrape(keeper: Keeper, worked: Office) -> None:
    assert read(keeper).by("auditor_cases", "state") == {"draft": 1, "reviewed": 1, "served": 1, "closed": 1}
    steps = read(keeper).one("auditor_trail_steps")
    reviewed = next(one["id"] for one in worked.json("case", "list") if one["state"] == "reviewed")
    worked.do("case", "withdraw", reviewed, "--by", "分管领导", "--reason", "另行处理")
    after = read(keeper, Format.OPENMETRICS, packed=True)
    assert after.by("auditor_cases", "state") == {"draft": 1, "withdrawn": 1, "served": 1, "closed": 1}
    assert after.one("auditor_trail_steps") > steps


def test_a_new_audit_shows_at_the_next_scrape(keeper: Keeper, worked: Office) -> None:
    before = read(keeper)
    worked.wait(days=1)
    worked.systems("mzj,MZ-001,社会救助系统,停用,,,", "mzj,MZ-009,新系统,运行,政务云,,")
    worked.audit()
    after = read(keeper)
    assert after.one("auditor_audit_timestamp_seconds") > before.one("auditor_audit_timestamp_seconds")
    assert after.by("auditor_systems_excluded", "reason") == {"retired": 1}
    assert after.by("auditor_systems_in_scope", "department") == {"mzj": 1}


def test_while_nothing_changes_nothing_is_read(
    keeper: Keeper, worked: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "FRESH", 60.0)
    read(keeper)
    reads: list[str] = []
    monkeypatch.setattr(Gatherer, "gather", lambda *_: reads.append("gather"))
    monkeypatch.setattr(Gatherer, "mark", lambda *_: reads.append("mark"))
    for _ in range(20):
        read(keeper, packed=True)
    assert reads == []


def test_midnight_is_a_change(keeper: Keeper, worked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK", 0.02)
    assert read(keeper).by("auditor_assessments", "kind", "status")["mlps", "expiring_30d"] == 1
    worked.wait(days=60)
    keeper._ask()
    assert ("mlps", "expiring_30d") not in read(keeper).by("auditor_assessments", "kind", "status")


def test_a_scrape_does_not_wait_for_a_large_city(
    keeper: Keeper, worked: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keeper.scrape(Format.PLAIN)
    gate, gather = threading.Event(), Gatherer.gather

    def slowly(self: Gatherer, now: object) -> object:
        gate.wait(20)
        return gather(self, now)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(Gatherer, "gather", slowly)
    monkeypatch.setattr(keeping, "PATIENCE", 0.2)
    reviewed = next(one["id"] for one in worked.json("case", "list") if one["state"] == "reviewed")
    worked.do("case", "withdraw", reviewed, "--by", "分管领导", "--reason", "另行处理")
    started = time.monotonic()
    meanwhile = keeper.scrape(Format.PLAIN)
    assert time.monotonic() - started < 3
    assert Read(meanwhile.decode()).samples["auditor_cases"] == Read(before.decode()).samples["auditor_cases"]
    gate.set()
    for _ in range(200):
        if read(keeper).by("auditor_cases", "state").get("withdrawn"):
            return
        time.sleep(0.02)
    raise AssertionError("the change never showed")


def test_what_cannot_be_told_is_said_once_and_tried_again(
    worked: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    (snapshot,) = site.snapshots.iterdir()
    away = worked.root / "away"
    snapshot.rename(away)
    heard: list[str] = []
    keeper = Keeper(site, tell=heard.append)
    keeper.start()
    parts = read(keeper).parts()
    assert {part for part, told in parts.items() if not told} == {"inventory", "migration", "rules", "probes"}
    assert "auditor_assets" not in read(keeper).samples
    assert len(heard) == 4 and "there is no such snapshot" in heard[0]
    keeper._ask()
    assert len(heard) == 4
    shutil.move(away, snapshot)
    monkeypatch.setattr(keeping, "AGAIN", 0.0)
    keeper._ask()
    assert set(read(keeper).parts().values()) == {1}
    assert set(heard[4:]) == {f"{part}: told again" for part in ("inventory", "migration", "rules", "probes")}
    keeper.close()


@pytest.mark.sqlite_file
def test_a_ledger_that_goes_away_is_no_end(keeper: Keeper, worked: Office, site: Site) -> None:
    read(keeper)
    away = worked.root / "away.sqlite"
    file = worked.root / "state" / "ledger.sqlite"
    with past(site.ledger) as database:
        database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    file.rename(away)
    parts = read(keeper).parts()
    assert {part for part, told in parts.items() if told} == {"inventory", "rules", "schedule", "looks"}
    away.rename(file)
    assert set(read(keeper).parts().values()) == {1}


def test_served_before_there_is_anything_to_tell(office: Office, heard: list[str]) -> None:
    """What was never looked at is not nought: its parts say so, until a first audit is recorded."""
    keeper = Keeper(load_site(office.root), tell=heard.append)
    keeper.start()
    early = read(keeper)
    assert [part for part, told in early.parts().items() if told] == ["looks", "schedule"]
    assert early.samples.keys() == {"auditor_build_info", "auditor_scrape_part_success"}
    office.audit()
    assert set(read(keeper).parts().values()) == {1}
    assert sum(read(keeper).by("auditor_systems_in_scope", "department").values()) == 4
    keeper.close()


def test_a_page_is_written_once(site: Site, worked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    gatherer = Gatherer(site)
    gathered = gatherer.gather(worked.now)
    page = Page(gathered)
    body = page.body(Format.PLAIN)
    assert page.body(Format.PLAIN) is body and page.packed(Format.PLAIN) is page.packed(Format.PLAIN)
    again = Page(gatherer.gather(worked.now), page)
    assert again.pieces[Part.INVENTORY] is page.pieces[Part.INVENTORY]
    assert again.pieces[Part.CASES] is not page.pieces[Part.CASES]
    assert again.body(Format.PLAIN) == body
    gatherer.close()


# --- the trail ----------------------------------------------------------------------------------------------


def test_the_trail_is_read_once_an_hour_whoever_asks(worked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    state, calls, verify = worked.root / "state", [], trail.verify

    def counted(*given: object) -> list[str]:
        calls.append(given)
        return verify(*given)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(trail, "verify", counted)
    for minutes, times in ((0, 1), (5, 1), (54, 1), (1, 2), (-600, 3)):
        worked.wait(minutes=minutes)
        worked.do("metrics")
        assert len(calls) == times
    assert (state / trail_check.FILE).stat().st_mode & 0o777 == 0o600


def test_what_was_done_past_the_trail_is_counted(worked: Office) -> None:
    worked.do("metrics")
    assert Read(worked.out).one("auditor_trail_faults") == 0
    with past(worked.ledger) as database:
        database.rows("UPDATE cases SET number = 'x', due = NULL WHERE state = 'draft'")
    worked.do("metrics")
    assert Read(worked.out).one("auditor_trail_faults") == 0, "not before an hour is over"
    worked.wait(hours=1)
    worked.do("metrics")
    assert Read(worked.out).one("auditor_trail_faults") == 1


def test_a_trail_that_lost_its_end_is_found_out_and_stays_so(worked: Office, site: Site) -> None:
    with Ledger.open(worked.ledger) as ledger:
        with ledger.writing() as connection:
            trail.write(connection, Entry(worked.now, "政务信息科", "note", "x"))
        assert trail_check.check(ledger, site.state, worked.now).faults == 0
        with ledger.writing() as connection:
            for statement in UNGUARD:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("DELETE FROM trail WHERE seq = (SELECT max(seq) FROM trail)")
        for hours in (1, 2):
            later = worked.now + timedelta(hours=hours)
            found = trail_check.checked(ledger, site.state, later)
            assert found is not None and found.faults == 1 and found.at == later


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "x", '{"at": "2026-01-01", "faults": 0, "seq": 0, "digest": ""}']
)
def test_a_spoiled_note_of_a_check_is_none(tmp_path: Path, content: str) -> None:
    assert trail_check.newest(tmp_path) is None
    (tmp_path / trail_check.FILE).write_text(content)
    assert trail_check.newest(tmp_path) is None


# --- the commands -------------------------------------------------------------------------------------------


def test_metrics_tells_what_it_cannot_and_writes_the_rest(worked: Office, site: Site, tmp_path: Path) -> None:
    (snapshot,) = site.snapshots.iterdir()
    shutil.rmtree(snapshot)
    file = tmp_path / "auditor.prom"
    assert worked.run("metrics", "--textfile", str(file)) == 4
    assert worked.out == "" and "inventory: " in worked.err and "there is no such snapshot" in worked.err
    assert Read(file.read_text(encoding="utf-8")).by("auditor_cases", "state")
    assert file.stat().st_mode & 0o777 == 0o644


def test_metrics_before_a_first_audit(office: Office) -> None:
    assert "nothing was audited yet" in office.refused("metrics")
    Ledger.open(office.ledger).close()
    assert "no audit was recorded yet" in office.refused("metrics")


def test_serve_answers_until_it_is_told_to_end(worked: Office) -> None:
    command = [sys.executable, "-m", "auditor", "serve", "--metrics-only", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--site", str(worked.root)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("auditor serve: http://127.0.0.1:"), line
            url = line.removeprefix("auditor serve: ").strip()
            with urllib.request.urlopen(url, timeout=10) as answer:
                told = Read(answer.read().decode())
            assert set(told.parts().values()) == {1}
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "")


def test_serve_refuses_an_address_that_is_taken(worked: Office) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        assert worked.run("serve", "--listen", place) == 3
    assert "Address already in use" in worked.err and "Traceback" not in worked.err
    assert "is no address" in worked.refused("serve", "--listen", "everywhere:9464")


def test_serve_warns_where_others_can_ask(worked: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.exporter.http import Server

    def ends(_self: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", ends)
    assert worked.run("serve", "--listen", "0.0.0.0:0") == 0
    assert "warning: 0.0.0.0 can be reached from other machines" in worked.err
    assert worked.run("serve", "--listen", "127.0.0.1:0") == 0
    assert "warning" not in worked.err
