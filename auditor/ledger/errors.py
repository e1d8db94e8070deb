"""The one exception of the ledger, and what its inner parts raise on the way to it."""

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


class Refusal(Exception):
    """What was asked makes no sense for what is stored; the ledger's door adds where and raises LedgerError."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what, self.mend = what, mend
        super().__init__(what)
