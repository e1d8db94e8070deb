"""Alembic's migrations of the ledger, run when it is opened. To add one, see ``script.py.mako`` and schema.HEAD."""
