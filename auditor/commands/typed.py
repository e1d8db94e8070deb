"""What a person typed, read and refused in words; and the ledger that it goes into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from auditor.cases import roles
from auditor.errors import Refused
from auditor.ledger.presence import exists
from auditor.site import Site
from auditor.site_office import PeopleConfig
from inventories.faults import clean

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger

T = TypeVar("T")

#: How long a text may be that is kept for ever; a longer one is refused, never cut.
MOST = 500


class Mistakes:
    """Gathers refusals, so that all are told at once. ``taken`` values stand in for what could not be read."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def read(self, reader: Callable[[], T], otherwise: T) -> T:
        try:
            return reader()
        except Refused as error:
            self.lines += error.lines
            return otherwise

    def end(self) -> None:
        """Raises :class:`Refused` with all of them, each once, if there are any."""
        if self.lines:
            raise Refused(*dict.fromkeys(self.lines))


def words(text: str, option: str, *, most: int = MOST) -> str:
    """A text in one line, cleaned of control characters; :class:`Refused` where it is empty or too long."""
    line = " ".join(text.split())
    if not line:
        raise Refused(f"{option} is empty: say it in words")
    return optional(line, option, most=most)


def optional(text: str, option: str, *, most: int = MOST) -> str:
    """As :func:`words`, and may be empty."""
    line = " ".join(text.split())
    if len(line) > most:
        raise Refused(f"{option} is {len(line)} characters long, and may have {most}: name the document")
    # Escapes are longer than what they stand for.
    return clean(line, 10 * most)


def day(text: str, option: str) -> date:
    """``2026-01-31``; :class:`Refused` for anything else."""
    try:
        if len(text.strip()) != 10:
            raise ValueError
        return date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(f"{option} {clean(text, 40)!r} is no date: write one such as 2026-01-31") from None


def office(by: str) -> str:
    """The name of an office, whatever it may do."""
    return roles.check(PeopleConfig(), "draft", by)


def ledger_to_write(site: Site) -> Ledger:
    """The site's ledger, made where there is none: people may speak before the first audit."""
    from auditor.ledger.store import Ledger

    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Ledger.open(site.ledger)


def ledger_to_change(site: Site) -> Ledger:
    """The site's ledger; :class:`Refused` where nothing was ever written down that could be changed."""
    if not exists(site.ledger):
        raise Refused(f"{site.ledger}: nothing was written down yet")
    return ledger_to_write(site)


@contextmanager
def ledger_if_any(site: Site) -> Iterator[Ledger | None]:
    """The site's ledger, to read; None where nothing was ever written down."""
    from auditor.ledger.store import Ledger

    if not exists(site.ledger):
        yield None
        return
    with Ledger.open(site.ledger, create=False) as ledger:
        yield ledger


@contextmanager
def refusing() -> Iterator[None]:
    """What the ledger declines to do is a refusal (nothing was changed); what it cannot do stays an error."""
    from auditor.ledger.errors import LedgerError, Refusal

    try:
        yield
    except LedgerError as error:
        if not isinstance(error.__cause__, Refusal):
            raise
        cause = error.__cause__
        raise Refused(cause.what + (f": {cause.mend}" if cause.mend else "")) from error
