"""The newest page, kept up to date beside the scrapes that read it.

One thread of its own looks whether anything changed, gathers and writes; a scrape that finds a change waits for it a
little, and otherwise takes the page that is there: whole, and of one moment. Nobody waits for a large city to be
counted.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from auditor import clock
from auditor.exporter import trail_check
from auditor.exporter.gathering import Gathered, Gatherer
from auditor.exporter.pages import Page, tail
from auditor.exporter.trail_check import Checked
from auditor.ledger.errors import LedgerError
from auditor.site import Site
from reports.metrics import Format

#: Seconds between two looks that nobody asked for.
LOOK = 15.0
#: Seconds after which a part that could not be told is tried again, though nothing changed.
AGAIN = 60.0
#: Seconds that a scrape waits for what has just changed; Prometheus gives it ten.
PATIENCE = 3.0
#: Seconds for which a look at a database is fresh; a file shows its changes by itself.
FRESH = 0.5

_Files = tuple[tuple[int, int, int], ...]


class Keeper:
    """A site's page. ``tell`` is handed a line for people whenever a part becomes untold, or is told again."""

    def __init__(self, site: Site, *, tell: Callable[[str], None] = lambda _line: None) -> None:
        self._gatherer = Gatherer(site)
        self._tell = tell
        self._news = threading.Condition()
        self._wanted = self._looked = 0
        self._ending = False
        self._files: _Files | None = None
        self._tried = self._looked_at = 0.0
        self._checked: Checked | None = trail_check.newest(site.state)
        self._page = self._gathered()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        with self._news:
            self._ending = True
            self._news.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout=PATIENCE)
        # A thread that is still counting is left to end with the process.
        if not self._thread.is_alive():
            self._gatherer.close()

    def scrape(self, form: Format, *, packed: bool = False) -> bytes:
        """The whole text, gzip-packed where that is asked for."""
        if self._may_have_changed():
            self._ask()
        page, site = self._page, self._gatherer.site
        end = tail(site, page.gathered, self._checked, form)
        return page.gzip(end, form) if packed else page.plain(end, form)

    # The thread

    def _ask(self) -> None:
        """Has the thread look at once, and waits for that a little."""
        with self._news:
            self._wanted = mine = self._looked + 1
            self._news.notify_all()
            self._news.wait_for(lambda: self._looked >= mine or self._ending, PATIENCE)

    def _run(self) -> None:
        self._check_trail()
        for _ in self._turns():
            self._look()
            with self._news:
                self._looked += 1
                self._news.notify_all()
            self._check_trail()

    def _turns(self) -> Iterator[None]:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._ending or self._wanted > self._looked, LOOK)
                if self._ending:
                    return
            yield

    def _look(self) -> None:
        now, files, began = clock.utc_now(), self._seen_files(), time.monotonic()
        gathered = self._page.gathered
        try:
            changed = self._gatherer.mark(now) != gathered.mark
        except LedgerError:
            changed = gathered.mark is not None
        if changed or (gathered.troubles and time.monotonic() - self._tried > AGAIN):
            self._page = self._gathered(self._page)
        # Noted last: what changed meanwhile is seen at the next look.
        self._files, self._looked_at = files, began

    def _gathered(self, before: Page | None = None) -> Page:
        now: datetime = clock.utc_now()
        self._tried = time.monotonic()
        files = self._seen_files()
        gathered = self._gatherer.gather(now)
        if before is None:
            self._files = files
        self._told(gathered, before)
        page = Page(gathered, before)
        # What Prometheus asks for is written before anybody waits for it.
        page.packed(Format.OPENMETRICS)
        return page

    def _told(self, gathered: Gathered, before: Page | None) -> None:
        old = before.gathered.troubles if before is not None else {}
        for part, why in gathered.troubles.items():
            if old.get(part) != why:
                self._tell(f"{part.value}: {why}")
        for part in old.keys() - gathered.troubles.keys():
            self._tell(f"{part.value}: told again")

    def _check_trail(self) -> None:
        site = self._gatherer.site
        with contextlib.suppress(LedgerError):
            self._checked = trail_check.checked(self._gatherer.ledger(), site.state, clock.utc_now())

    def _may_have_changed(self) -> bool:
        if self._gatherer.site.ledger.file is None:
            return time.monotonic() - self._looked_at > FRESH
        return self._seen_files() != self._files

    def _seen_files(self) -> _Files:
        """By what a change of the ledger's files shows at once, without asking it."""
        return self._gatherer.site.ledger.traces()
