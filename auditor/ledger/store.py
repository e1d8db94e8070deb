"""The ledger's door: open it, record audits whole or not at all, list findings, tell their history.

SQLite is the embedded default; any URL that SQLAlchemy knows for PostgreSQL does as well. Every trouble is a
:class:`~auditor.ledger.errors.LedgerError`. Times are handed in, never read from a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from auditor.ledger import dialects, identities, life, probing, schema
from auditor.ledger.audits import Audits
from auditor.ledger.errors import LedgerError
from auditor.ledger.life import Life, State
from auditor.ledger.merging import Occasion, follow
from auditor.ledger.records import EventRow, FindingRow, ProbeRun, Recorded, Seen, Status, Terms
from auditor.ledger.recording import Recording, SightOf
from auditor.ledger.rows import event_columns, event_of, finding_of, life_columns, life_of
from auditor.ledger.tables import audits, finding_events, finding_facts, findings
from inventories.faults import clean
from inventories.model import KeyMap
