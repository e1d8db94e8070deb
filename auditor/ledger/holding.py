"""One audit, and one scheduler, at a time: on one machine by a file, on several by the database that they share.

On PostgreSQL an advisory lock of a session of its own is held beside the file's lock (the manual, 13.3.5): it goes
with the process, or with its machine once the server misses it (a minute or so), and leaves nothing behind to clear.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.ledger.errors import LedgerError
from auditor.ledger.place import LedgerPlace
from auditor.lock import AuditLock, Holder, LockHeld, this_process
from auditor.site import Site

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# A holder that was just killed is given up by the server within an instant.
_PATIENCE_SECONDS = 0.5
#: What is locked → its file in the site's state folder.
_FILES = {"audit": "lock"}


class Held:
    """A lock that is held; :meth:`renew` makes sure of it."""

    def __init__(self, session: _Session | None = None) -> None:
        self._session = session

    def renew(self) -> None:
        """Makes sure that the lock is still ours, and takes it again where the connection was lost meanwhile.

        LockHeld where another has it now, LedgerError where the database does not answer. A file's lock is not lost.
        """
        if self._session is not None:
            self._session.renew()


@contextmanager
def hold(site: Site, name: str, *, now: datetime, command: str = "") -> Iterator[Held]:
    """Holds the site's lock of that name (``audit``, ``scheduler``) until the end of the ``with``.

    ``now`` is when the command began (aware). :class:`~auditor.lock.LockHeld` at once (within a second) where another
    process has it, here or on another machine; LockError where its file cannot be made, LedgerError where the
    database cannot be reached. The state folder is there.
    """
    command = command or f"auditor {name}"
    with ExitStack() as stack:
        file = site.state / _FILES.get(name, f"{name}.lock")
        stack.enter_context(AuditLock(file, command=command, now=now, what=name))
        held = Held()
        if site.ledger.file is None:
            session = _Session(site.ledger, name, this_process(command, now))
            stack.callback(session.close)
            session.take()
            held = Held(session)
        yield held


class _Session:
    """A connection that does nothing but hold an advisory lock."""

    def __init__(self, place: LedgerPlace, name: str, holder: Holder) -> None:
        self._place, self._name = place, name
        # All that the server shows of a session; it cuts it off after 63 bytes.
        self._title = f"auditor {name} {holder.pid} {holder.user}@{holder.host}"
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    def take(self) -> None:
        from sqlalchemy.pool import NullPool

        from auditor.ledger import postgresql
        from auditor.ledger.dialects import told

        with told(self._place.shown):
            self._engine = postgresql.engine(self._place, name=self._title, pool=NullPool)
            # Without a transaction: one that stays open for days would keep the server from tidying up.
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            until = time.monotonic() + _PATIENCE_SECONDS
            while not postgresql.try_lock(self._connection, self._name):
                if time.monotonic() >= until:
                    found = postgresql.lock_holder(self._connection, self._name)
                    raise LockHeld(self._place.shown, _holder(*found) if found else None, self._name)
                time.sleep(0.05)

    def renew(self) -> None:
        from auditor.ledger.dialects import told

        try:
            with told(self._place.shown):
                if self._connection is not None:
                    self._connection.exec_driver_sql("SELECT 1")
                    return
        except LedgerError:
            self.close()
        self.take()

    def close(self) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.close()
        except SQLAlchemyError:
            # A connection that is lost has given its lock back already.
            pass
        finally:
            if self._engine is not None:
                self._engine.dispose()


def _holder(title: str, since: str) -> Holder | None:
    """Who a session is, by its title; None for one that somebody else named."""
    words = title.split(maxsplit=3)
    if len(words) < 4 or words[0] != "auditor" or not words[2].isdecimal():
        return None
    user, _, host = words[3].partition("@")
    return Holder(int(words[2]), host, user, since, f"auditor {words[1]}")
