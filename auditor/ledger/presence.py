"""Whether a ledger was ever written, without making one: SQLAlchemy is loaded only to ask a database."""

from __future__ import annotations

from auditor.ledger.place import LedgerPlace


def exists(place: LedgerPlace) -> bool:
    """Whether anything was ever written down there. LedgerError where the database cannot be asked."""
    if place.file is not None:
        return place.file.exists()
    from auditor.ledger.dialects import connect
    from auditor.ledger.schema import is_there

    database = connect(place, create=False)
    try:
        with database.reading() as connection:
            return is_there(connection)
    finally:
        database.engine.dispose()
