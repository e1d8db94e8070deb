"""The part of ``site.yaml`` about where the ledger lies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, model_validator

from auditor.ledger.place import LedgerPlace, checked_url
from auditor.site_access import Reference, Strict

#: The ledger's file where no other place is named.
FILE = "ledger.sqlite"


def _url(value: object) -> object:
    # What is written here may hold a password by mistake, so nothing of it is repeated.
    if not isinstance(value, str):
        raise ValueError("write an address such as postgresql+psycopg://auditor@127.0.0.1:5432/auditor")
    return checked_url(value) if value else ""


Url: TypeAlias = Annotated[str, BeforeValidator(_url)]


class LedgerConfig(Strict):
    """``url`` is PostgreSQL's, without a password; empty: the file ``state/ledger.sqlite``."""

    url: Url = ""
    password: Reference | None = None

    @model_validator(mode="after")
    def _whole(self) -> LedgerConfig:
        if self.password is not None and not self.url:
            raise ValueError("a password is for a database: name its 'url'")
        return self

    def place(self, state: Path) -> LedgerPlace:
        """Where the ledger lies; ``state`` is the site's state folder."""
        if self.url:
            return LedgerPlace(url=self.url, password=self.password)
        return LedgerPlace(file=state / FILE)


LEDGER_MODELS: dict[str, type[BaseModel]] = {"ledger": LedgerConfig}
