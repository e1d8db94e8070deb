"""Whether all that lives: words and numbers for a service manager, no names and no secrets, in bounded time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import Refused
from auditor.ledger.errors import LedgerError
from auditor.site import Site, load_site
from inventories.faults import Faults

if TYPE_CHECKING:
    from auditor.schedule.running import Scheduler

#: Seconds after which a scheduler that made no turn hangs.
HANGS = 30.0
#: Seconds for which an answer about the ledger holds, and that one question may take.
LASTS, PATIENCE = 10.0, 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """A page: whether it is good news, and its JSON."""

    good: bool
    body: dict[str, object]

    @property
    def pair(self) -> tuple[bool, dict[str, object]]:
        return self.good, self.body


class Health:
    """``/healthz``: the process lives and its scheduler turns. ``/readyz``: it can do what it is for."""

    def __init__(self, site: Site, scheduler: Scheduler | None = None) -> None:
        self._root, self._scheduler = site.root, scheduler
        self._asking = threading.Lock()
        self._checked = -LASTS
        self._checks: dict[str, str] = {}

    def alive(self) -> Told:
        if self._scheduler is None:
            return Told(True, {"status": "ok", "scheduler": None})
        ago = time.monotonic() - self._scheduler.turned_at
        good = ago < HANGS
        state = {
            "turned_seconds_ago": round(ago, 1),
            "jobs": len(self._scheduler.watched.plan.jobs),
            "running": self._scheduler.running(),
            "trouble": self._scheduler.trouble() or None,
        }
        return Told(good, {"status": "ok" if good else "hangs", "scheduler": state})

    def ready(self) -> Told:
        """Reads the site and asks the ledger, at most every ten seconds, and waits three seconds at most."""
        if time.monotonic() - self._checked > LASTS and self._asking.acquire(blocking=False):
            asking = threading.Thread(target=self._ask, name="ready", daemon=True)
            asking.start()
            asking.join(PATIENCE)
        is_fresh = time.monotonic() - self._checked <= LASTS
        checks = dict(self._checks) if is_fresh else {"site": "slow", "ledger": "slow"}
        if self._scheduler is not None:
            checks["schedule"] = self._scheduler.trouble() or ("ok" if self.alive().good else "hangs")
        good = all(word in ("ok", "none_yet") for word in checks.values())
        return Told(good, {"ready": good, "checks": checks})

    def _ask(self) -> None:
        try:
            self._checks = _checks(self._root)
            self._checked = time.monotonic()
        finally:
            self._asking.release()


def _checks(root: Path) -> dict[str, str]:
    try:
        site = load_site(root)
    except (Faults, OSError):
        return {"site": "faulty", "ledger": "unknown"}
    return {"site": "ok", "ledger": _ledger(site)}


def _ledger(site: Site) -> str:
    from auditor.intake import open_ledger

    try:
        with open_ledger(site) as ledger, ledger.reading():
            return "ok"
    except Refused:
        # Nothing was audited yet: the first judgement makes it.
        return "none_yet"
    except (LedgerError, OSError):
        return "unreachable"
