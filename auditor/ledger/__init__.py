"""The ledger: audits, findings and their history, and what earlier audits called things.

:mod:`auditor.ledger.life`, :mod:`auditor.ledger.records` and :mod:`auditor.ledger.errors` are plain; SQLAlchemy
is loaded with :class:`Ledger`, when somebody first names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.ledger.errors import LedgerError

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger

__all__ = ["Ledger", "LedgerError"]


def __getattr__(name: str) -> object:
    if name != "Ledger":
        raise AttributeError(name)
    from auditor.ledger.store import Ledger

    return Ledger
