"""The emergency stop goes to every zone at once, and none is missed in silence."""

from __future__ import annotations

import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from auditor import clock
from auditor.workers import centre

#: The first thing that a fresh process asks of Celery, from as many threads as there are zones.
TOGETHER = """
import threading
from auditor.workers.broker import celery_app
made = []
threads = [threading.Thread(target=lambda: made.append(celery_app(None).main)) for _ in range(6)]
for one in threads: one.start()
for one in threads: one.join()
assert made == ["auditor"] * 6, made
"""


def site_of(*zones: str) -> Any:
    """A site whose zones are looked at by workers, and one that is not."""
    those = [SimpleNamespace(id=zone, by="worker") for zone in zones]
    near = SimpleNamespace(id="near", by="")
    return SimpleNamespace(config=SimpleNamespace(workers=object(), zones=(*those, near)))


def test_zones_that_first_need_the_broker_together_all_get_there() -> None:
    for _ in range(5):
        ran = subprocess.run(
            [sys.executable, "-c", TOGETHER], capture_output=True, text=True, timeout=60, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")


def test_every_zone_is_told_at_once_and_what_could_not_be_told_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3, timeout=10)
    told: list[str] = []

    def tell(_site: Any, _config: Any, zone: str, *_more: Any) -> str:
        together.wait()
        told.append(zone)
        return "the line is cut" if zone == "b" else ""

    monkeypatch.setattr(centre, "_signer", lambda _config: None)
    monkeypatch.setattr(centre, "_halt_zone", tell)
    assert centre.halt(site_of("a", "b", "c"), reason="drill", now=clock.utc_now) == ("b: the line is cut",)
    assert sorted(told) == ["a", "b", "c"]


def test_a_fault_of_the_program_in_one_zone_is_heard_after_the_others_were_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []

    def tell(_site: Any, _config: Any, zone: str, *_more: Any) -> str:
        if zone == "a":
            raise ZeroDivisionError(zone)
        told.append(zone)
        return ""

    monkeypatch.setattr(centre, "_signer", lambda _config: None)
    monkeypatch.setattr(centre, "_halt_zone", tell)
    with pytest.raises(ZeroDivisionError):
        centre.halt(site_of("a", "b", "c"), reason="drill", now=clock.utc_now)
    assert sorted(told) == ["b", "c"]


def test_a_site_without_workers_tells_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centre, "_signer", lambda _config: pytest.fail("no key is needed"))
    assert centre.halt(site_of(), reason="drill", now=clock.utc_now) == ()
