"""The one exception of the ledger."""

from __future__ import annotations

from inventories.faults import Fault


class LedgerError(Exception):
    """The ledger cannot do what was asked; nothing of the request was stored.

    ``where`` names the file (or the database, without its password), ``what`` the trouble, ``mend`` what a
    person can do about it.
    """

    def __init__(self, where: str, what: str, mend: str = "") -> None:
        self.fault = Fault(where, what, mend)
        super().__init__(str(self.fault))

    @property
    def where(self) -> str:
        return self.fault.where

    @property
    def what(self) -> str:
        return self.fault.what

    @property
    def mend(self) -> str:
        return self.fault.mend
