"""The part of ``site.yaml`` about where the ledger lies."""

from __future__ import annotations

from pydantic import BaseModel

from auditor.site_access import Reference, Strict


class LedgerConfig(Strict):
    """``url`` is PostgreSQL's, without a password; empty: the file ``state/ledger.sqlite``."""

    url: str = ""
    password: Reference | None = None


LEDGER_MODELS: dict[str, type[BaseModel]] = {"ledger": LedgerConfig}
