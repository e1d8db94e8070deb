"""Alembic's entry: runs the migrations on the connection, and in the transaction, that the ledger hands over."""

from __future__ import annotations

from alembic import context

from auditor.ledger.tables import metadata


def migrate() -> None:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        # SQLite alters tables by copying them.
        render_as_batch=True,
        # Both databases undo schema changes with the transaction; the ledger holds it.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


migrate()
