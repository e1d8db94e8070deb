"""What a service manager is told: whether all lives and can work; no names, no secrets, in bounded time."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from auditor.ledger.store import Ledger
from auditor.schedule import health
from auditor.schedule.health import Health
from auditor.schedule.running import Scheduler
from auditor.schedule.watched import Watched
from auditor.site import Site, load_site
from tests.auditor.schedule.test_scheduler import site_text, zone


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "site.yaml").write_text(site_text(), encoding="utf-8")
    return load_site(tmp_path)


@pytest.fixture
def scheduler(site: Site) -> Scheduler:
    made = Scheduler(Watched(site.root))
    made.begin()
    return made


def test_alive(site: Site, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler.turn()
    told = Health(site, scheduler).alive()
    assert told.good and told.body["status"] == "ok"
    assert told.body["scheduler"] == {"turned_seconds_ago": 0.0, "jobs": 1, "running": 0, "trouble": None}
    monkeypatch.setattr(health, "HANGS", -1.0)
    told = Health(site, scheduler).alive()
    assert not told.good and told.body["status"] == "hangs"
    assert not Health(site, scheduler).ready().good
    assert Health(site).alive().pair == (True, {"status": "ok", "scheduler": None})


def test_ready(site: Site, scheduler: Scheduler) -> None:
    assert Health(site, scheduler).ready().pair == (
        True,
        {"ready": True, "checks": {"site": "ok", "ledger": "none_yet", "schedule": "ok"}},
    )
    Ledger.open(site.ledger).close()
    assert Health(site).ready().body["checks"] == {"site": "ok", "ledger": "ok"}
    assert site.ledger.file is not None
    site.ledger.file.write_bytes(b"no ledger at all, but something else" * 100)
    assert Health(site).ready().pair == (
        False,
        {"ready": False, "checks": {"site": "ok", "ledger": "unreachable"}},
    )


def test_a_faulty_site_is_not_ready_but_alive(site: Site, scheduler: Scheduler) -> None:
    (site.root / "site.yaml").write_text("site: [", encoding="utf-8")
    scheduler.turn()
    both = Health(site, scheduler)
    assert both.alive().good and not both.ready().good
    assert both.ready().body["checks"] == {"site": "faulty", "ledger": "unknown", "schedule": "site_faulty"}


def test_no_name_is_told(site: Site, scheduler: Scheduler) -> None:
    (site.root / "site.yaml").write_text(
        site_text(zone("mzj-secret", "127.77.0.0/28", "schedule: [{cron: '* * * * *'}]")), encoding="utf-8"
    )
    scheduler.turn()
    both = Health(site, scheduler)
    text = json.dumps([both.alive().body, both.ready().body])
    for word in ("mzj", "127.77", "tiny", "小市", str(site.root), "授权"):
        assert word not in text


def test_a_ledger_that_does_not_answer_keeps_nobody_waiting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hangs(_site: Site) -> str:
        gate.wait(20)
        return "ok"

    monkeypatch.setattr(health, "_ledger", hangs)
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    both = Health(site)
    for _ in range(3):
        started = time.monotonic()
        assert both.ready().body == {"ready": False, "checks": {"site": "slow", "ledger": "slow"}}
        assert time.monotonic() - started < 2
    assert threading.active_count() < 20
    gate.set()
    for _ in range(100):
        if both.ready().good:
            return
        time.sleep(0.02)
    raise AssertionError("the answer never came")


def test_the_answer_is_kept_a_little(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counts(_site: Site) -> str:
        asked.append("x")
        return "ok"

    monkeypatch.setattr(health, "_ledger", counts)
    both = Health(site)
    assert all(both.ready().good for _ in range(50)) and asked == ["x"]
